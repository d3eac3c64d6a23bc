"""Opening an index by what somebody names: a repository, a file, or an address."""

import os

from rsidx.api.faults import explained, path_of
from rsidx.api.index import Index
from rsidx.errors import RepositoryError, RsidxError


def open(  # noqa: A001  (as `rsidx.open`)
    place: str | os.PathLike[str], *, db: str | None = None, name: str | None = None
) -> Index:
    """Open an index.

    `place` is a repository, or a folder in one; or the file of an index that was copied by `rsidx
    backup`; or a database's address as SQLAlchemy spells it. A repository's index is in its git
    folder, unless `db` names another file or address; it may still have to be made, by `update` or
    `backfill`. `name` says which repository is meant, where an index has several.

    Raises RepositoryError or IndexStoreError where nothing is there.
    """
    path = path_of(place)
    is_address = "://" in str(place)
    with explained():
        if not is_address and path.is_dir():
            index = Index.of_repository(path).placed(db, name=name)
            if index.file is None or index.file.exists():
                index.check()
            return index
        if not is_address and not path.is_file():
            raise RepositoryError(f"there is neither a repository nor an index at {path}")
    if db is not None:
        raise RsidxError("`db` names a repository's index, and what is opened is no repository")
    index = Index(str(place), name=name)
    index.check()
    return index
