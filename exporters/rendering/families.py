"""The tokens that each model family was trained with: for repositories, commits and holes.

As the models' cards and papers say; docs/format.md names them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rsidx.errors import TokenizerError
from rsidx.exporters.rendering.encoder import Encoder


@dataclass(frozen=True, slots=True)
class FimTokens:
    """The tokens around a hole. `ending` is what models end a middle with, if not their end token.

    `path_is_inside` says that the file's path stands behind the token of the prefix, `can_spm` that
    the models know the suffix in front.
    """

    prefix: str
    suffix: str
    middle: str
    ending: str = ""
    path_is_inside: bool = False
    can_spm: bool = True


@dataclass(frozen=True, slots=True)
class Family:
    """The tokens of a model family, those that it has not left empty.

    Where files have no token (`file`), a comment names them. `commit` stand before old code,
    message and new code. `after_repository` follows the repository's name.
    """

    name: str
    repository: str = ""
    file: str = ""
    commit: tuple[str, ...] = ()
    fim: FimTokens | None = None
    after_repository: str = ""

    def edit_tokens(self) -> tuple[str, ...]:
        """Return the tokens that edits and sequences need; none if it knows no files."""
        return _present(self.repository, self.file, *self.commit) if self.file else ()

    def fim_tokens(self) -> tuple[str, ...]:
        """Return the tokens that holes need; none if it was not trained to fill in."""
        if self.fim is None:
            return ()
        fim = self.fim
        around = (fim.prefix, fim.suffix, fim.middle, fim.ending)
        return _present(*around, self.repository, self.file)


def _present(*tokens: str) -> tuple[str, ...]:
    return tuple(filter(None, tokens))


FAMILIES = (
    Family(
        "starcoder2",
        "<repo_name>",
        "<file_sep>",
        fim=FimTokens(
            "<fim_prefix>",
            "<fim_suffix>",
            "<fim_middle>",
            ending="<file_sep>",
            path_is_inside=True,
        ),
    ),
    Family(
        "qwen",
        "<|repo_name|>",
        "<|file_sep|>",
        fim=FimTokens("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"),
        after_repository="\n",
    ),
    Family(
        "starcoder",
        "<reponame>",
        "<filename>",
        commit=("<commit_before>", "<commit_msg>", "<commit_after>"),
        fim=FimTokens("<fim_prefix>", "<fim_suffix>", "<fim_middle>", path_is_inside=True),
    ),
    Family(
        "deepseek",
        fim=FimTokens("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>", can_spm=False),
    ),
    Family("codellama", fim=FimTokens("▁<PRE>", "▁<SUF>", "▁<MID>", ending="▁<EOT>")),
    Family("starcoder-like", fim=FimTokens("<fim_prefix>", "<fim_suffix>", "<fim_middle>")),
)
DIALECTS = ("auto", *(family.name for family in FAMILIES), "generic")


def fim_endings() -> tuple[str, ...]:
    """Return what models end a middle with, other than their end tokens."""
    endings = (family.fim.ending.lstrip("\u2581") for family in FAMILIES if family.fim is not None)
    return _present(*dict.fromkeys(endings))


def edit_family(encoder: Encoder, name: str) -> Family | None:
    """Return the family called `name` for edits and sequences, or the first that fits (`auto`).

    None where none fits, or for `generic`. Raises TokenizerError for a family whose tokens the
    tokenizer lacks, or that knows no files.
    """
    for family, missing in _families(encoder, name, Family.edit_tokens):
        if not missing:
            return family
        if name == family.name:
            raise TokenizerError(
                f"the tokenizer lacks {', '.join(missing)}, which the dialect {name} needs; "
                "leave --dialect out to have one chosen by what the tokenizer has"
            )
    if name not in ("auto", "generic"):
        raise TokenizerError(f"the dialect {name} is for --kind fim alone")
    return None


def fim_family(encoder: Encoder, name: str) -> tuple[Family, FimTokens]:
    """Return the family called `name` for holes, or the first that fits, with its tokens for them.

    Raises TokenizerError where the tokenizer has no tokens for filling in.
    """
    for family, missing in _families(encoder, name, Family.fim_tokens):
        if not missing and family.fim is not None:
            return family, family.fim
    raise TokenizerError(
        "the tokenizer has no tokens for filling in the middle that are known here"
        + (f" as {name}'s" if name != "auto" else "")
        + "; use --kind edit, or the tokenizer of a model that was trained to fill in"
    )


def _families(
    encoder: Encoder, name: str, tokens_of: Callable[[Family], tuple[str, ...]]
) -> Iterator[tuple[Family, list[str]]]:
    """Yield the families that may be meant, with those of their tokens that are missing."""
    for family in FAMILIES:
        tokens = tokens_of(family)
        if tokens and name in ("auto", family.name):
            yield family, [token for token in tokens if not encoder.has(token)]
