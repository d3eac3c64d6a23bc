"""What an export is asked for."""

from dataclasses import dataclass

from rsidx.exporters.examples.builder import Options
from rsidx.exporters.examples.fim import MIDDLES, FimOptions

KINDS = ("edit", "fim", "sequence")
LEVELS = ("item", "file")
"""What an edit is of: a function, struct and so on, or a file as far as it fits."""


@dataclass(frozen=True, slots=True)
class Config:
    """What an export is asked for, as the manifest records it."""

    tokenizer: str
    name: str | None = None
    kind: str = "edit"
    level: str = "item"
    no_edit: float = 0.0
    markers: str = "extended"
    dialect: str = "auto"
    revisions: tuple[str, ...] = ()
    split: str = "0.8,0.1,0.1"
    embargo: str = "0.005"
    boundaries: str | None = None
    new_commits: str = "test"
    keep: tuple[str, ...] = ()
    max_chars: int = 4000
    max_tokens: int = 2048
    context_tokens: int = 1024
    max_files: int = 50
    min_message: int = 10
    context_at: str = "parent"
    context_from: str = "both"
    context_with: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    fim_middles: tuple[str, ...] = MIDDLES
    fim_spm: float = 0.5
    stride: float = 0.5
    seed: int = 0
    licenses: tuple[str, ...] = ()
    labels: str = "target"
    format: str = "jsonl"
    columns: str = "ids"
    pack: int | None = None
    pad: bool = False
    order: str = "time"
    half_life: float | None = None
    text: bool = False


def builder_options(config: Config) -> Options:
    """Return what examples are built from."""
    return Options(
        keep=frozenset(config.keep),
        max_chars=config.max_chars,
        max_files=config.max_files,
        min_message=config.min_message,
        context_at=config.context_at,
        context_from=config.context_from,
        extras=frozenset(config.context_with),
        level="file" if config.kind == "sequence" else config.level,
        no_edit=config.no_edit,
        earlier=frozenset(config.earlier),
        seed=config.seed,
        licenses=tuple(sorted(config.licenses)),
    )


def fim_options(config: Config) -> FimOptions:
    """Return how holes are made."""
    return FimOptions(tuple(sorted(config.fim_middles)), config.fim_spm, config.seed)
