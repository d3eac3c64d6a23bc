"""The options of an export, each declared once.

The options of `rsidx export`, their keys in files and variables, the manifest's `config` and the
cache key follow from these declarations.
"""

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated

from rsidx.errors import ExportError
from rsidx.exporters.context.builder import EXTRAS
from rsidx.exporters.examples.fim import MIDDLES
from rsidx.exporters.examples.kind import LEVELS
from rsidx.exporters.filters import licenses
from rsidx.exporters.filters.registry import KEEPABLE, OPTIONAL
from rsidx.exporters.formats.common import MASKS
from rsidx.exporters.formats.registry import FORMATS, JSON_LINES, why_not_in
from rsidx.exporters.kinds import KINDS
from rsidx.exporters.rendering.families import DIALECTS
from rsidx.exporters.rendering.tokenizer_files import cached_file, files_with, is_hub_name
from rsidx.exporters.splits.split import seconds_of
from rsidx.setting import UP_TO_DEFAULT, Setting, declared

EARLIER = ("commit", "history", "none")
"""Edits of the same commit, of the commits before it, none."""
ORDERS = ("time", "difficulty", "random")
"""By history; fewest tokens with loss first, then shortest example first; at random."""


def _own_or_cached(source: str, root: Path) -> str:
    """Return a tokenizer that a repository may choose: its own, or one in the local cache."""
    path = root / source
    try:
        file = path / "tokenizer.json" if path.is_dir() else path
        if file.exists():
            # A link must not lead out of the repository.
            if not all(one.resolve().is_relative_to(root.resolve()) for one in files_with(file)):
                raise ValueError(source)
            return str(path)
    except OSError as error:
        raise ValueError(source) from error
    if not is_hub_name(source) or cached_file(source) is None:
        raise ValueError(source)
    return source


