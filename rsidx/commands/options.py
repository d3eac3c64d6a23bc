"""Options that several commands share, and what they open."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from sqlalchemy.exc import DBAPIError

from rsidx import config, log
from rsidx.errors import IndexStoreError, RepositoryError
from rsidx.indexer.git import Repository, discover
from rsidx.indexer.history import head
from rsidx.indexer.wake import index_file
from rsidx.store.database import Database, resolve_url

MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Index:
    """The index's address, and the name of the repository in it that a command is about.

    `name` is None outside of a repository: then the index must have one alone. `head` is where a
    linked worktree stands, if the command was called in one: the index knows the main one's.
    """

    db: str
    name: str | None
    head: str | None

    @contextmanager
    def database(self, *, create: bool = False) -> Iterator[Database]:
        """Open the index; raises IndexStoreError for what the database refuses in the block."""
        database = Database(resolve_url(self.db), create=create)
        try:
            yield database
        except DBAPIError as error:
            raise IndexStoreError(f"the index {database.shown}: {error.orig}") from error
        finally:
            database.close()


@dataclass(frozen=True, slots=True)
class Place(Index):
    """A repository and its index."""

    repository: Repository


def default_db(repository: Repository) -> Path:
    """Return where a repository's index is unless another place is named."""
    return repository.common_dir / "rsidx" / "index.db"


def linked_head(repository: Repository) -> str | None:
    """Return the commit of a linked worktree, None in the main one."""
    if repository.git_dir == repository.common_dir:
        return None
    own = head(repository)
    return own.hex() if own is not None else None


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --repo, --db, --config and --log-level; the command gets a `Place` as `place`."""

    @_options
    @wraps(command)
    def with_place(repo: Path, db: str | None, log_level: str, **options: Any) -> Any:
        repository = _repository(click.get_current_context(), repo)
        address = db or str(default_db(repository))
        _configure_log(address, log_level)
        return command(place=Place(address, repository.name, None, repository), **options)

    return with_place


def index_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the same options and --name; the command gets an `Index` as `index`.

    With --db it needs no repository: the index alone was copied to the training machine.
    """

    @_options
    @click.option("--name", help="The repository, where the index has several.")
    @wraps(command)
    def with_index(
        repo: Path, db: str | None, log_level: str, name: str | None, **options: Any
    ) -> Any:
        if db is not None:
            index = Index(db, name, None)
        else:
            repository = _repository(click.get_current_context(), repo)
            address = str(default_db(repository))
            index = Index(address, name or repository.name, linked_head(repository))
        _configure_log(index.db, log_level)
        return command(index=index, **options)

    return with_index


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    options = (
        click.option(
            "-C",
            "--repo",
            type=click.Path(path_type=Path),
            default=Path(),
            envvar="RSIDX_REPO",
            is_eager=True,
            help="The repository.  [default: the current folder's]",
        ),
        click.option(
            "--config",
            "config_file",
            type=click.Path(path_type=Path),
            envvar="RSIDX_CONFIG",
            is_eager=True,
            callback=_read_config,
            expose_value=False,
            help="The configuration file.  [default: rsidx.toml at the repository's root]",
        ),
        click.option(
            "--db",
            envvar="RSIDX_DB",
            help="The index: a path or an SQLAlchemy URL.  [default: rsidx/index.db in the "
            "repository's git folder]",
        ),
        click.option(
            "--log-level",
            type=click.Choice(log.LEVELS),
            default="warning",
            show_default=True,
            envvar="RSIDX_LOG_LEVEL",
            help="How much to say on stderr.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _configure_log(db: str, level: str) -> None:
    file = index_file(db)
    log.configure(level, log.log_file(file) if file else None)


def _repository(ctx: click.Context, repo: Path) -> Repository:
    """Find the repository once for the whole command."""
    found = ctx.meta.get("rsidx.repository")
    if not isinstance(found, Repository):
        is_named = ctx.get_parameter_source("repo") is not ParameterSource.DEFAULT
        found = ctx.meta["rsidx.repository"] = discover(repo, is_named=is_named)
    return found


def _read_config(ctx: click.Context, _: click.Parameter, given: Path | None) -> None:
    """Take the file's settings for this command as its defaults."""
    if ctx.resilient_parsing:
        return
    path = given
    if path is None:
        try:
            repository = _repository(ctx, ctx.params.get("repo", Path()))
        except RepositoryError:
            # Where a command needs the repository, it will say so itself.
            return
        path = repository.worktree / config.FILE_NAME if repository.worktree else None
        if path is None or not path.is_file():
            return
    parents = [ctx]
    while parents[-1].parent is not None:
        parents.append(parents[-1].parent)
    top = parents[-1].command
    assert isinstance(top, click.Group)
    defaults: Any = config.load(path, top, is_found=given is None)
    for at in reversed(parents[:-1]):
        defaults = defaults.get(at.info_name or "", {})
    ctx.default_map = {**(ctx.default_map or {}), **defaults}


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
    default=MAX_BYTES,
    show_default=True,
    help="Larger files are recorded but not parsed.",
)
