"""What a repository's own .gitattributes say of its files: that they are generated or vendored."""

import json
import posixpath
from functools import lru_cache

from rsidx.exporters.edits.snapshot import Snapshot
from rsidx.exporters.filters.globs import matches
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

_FILE = ".gitattributes"
_ANSWERS_KEPT = 4096
Rule = tuple[str, str, bool | None]


class Attributes:
    """The attributes at one commit; `move_to` goes to another.

    As in git, the file nearest to a path decides, and in a file the last rule that matches.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._snapshot = Snapshot(reader)
        self._files = {
            posixpath.dirname(path.decode("utf-8", "surrogateescape")): path_id
            for path, path_id in reader.path_ids().items()
            if posixpath.basename(path) == _FILE.encode()
        }
        self._rules = lru_cache(_ANSWERS_KEPT)(self._read)

    def move_to(self, commit: CommitRow) -> None:
        """Go to a commit."""
        if self._files:
            self._snapshot.move_to(commit)

    def has(self, name: str, path: bytes) -> bool:
        """Tell whether a file has an attribute."""
        if not self._files:
            return False
        text = path.decode("utf-8", "surrogateescape")
        folder = posixpath.dirname(text)
        while True:
            blob_id = self._snapshot.files.get(self._files.get(folder, 0))
            inside = text.removeprefix(f"{folder}/")
            for pattern, its_name, value in reversed(self._rules(blob_id)):
                if its_name == name and matches(pattern, inside):
                    return bool(value)
            if not folder:
                return False
            folder = posixpath.dirname(folder)

    def _read(self, blob_id: int | None) -> list[Rule]:
        facts = self._reader.manifest(blob_id) if blob_id is not None else None
        return json.loads(facts).get("attributes", []) if facts else []
