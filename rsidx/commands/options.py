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
    """Add -C, --db, --name, --config and --log-level; the command gets the repository's `index`.

    Raises ConfigError for what is wrong in a file or variable.
    """
    return _with_index(command, _of_repository)


def index_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the same options to a command that with --db needs no repository.

    The index alone was copied to the training machine. A repository that is named, too, says which
    of the index's is meant.
    """
    return _with_index(command, _of_repository_or_address)


def measured_index_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the same options; without -C and --db the command gets None for its `index`."""
    return _with_index(command, _if_named)


def hook_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add -C, --db, --config and --log-level to a hook, which never fails.

    What is wrong in a file or variable is logged. A hook has no --name: the index knows the clone.
    """

    @_hook_repo_option
    @_hook_config_option
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


_Opening = Callable[[click.Context, Path, str | None, str | None], Index | None]


def _with_index(command: Callable[..., Any], open_index: _Opening) -> Callable[..., Any]:
    @_repo_option
    @config_option
    @_db_option
    @_name_option
    @_log_level_option
    @wraps(command)
    def with_index(
        repo: Path, db: str | None, repository_name: str | None, log_level: str, **options: Any
    ) -> Any:
        index = open_index(click.get_current_context(), repo, db, repository_name)
        if index is None:
            return command(index=None, **options)
        with index:
            _configure_log(index, log_level)
            return command(index=index, **options)

    return with_index


def _of_repository(ctx: click.Context, repo: Path, db: str | None, name: str | None) -> Index:
    return _index_of(ctx, repo, ctx.get_parameter_source("repo"), db=db, name=name)


def _of_repository_or_address(
    ctx: click.Context, repo: Path, db: str | None, name: str | None
) -> Index:
    if db is not None and _names_no_repository(ctx):
        return Index(db, name=name)
    return _of_repository(ctx, repo, db, name)


def _if_named(ctx: click.Context, repo: Path, db: str | None, name: str | None) -> Index | None:
    if db is None and _names_no_repository(ctx):
        return None
    return _of_repository_or_address(ctx, repo, db, name)


def _names_no_repository(ctx: click.Context) -> bool:
    return ctx.get_parameter_source("repo") is ParameterSource.DEFAULT


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
_name_option = option(
    "--name",
    # Commands have an argument of their own called `name`.
    "repository_name",
    help="What the index calls the repository.  [default: as origin or the folder]",
)
at_option = click.option(
    "--at",
    "revision",
    default="HEAD",
    show_default=True,
    help="The commit, or `worktree` for the code as it is on disk.",
)
optional_repository_option = option(
    "-C",
    "--repo",
    # Its name tells it from the one whose own settings count.
    "repository",
    type=click.Path(path_type=Path),
    envvar="RSIDX_REPO",
    is_eager=True,
    help="The repository; without it, what only git tells is not counted.",
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
