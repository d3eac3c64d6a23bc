"""Options that several commands share, and the index that they name."""

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from rsidx import ConfigError, Index, RepositoryError, config, log
from rsidx.option import Decorator, Option, option

_FAULTS = "rsidx.faults"
_INDEX = "rsidx.index"


def repository_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --repo, --db, --config and --log-level; the command gets the repository's `index`.

    Raises ConfigError for what is wrong in a file or variable.
    """
    return _with_repository(command, is_hook=False)


def hook_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the same to a hook, which never fails: what is wrong in a file or variable is logged."""
    return _with_repository(command, is_hook=True)


def _with_repository(command: Callable[..., Any], *, is_hook: bool) -> Callable[..., Any]:
    @(_hook_repo_option if is_hook else _repo_option)
    @(_hook_config_option if is_hook else config_option)
    @_db_option
    @_log_level_option
    @wraps(command)
    def with_index(repo: Path, db: str | None, log_level: str, **options: Any) -> Any:
        ctx = click.get_current_context()
        source = ctx.get_parameter_source("repo")
        with _index_of(ctx, repo, source, db=db) as index:
            _configure_log(index, log_level)
            for fault in ctx.meta.get(_FAULTS, ()):
                log.logger.info("ignored: %s", fault)
            return command(index=index, **options)

    return with_index


def index_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the same options and --name; the command gets the `index`.

    With --db it needs no repository: the index alone was copied to the training machine. A
    repository that is named, too, says which of the index's is meant.
    """

    @_repo_option
    @config_option
    @_db_option
    @_log_level_option
    @_name_option
    @wraps(command)
    def with_index(
        repo: Path, db: str | None, log_level: str, name: str | None, **options: Any
    ) -> Any:
        ctx = click.get_current_context()
        source = ctx.get_parameter_source("repo")
        is_alone = db is not None and source is ParameterSource.DEFAULT
        with (
            Index(db, name=name)
            if db is not None and is_alone
            else _index_of(ctx, repo, source, db=db, name=name)
        ) as index:
            _configure_log(index, log_level)
            return command(index=index, **options)

    return with_index


def measured_index_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --db, --name and --config; the command gets an `index` or, without --db, None."""

    @config_option
    @_db_option
    @_name_option
    @wraps(command)
    def with_index(db: str | None, name: str | None, **options: Any) -> Any:
        if db is None:
            return command(index=None, **options)
        with Index(db, name=name) as index:
            return command(index=index, **options)

    return with_index


def _configure_log(index: Index, level: str) -> None:
    log.configure(level, log.log_file(index.file) if index.file is not None else None)


def _index_of(
    ctx: click.Context,
    repo: Path,
    source: ParameterSource | None,
    *,
    db: str | None = None,
    name: str | None = None,
) -> Index:
    """Return the index of a repository, which is found once for the whole command."""
    found = ctx.meta.get(_INDEX)
    if not isinstance(found, Index):
        is_named = source is not ParameterSource.DEFAULT
        found = ctx.meta[_INDEX] = Index.of_repository(repo, is_named=is_named)
    return found.placed(db, name=name)


class _ConfigOption(Option):
    """--config, which makes what is set elsewhere the command's defaults.

    Raises ConfigError for what is wrong there; a hook finds it in the context's `meta`.
    """

    def __init__(self, *arguments: Any, is_hook: bool = False, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self._is_hook = is_hook

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        given, rest = super().handle_parse_result(ctx, opts, args)
        if not ctx.resilient_parsing:
            # Click's mark for what is not given is no Path.
            file = given if isinstance(given, Path) else None
            found = config.settings(ctx, file, _worktree(ctx, opts), is_hook=self._is_hook)
            ctx.default_map = {**(ctx.default_map or {}), **found.defaults}
            ctx.meta[_FAULTS] = found.faults
            if found.faults and not self._is_hook:
                raise ConfigError(found.faults[0])
        return given, rest


def _worktree(ctx: click.Context, opts: Mapping[str, Any]) -> Path | None:
    """Return the worktree whose own file counts, None where there is none."""
    repo: Any = Path()
    source = ParameterSource.DEFAULT
    for parameter in ctx.command.params:
        if parameter.name == "repo":
            # It may stand behind --config.
            repo, source = parameter.consume_value(ctx, opts)
    try:
        return _index_of(ctx, Path(repo), source).worktree
    except RepositoryError:
        # Where a command needs the repository, it will say so itself.
        return None


def _declared_repo(*, is_hook: bool) -> Decorator:
    """Declare -C; a hook is its repository's, whichever the user's variable names."""
    return option(
        "-C",
        "--repo",
        type=click.Path(path_type=Path),
        default=Path(),
        envvar=None if is_hook else "RSIDX_REPO",
        is_eager=True,
        help="The repository.  [default: the current folder's]",
    )


_repo_option = _declared_repo(is_hook=False)
_hook_repo_option = _declared_repo(is_hook=True)


def _declared_config(*, is_hook: bool) -> Decorator:
    return click.option(
        "--config",
        "config_file",
        cls=_ConfigOption,
        is_hook=is_hook,
        type=click.Path(path_type=Path),
        envvar="RSIDX_CONFIG",
        is_eager=True,
        expose_value=False,
        help="Your own settings.  [default: ~/.config/rsidx/config.toml]",
    )


config_option = _declared_config(is_hook=False)
_hook_config_option = _declared_config(is_hook=True)
_db_option = option(
    "--db",
    envvar="RSIDX_DB",
    help="The index: a path or an SQLAlchemy URL.  [default: rsidx/index.db in the repository's "
    "git folder]",
)
_log_level_option = option(
    "--log-level",
    type=click.Choice(log.LEVELS),
    default="warning",
    show_default=True,
    envvar="RSIDX_LOG_LEVEL",
    help="How much to print on stderr.",
)
_name_option = option("--name", help="The repository, if the index has several.")
at_option = click.option(
    "--at",
    "revision",
    default="HEAD",
    show_default=True,
    help="The commit, or `worktree` for the code as it is on disk.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=None,
    help="Worker processes.  [default: one for each processor]",
)
max_bytes_option = click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    default=Index.MAX_FILE_BYTES,
    show_default=True,
    help="Larger files are recorded but not parsed.",
)