def _without_secrets(names: tuple[str, ...], _root: Path) -> tuple[str, ...]:
    if "secrets" in names:
        raise ValueError("secrets")
    return names


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """The options of an export, as the manifest records them.

    Raises ExportError for a value that an option does not take, and for options that contradict
    each other.
    """

    tokenizer: Annotated[
        str,
        Setting(
            "A tokenizer.json, a folder with one, or a name on the hub.",
            metavar="PATH_OR_NAME",
            harmless=_own_or_cached,
            harmless_if="to a path inside the repository, or a name that is in the local cache",
            is_path=True,
            in_cache_key=False,
        ),
    ]
    _: KW_ONLY
    kind: Annotated[
        str,
        Setting(
            "The kind of example: edits, holes to fill in (fill-in-the-middle), sequences (windows "
            "over the files that each commit changed), repairs of answers that failed the gate, or "
            "preferences: an edit, and a worse answer beside it.",
            choices=tuple(KINDS),
            harmless=True,
        ),
    ] = "edit"
    from_results: Annotated[
        tuple[str, ...],
        Setting(
            "The folder of a result of `rsidx eval check` or `selftest`, whose failed answers "
            "repairs and preferences are made of; may be given more than once.",
            flag="--from",
            metavar="RESULT",
            is_path=True,
            must_exist=True,
            in_cache_key=False,
        ),
    ] = ()
    level: Annotated[
        str,
        Setting(
            "Edits of items (functions, structs and so on) or of files; long edits are split.",
            choices=LEVELS,
            harmless=True,
        ),
    ] = "item"
    no_edit: Annotated[
        float,
        Setting("The share of no-op edits: code that stays as it is.", at_least=0, at_most=0.9),
    ] = 0.0
    fim_middles: Annotated[
        tuple[str, ...],
        Setting(
            "The code that a hole cuts out: lines that the commit added, whole statements or "
            "items, some lines, some characters; may be given more than once.",
            flag="--fim-middle",
            choices=MIDDLES,
            harmless=True,
        ),
    ] = MIDDLES
    fim_spm: Annotated[
        float,
        Setting(
            "The share of holes in suffix-prefix-middle order.",
            at_least=0,
            at_most=1,
            harmless=True,
        ),
    ] = 0.5
    stride: Annotated[
        float,
        Setting(
            "The distance between the starts of two windows, as a share of --max-chars.",
            more_than=0,
            at_most=1,
        ),
    ] = 0.5
    seed: Annotated[
        int,
        Setting(
            "The seed for choosing holes and no-op edits, and for a random order.", harmless=True
        ),
    ] = 0
    markers: Annotated[
        str,
        Setting(
            "Add rsidx's markers to the tokenizer, or use only its own tokens.",
            choices=("extended", "native"),
            harmless=True,
        ),
    ] = "extended"
    dialect: Annotated[
        str,
        Setting(
            "The family of models; `auto` takes the first whose tokens the tokenizer has.",
            choices=DIALECTS,
            harmless=True,
        ),
    ] = "auto"
    since: Annotated[
        str | None,
        Setting(
            "Leave out commits from before a date (2018-12-06).",
            metavar="DATE",
            harmless=True,
            in_cache_key=False,
        ),
    ] = None
    split: Annotated[
        str,
        Setting(
            "Three shares of the commits, or two dates or two commits at which val and test begin.",
            harmless=True,
            in_cache_key=False,
        ),
    ] = "0.8,0.1,0.1"
    embargo: Annotated[
        str,
        Setting(
            "The gap between two splits, left out: a share of the commits (0.005), a number of "
            "commits (20) or of days (7d).",
            harmless=True,
            in_cache_key=False,
        ),
    ] = "0.005"
    boundaries: Annotated[
        str | None,
        Setting(
            "Keep the splits of an earlier export (its folder or manifest): each of its rows stays "
            "in its split.",
            metavar="EXPORT",
            is_path=True,
            must_exist=True,
            in_cache_key=False,
        ),
    ] = None
    new_commits: Annotated[
        str,
        Setting(
            "With --boundaries: put newer commits into test, or leave them out.",
            choices=("test", "out"),
            harmless=True,
            in_cache_key=False,
        ),
    ] = "test"
    keep: Annotated[
        tuple[str, ...],
        Setting(
            "Turn off a filter: export what it leaves out; may be given more than once.",
            choices=KEEPABLE,
            harmless=_without_secrets,
            harmless_if="without `secrets`",
        ),
    ] = ()
    leave_out: Annotated[
        tuple[str, ...],
        Setting(
            "Turn on a filter that is off by default; may be given more than once.",
            choices=OPTIONAL,
            harmless=True,
        ),
    ] = ()
    max_chars: Annotated[
        int,
        Setting("Split longer code between statements.", at_least=200, harmless=UP_TO_DEFAULT),
    ] = 4000
    max_tokens: Annotated[
        int, Setting("The maximum length of an example.", at_least=64, harmless=UP_TO_DEFAULT)
    ] = 4096
    context_tokens: Annotated[
        int,
        Setting("The maximum tokens of context in an example.", at_least=0, harmless=UP_TO_DEFAULT),
    ] = 2048
    max_files: Annotated[
        int,
        Setting(
            "Leave out commits that change more Rust files, as bulk.",
            at_least=1,
            harmless=UP_TO_DEFAULT,
        ),
    ] = 50
    max_edits_per_commit: Annotated[
        int,
        Setting(
            "Leave out edits of a commit beyond so many, which are spread over its files; 0 for no "
            "limit.",
            at_least=0,
            harmless=True,
        ),
    ] = 100
    min_message: Annotated[
        int,
        Setting(
            "Leave out commits whose message has fewer characters.",
            at_least=0,
            harmless=UP_TO_DEFAULT,
        ),
    ] = 10
    message_numbers: Annotated[
        bool,
        Setting("Keep the numbers of issues and pull requests in messages.", harmless=True),
    ] = False
    line_ends: Annotated[
        str,
        Setting(
            "The line ends of an edit's target: those of the old code, or as the commit has them.",
            choices=("old", "keep"),
            harmless=True,
        ),
    ] = "old"
    licenses: Annotated[
        tuple[str, ...],
        Setting(
            "Export only code whose crate had one of these licences at the commit; may be given "
            "more than once.",
            flag="--license",
            metavar="SPDX",
        ),
    ] = ()
    context_from: Annotated[
        str,
        Setting(
            "Choose the context by what is known before the edit is made, or, to measure what that "
            "misses, by looking at the answer: no prompt can be like that.",
            choices=("place", "answer"),
            renamed={"old": "place", "both": "answer"},
        ),
    ] = "place"
    context_with: Annotated[
        tuple[str, ...],
        Setting(
            "Fill the rest of the budget with callers or tests of the edited code, or with "
            "definitions found by their name alone; may be given more than once.",
            choices=EXTRAS,
        ),
    ] = ()
    earlier: Annotated[
        tuple[str, ...],
        Setting(
            "Show earlier edits: of the same commit, the last ones of the file, or none; may be "
            "given more than once.",
            choices=EARLIER,
        ),
    ] = ("commit",)
    given: Annotated[
        float,
        Setting(
            "The share of additions whose prompt says what is to be written: by turns its name or "
            "its signature.",
            at_least=0,
            at_most=1,
            harmless=True,
        ),
    ] = 0.5
    target: Annotated[
        str,
        Setting(
            "The new code, or search/replace blocks where these are shorter.",
            choices=("code", "blocks"),
            harmless=True,
        ),
    ] = "code"
    labels: Annotated[
        str,
        Setting(
            "Loss on the new code and the end token; of that code only on the lines that the edit "
            "adds, and where it removes some; or everywhere.",
            choices=("target", "changed", "all"),
            harmless=True,
        ),
    ] = "target"
    format: Annotated[
        str,
        Setting(
            "The format of the rows: ds is for datatrove and nanotron, bin for Megatron, mds for "
            "MosaicML; these and parquet need an extra (rsidx[datatrove], megatron, mds, parquet). "
            "Packed rows, and the texts of --columns both, are always JSON lines.",
            choices=tuple(FORMATS),
            in_cache_key=False,
        ),
    ] = "jsonl"
    columns: Annotated[
        str,
        Setting(
            "Token ids, or prompt and completion as text, or both, with the texts in separate "
            "files (.text.jsonl); for instruct models messages, of a user and an assistant; for "
            "reinforcement learning text, and where the answer belongs.",
            choices=("ids", "text", "both", "messages", "rl"),
            in_cache_key=False,
        ),
    ] = "ids"
    masks: Annotated[
        tuple[str, ...],
        Setting(
            "Add a column that is 1 where labels have loss and 0 elsewhere, by the name that a "
            "trainer knows it by; may be given more than once.",
            flag="--mask",
            choices=MASKS,
            in_cache_key=False,
        ),
    ] = ()
    pack: Annotated[
        int | None,
        Setting(
            "Also pack rows into longer ones (.packed.jsonl); no row is cut, and positions restart "
            "at each.",
            metavar="LENGTH",
            at_least=64,
            in_cache_key=False,
        ),
    ] = None
    order: Annotated[
        str,
        Setting(
            "The order of train: by history, fewest tokens with loss first, or at random.",
            choices=ORDERS,
            harmless=True,
            in_cache_key=False,
        ),
    ] = "time"
    half_life: Annotated[
        float | None,
        Setting(
            "Add weights to train's meta file that halve with each so many days of age.",
            metavar="DAYS",
            more_than=0,
            in_cache_key=False,
        ),
    ] = None
    pad: Annotated[bool, Setting("Pad every example to --max-tokens.", in_cache_key=False)] = False
    text: Annotated[bool, Setting("Also write the texts to the meta files.")] = False
    revisions: tuple[str, ...] = ()
    """Refs or abbreviated commit ids whose history is exported; HEAD if empty."""
    name: str | None = None
    """The repository, if the index has several."""

    def __post_init__(self) -> None:
        for name, option in declared(ExportConfig).items():
            value = option.normal(getattr(self, name))
            object.__setattr__(self, name, value)
            problem = option.problem(value)
            if problem is not None:
                raise ExportError(f"{name}: {problem}")
        _check_date(self.since)
        contradiction = _contradiction(self)
        if contradiction is not None:
            raise ExportError(contradiction)
        licenses.check(self.licenses)


def _check_date(since: str | None) -> None:
    try:
        if since is not None:
            seconds_of(since)
    except (ValueError, OverflowError) as error:
        raise ExportError(f"--since {since!r} is no date such as 2018-12-06") from error


def _contradiction(config: ExportConfig) -> str | None:
    """Return which options contradict each other, None if none do."""
    if "none" in config.earlier and len(config.earlier) > 1:
        return "--earlier none goes with no other"
    reason = KINDS[config.kind].conflict(config)
    if reason is not None:
        return reason
    is_edit = KINDS[config.kind].is_edit
    if config.columns == "messages" and (not is_edit or config.labels != "target"):
        return "--columns messages is for edits, with --labels target"
    if config.columns == "messages" and config.dialect != "auto":
        return "--columns messages are written by the tokenizer's chat template, not by a --dialect"
    if config.columns == "rl" and config.kind != "edit":
        return "--columns rl is for edits, whose answers the gate can judge"
    if config.target == "blocks" and (not is_edit or config.labels == "changed"):
        return "--target blocks is for edits, and not for --labels changed: blocks are what changes"
    if config.labels == "changed" and not is_edit:
        return "--labels changed is for edits, which have old code to compare with"
    if config.pack is not None and config.pack < config.max_tokens:
        return (
            f"a packed row of {config.pack} tokens has no room for an example of "
            f"{config.max_tokens}; give a larger --pack or a smaller --max-tokens"
        )
    if config.masks and not (config.columns in ("ids", "both") and config.format in JSON_LINES):
        return "--mask is for rows of ids in JSON lines"
    return why_not_in(
        config.format,
        labels=config.labels,
        pad=config.pad,
        pack=config.pack is not None,
        columns=config.columns,
    )
