"""What the message of an edit names in words that only code has."""

import re
from collections.abc import Iterator
from functools import lru_cache

from rsidx.exporters.context.likely import Likely
from rsidx.exporters.edits.edit import Place
from rsidx.exporters.resolver.crates import Crate
from rsidx.exporters.resolver.references import Resolved, Resolver

MESSAGE_RULE = "message"
_WEIGHTS = {"add": 0.5}
_WEIGHT = 4.0
"""How likely what a message names is needed, against what the nearest item uses."""
_MAX_NAMES = 16
_MAX_DEFINITIONS = 4
"""A name that more definitions have tells too little."""
_MESSAGES_KEPT = 16
_QUOTED = re.compile(r"`([^`\n]{1,100})`")
_WORD = re.compile(r"[A-Za-z_]\w+")
_CODE = re.compile(r"\w+_\w+|[A-Z]+[a-z0-9]+[A-Z]\w*|[a-z0-9]+[A-Z]\w*")


class Named:
    """Finds the definitions that messages name, in one tree after another."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._found: dict[tuple[str, str], tuple[Resolved, ...]] = {}

    def forget(self) -> None:
        """Forget what names mean: the tree is another."""
        self._found.clear()

    def of(self, place: Place, message: str) -> Iterator[Likely]:
        """Yield what a message names in the place's crate and in its package's library."""
        home = self._resolver.modules.expected_module(place.old_path_id)
        names = names_in(message)
        if home is None or not names:
            return
        crates = [home.crate]
        library = home.crate.package.lib_root
        if library and library != home.crate.root:
            crates.append(Crate(library, home.crate.package))
        for name in names:
            found = [one for crate in crates for one in self._definitions(crate, name)]
            if found and len(found) <= _MAX_DEFINITIONS:
                weight = _WEIGHTS.get(place.change, _WEIGHT)
                yield Likely(MESSAGE_RULE, weight / len(found), found)

    def _definitions(self, crate: Crate, name: str) -> tuple[Resolved, ...]:
        key = (crate.root, name)
        if key not in self._found:
            files = self._resolver.modules.files_of(crate)
            every = {(file.path_id, one.range): one for file in files for one in file.named(name)}
            self._found[key] = tuple(Resolved(one, MESSAGE_RULE) for one in every.values())
        return self._found[key]


@lru_cache(_MESSAGES_KEPT)
def names_in(message: str) -> tuple[str, ...]:
    """Return the words of a message that only code has, and those that it quotes as code."""
    found: dict[str, None] = {}
    for quoted in _QUOTED.findall(message):
        found |= dict.fromkeys(_WORD.findall(quoted))
    found |= dict.fromkeys(word for word in _WORD.findall(message) if _CODE.fullmatch(word))
    return tuple(found)[:_MAX_NAMES]
