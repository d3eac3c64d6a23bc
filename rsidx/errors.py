"""The errors a user can meet.

RsidxError                 one line, exit status 1
├── RepositoryError        git refused, or the repository is not what was asked for
│   └── ManagedHooksError  another program writes the hooks: `snippet` is for its settings
├── IndexStoreError        the database cannot be opened, or is not ours
│   ├── NewerIndexError    a newer rsidx wrote it: trying again is of no use
│   └── IndexInUseError    another process holds its lock: it works again later
├── ConfigError            a configuration file or a value in it
├── TokenizerError         a tokenizer that cannot be loaded or lacks what is needed
├── ExportError            an export that cannot be done as asked
├── CorpusError            a corpus of many repositories that cannot be made as asked
├── EvaluationError        predictions, a toolchain, a sandbox or a result that cannot be used
├── PlacementError         code cannot be put where it was to go: `outcome` is the reason, in a word
└── LockError              a file system that refuses locks

Each message says what happened and, where there is one, what to do about it.
"""


class RsidxError(Exception):
    """A fault the user can understand; printed as one line without a traceback."""


class RepositoryError(RsidxError):
    """Git refused, or the repository is not what was asked for."""


class ManagedHooksError(RepositoryError):
    """Another program writes the hooks; `snippet` is what its settings need."""

    def __init__(self, message: str, snippet: str) -> None:
        super().__init__(message)
        self.snippet = snippet


class IndexStoreError(RsidxError):
    """The index's database cannot be opened or is not ours."""


class NewerIndexError(IndexStoreError):
    """A newer rsidx wrote the index; only an upgrade helps."""


class IndexInUseError(IndexStoreError):
    """Another process writes the index, or reads what was to be dropped."""


class ConfigError(RsidxError):
    """A configuration file, or a value in it, is wrong."""


class TokenizerError(RsidxError):
    """A tokenizer cannot be loaded, or lacks what was asked of it."""


class LockError(RsidxError):
    """A file system refuses the locks that keep two writers apart."""


class ExportError(RsidxError):
    """An export cannot be done as asked."""


class CorpusError(RsidxError):
    """A corpus of many repositories cannot be made as asked."""


class EvaluationError(RsidxError):
    """Predictions, a toolchain, a sandbox or a result cannot be used as asked."""


class PlacementError(RsidxError):
    """A place in the code is not there, or new code cannot be put there; the file is as it was.

    `outcome` is the reason in a word, as commands print it: `no_place`, `several_places`,
    `no_answer`, `syntax`, `not_the_symbol`, `not_applied` or `changed`.
    """

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome
