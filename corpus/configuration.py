"""The options of a corpus, each declared once, as a file in TOML gives them."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from rsidx.corpus.repositories import read_list
from rsidx.errors import ConfigError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.splits.split import SPLITS_BY
from rsidx.setting import Declared, Setting, declared

EXECUTORS = ("local", "slurm", "ray")
_TABLES = ("slurm", "weights", "path_weights")
_ON_THIS_MACHINE = ("repositories", "out", "opt_out", "remove")
_OID = re.compile(r"[0-9a-f]{7,64}")
_OF_ONE_REPOSITORY = ("boundaries", "new_commits")
"""Options of an export that say something of one history."""


@dataclass(frozen=True, slots=True)
class CorpusConfig:
    """The options of a corpus; `export` are those of its rows.

    Raises ConfigError for a value that an option does not take.
    """

    repositories: Annotated[
        str,
        Setting(
            "A list of repositories, a path or URL a line with a revision behind some, or a folder "
            "of clones.",
            is_path=True,
        ),
    ]
    out: Annotated[str, Setting("The folder of the data set.", is_path=True)]
    work: Annotated[
        str,
        Setting("The folder of indexes, clones, results and logs.", is_path=True),
    ]
    export: ExportConfig
    _: KW_ONLY
    opt_out: Annotated[
        str | None,
        Setting(
            "A list of repositories that are never taken in, and are taken out of what was "
            "written before.",
            is_path=True,
        ),
    ] = None
    remove: Annotated[
        str | None,
        Setting(
            "A list of what is taken out: repositories, or with a revision behind them one commit "
            "of each.",
            is_path=True,
        ),
    ] = None
    executor: Annotated[
        str, Setting("What runs the tasks: datatrove's executor.", choices=EXECUTORS)
    ] = "local"
    workers: Annotated[int, Setting("How many tasks run at once.", at_least=1)] = 1
    split_by: Annotated[
        str,
        Setting(
            "Split all commits by time, whole repositories, or both: val and test are repositories "
            "that train has not, at a time that it has not.",
            choices=tuple(SPLITS_BY),
        ),
    ] = "time"
    shard_rows: Annotated[int, Setting("How many rows a shard has.", at_least=1)] = 10_000
    clone_filter: Annotated[
        str | None,
        Setting("Clone in part: what git leaves out, as in blob:limit=1m.", metavar="FILTER"),
    ] = None
    clone_depth: Annotated[
        int, Setting("Clone so many commits of a history; 0 for all.", at_least=0)
    ] = 0
    clones_at_once: Annotated[
        int, Setting("How many clones are made at once on one machine.", at_least=1)
    ] = 2
    benchmarks: Annotated[
        str,
        Setting(
            "Keep repositories from which public benchmarks take Rust, or leave them out with "
            "their forks.",
            choices=("keep", "leave-out"),
        ),
    ] = "keep"
    rows_per_repository: Annotated[
        int, Setting("The most rows of a repository in a split; 0 for any.", at_least=0)
    ] = 0
    rows_per_path: Annotated[
        int, Setting("The most rows of a path of a repository in a split; 0 for any.", at_least=0)
    ] = 0
    weights: Mapping[str, float] = field(default_factory=dict)
    """The share of the edits that is taken of repositories, by their names."""
    path_weights: Mapping[str, float] = field(default_factory=dict)
    """The share that is taken of paths, by patterns as in a .gitattributes."""
    removed: tuple[str, ...] = ()
    """The beginnings of the ids of commits that give no rows."""
    slurm: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of datatrove's executor for Slurm, such as `partition` and `time`."""

    @property
    def clone_options(self) -> tuple[str, ...]:
        """The options of git that URLs are cloned with."""
        options = [f"--filter={self.clone_filter}"] if self.clone_filter else []
        options += [f"--depth={self.clone_depth}"] if self.clone_depth else []
        return tuple(options)

    def __post_init__(self) -> None:
        for name, option in declared(CorpusConfig).items():
            problem = option.problem(getattr(self, name))
            if problem is not None:
                raise ConfigError(f"{name}: {problem}")
        for what, share in (*self.weights.items(), *self.path_weights.items()):
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                raise ConfigError(f"the weight of {what} is {share!r}, and no number from 0 to 1")


def read_configuration(path: Path) -> CorpusConfig:
    """Return the configuration in a file; relative paths are relative to its folder.

    Raises ConfigError where it cannot be read or says what is not known, ExportError for options
    of an export that contradict each other.
    """
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot read {path}: {reason}") from error
    unknown = tables.keys() - {"corpus", "export"}
    if unknown or not all(isinstance(table, dict) for table in tables.values()):
        raise ConfigError(f"{path}: give the tables [corpus] and [export], and nothing else")
    given = tables.get("corpus", {})
    others: dict[str, Any] = {
        name: given.pop(name) for name in _TABLES if isinstance(given.get(name), dict)
    }
    options = _read(given, CorpusConfig, "corpus", path)
    export = _read(tables.get("export", {}), ExportConfig, "export", path)
    for name in _OF_ONE_REPOSITORY:
        if name in export:
            raise ConfigError(f"{path}: [export] {name} is for one repository")
    folder = path.parent.absolute()
    if (folder / export["tokenizer"]).exists():  # Else it is a name on the hub.
        export["tokenizer"] = str(folder / export["tokenizer"])
    for name in _ON_THIS_MACHINE:
        if "://" in str(options.get(name)):
            raise ConfigError(
                f"{path}: [corpus] {name} must be a path of this machine; only work may be an "
                "address"
            )
    options = _resolved(options, folder)
    if options.get("remove") is not None:
        others["removed"] = _removed(Path(options["remove"]))
    return CorpusConfig(**options, export=ExportConfig(**export), **others)


def _removed(path: Path) -> tuple[str, ...]:
    """Return the beginnings of the ids of commits that a list names."""
    found = [one.revision for one in read_list(path) if one.revision is not None]
    wrong = [revision for revision in found if not _OID.fullmatch(revision)]
    if wrong:
        raise ConfigError(f"{path}: {wrong[0]} is no commit's id, of 7 digits or more")
    return tuple(sorted(found))


def _resolved(options: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return options with whole paths; an address of an object store is none."""
    known = declared(CorpusConfig)
    return {
        name: str(folder / value)
        if known[name].setting.is_path and isinstance(value, str) and "://" not in value
        else value
        for name, value in options.items()
    }


def _read(table: Mapping[str, Any], kind: type, name: str, path: Path) -> dict[str, Any]:
    """Return the options of a table by the names of their fields."""
    by_key = {option.flag.lstrip("-"): option for option in declared(kind).values()}
    found: dict[str, Any] = {}
    for key, value in table.items():
        option = by_key.get(key.replace("_", "-"))
        if option is None:
            raise ConfigError(f"{path}: [{name}] has no option {key}")
        found[option.name] = option.normal(value)
    missing = [key for key, option in by_key.items() if _is_missing(option, found)]
    if missing:
        raise ConfigError(f"{path}: [{name}] lacks {', '.join(missing)}")
    return found


def _is_missing(option: Declared, found: Mapping[str, Any]) -> bool:
    return option.is_required and option.name not in found
