"""The tokens that each model family was trained with, for edits and for holes."""

from dataclasses import dataclass

from rsidx.errors import TokenizerError
from rsidx.exporters.rendering.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Family:
    """The tokens of a model family that mark repositories and files."""

    name: str
    repository: str
    file: str
    tokens: tuple[str, ...] = ()


FAMILIES = (
    Family("starcoder2", "<repo_name>", "<file_sep>"),
    Family("qwen", "<|repo_name|>", "<|file_sep|>"),
    Family(
        "starcoder",
        "<reponame>",
        "<filename>",
        ("<commit_before>", "<commit_msg>", "<commit_after>"),
    ),
)
DIALECTS = ("auto", *(family.name for family in FAMILIES), "generic")


def family_of(encoder: Encoder, name: str) -> Family | None:
    """Return the family called `name`, or the first whose tokens the tokenizer has; None for none.

    Raises TokenizerError for a family whose tokens the tokenizer lacks.
    """
    for family in FAMILIES:
        needed = (family.repository, family.file, *family.tokens)
        missing = [token for token in needed if not encoder.has(token)]
        if name == family.name and missing:
            raise TokenizerError(
                f"the tokenizer lacks {', '.join(missing)}, which the dialect {name} needs; "
                "leave --dialect out to have one chosen by what the tokenizer has"
            )
        if name in ("auto", family.name) and not missing:
            return family
    return None


@dataclass(frozen=True, slots=True)
class FimFamily:
    """The tokens of a family. `ending` is what its models end a middle with, if not their end.

    Where files have no token (`file`), a comment names them. `can_spm` tells whether the models
    know the suffix in front.
    """

    name: str
    prefix: str
    suffix: str
    middle: str
    repository: str = ""
    file: str = ""
    ending: str = ""
    path_is_inside: bool = False
    can_spm: bool = True


# As the models' cards and papers say; docs/format.md names them.
FIM_FAMILIES = (
    FimFamily(
        "starcoder2",
        "<fim_prefix>",
        "<fim_suffix>",
        "<fim_middle>",
        "<repo_name>",
        "<file_sep>",
        "<file_sep>",
        path_is_inside=True,
    ),
    FimFamily(
        "starcoder",
        "<fim_prefix>",
        "<fim_suffix>",
        "<fim_middle>",
        "<reponame>",
        "<filename>",
        path_is_inside=True,
    ),
    FimFamily(
        "qwen",
        "<|fim_prefix|>",
        "<|fim_suffix|>",
        "<|fim_middle|>",
        "<|repo_name|>",
        "<|file_sep|>",
    ),
    FimFamily(
        "deepseek",
        "<｜fim▁begin｜>",
        "<｜fim▁hole｜>",
        "<｜fim▁end｜>",
        can_spm=False,
    ),
    FimFamily("codellama", "▁<PRE>", "▁<SUF>", "▁<MID>", ending="▁<EOT>"),
    FimFamily("starcoder-like", "<fim_prefix>", "<fim_suffix>", "<fim_middle>"),
)
