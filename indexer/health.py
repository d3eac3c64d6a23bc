"""Whether an index is sound, and whose it is."""

from pathlib import Path

from rsidx.errors import IndexStoreError
from rsidx.indexer.wake import index_file
from rsidx.store.database import Database, resolve_url


def index_problem(db: str) -> str | None:
    """Return what is wrong with an index, None if nothing is; looks at every page of a file."""
    file = index_file(db)
    try:
        database = Database(resolve_url(db), create=False)
    except IndexStoreError as error:
        return str(error)
    try:
        damage = database.damage()
    finally:
        database.close()
    if damage is not None:
        return f"{damage}; remove it and run `rsidx backfill`"
    return _readable_by_others(file) if file is not None else None


def soundness(db: str) -> str:
    """Return what is known of an index without a problem."""
    if index_file(db) is not None:
        return "sound, and nobody else can read it"
    return "on a server, which can be reached; who else can read it there was not looked at"


def _readable_by_others(file: Path) -> str | None:
    for path in sorted(file.parent.glob(f"{file.name}*")):
        if path.stat().st_mode & 0o077:
            return f"{path} can be read by others; `chmod 600` it"
    return None
