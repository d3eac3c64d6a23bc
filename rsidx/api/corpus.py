"""A data set of many repositories, by a configuration: making it, and how far it is."""

import os
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rsidx.api.data_set import DataSet, Verification, verification_of
from rsidx.api.faults import explained, path_of
from rsidx.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rsidx.corpus.status import CorpusStatus
    from rsidx.indexer.git.repository import Repository


class Corpus:
    """A corpus, as a file in TOML configures it.

    Needs the extra `rsidx[corpus]`. Raises ConfigError where the file says what is not known.
    """

    def __init__(self, configuration: str | os.PathLike[str]) -> None:
        with explained(), _with_extra():
            from rsidx.corpus.configuration import read_configuration  # noqa: PLC0415
            from rsidx.corpus.logs import keep_sinks  # noqa: PLC0415

            keep_sinks()
            self.file: Path = path_of(configuration)
            self._config = read_configuration(self.file)

    def __repr__(self) -> str:
        return f"<Corpus of {self.file}>"

    def run(self, *, progress: Callable[[str, int, int], None] | None = None) -> DataSet:
        """Make the data set, or go on where an earlier run stopped; return it.

        `progress` is called with the stage, and its tasks done and to do. Raises CorpusError where
        a stage does not end well. A repository that cannot be taken in is left out, see `status`.
        """
        with explained(), _with_extra():
            from rsidx.corpus.stages import run  # noqa: PLC0415

            run(self._config, progress or (lambda *_: None))
        return DataSet(self._config.out)

    def status(self) -> "CorpusStatus":
        """Return how far it is, and which repositories could not be taken in."""
        with explained(), _with_extra():
            from rsidx.corpus.status import status_of  # noqa: PLC0415

            return status_of(self._config)

    def verify(self, *, sample: float = 1, max_problems: int | None = None) -> Verification:
        """Check the data set against git alone, each row against its repository.

        Of the rows a `sample` is checked: a share of them, always the same.
        """
        with explained(), _with_extra():
            from rsidx.corpus.clones import repository_of  # noqa: PLC0415
            from rsidx.corpus.run import Run  # noqa: PLC0415

            run = Run(self._config)
            listed = {one.name: one for one in run.listed}

            def open_repository(name: str | None) -> "Repository":
                if name not in listed:
                    raise CorpusError(f"{self._config.out} has rows of {name}, which is not listed")
                return repository_of(listed[name], run.work)

            out = Path(self._config.out)
            return verification_of(out, open_repository, max_problems, sample=sample)


@contextmanager
def _with_extra() -> "Iterator[None]":
    """Say which extra is missing, in place of an import that fails."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("rsidx"):
            raise
        raise CorpusError(
            f"a corpus needs {error.name}: install rsidx with pip install 'rsidx[corpus]'"
        ) from error
