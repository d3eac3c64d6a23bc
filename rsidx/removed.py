"""Names of options that earlier releases took, each with what takes its place.

Where one is still used, in a file, a variable or on the command line, the error names the
replacement. The table of `docs/compatibility.md` is generated from this one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Removed:
    """An option's name that is not taken any more, as a key in a file: `as-json`.

    `now` is the option's name since the release `since`, empty if nothing takes its place.
    `commands` are those that had it, none for every command that has the option now. With
    `variable` only a variable was of that name, and this is the one to set.
    """

    name: str
    now: str
    since: str
    commands: tuple[Names, ...] = ()
    variable: str = ""

    def advice(self, verb: str, name: str) -> str:
        """Return what to do: `verb` with the `name` of what takes its place, if anything does."""
        done = f"{verb} {name}" if self.now else "nothing takes its place"
        return f"{done} (since rsidx {self.since})"

    def is_of(self, command: Names) -> bool:
        """Tell whether a command, or one of a group, had it."""
        return not self.commands or any(one[: len(command)] == command for one in self.commands)


_ALL: tuple[Names, ...] = ()
_AT = (("context",), ("prompt",), ("refs",), ("symbols",))
REMOVED = (
    Removed("all-refs", "all", "0.2.0", (("backfill",),)),
    Removed("as-json", "json", "0.2.0", _ALL),
    Removed("context-at", "", "0.2.0", (("export",),)),
    Removed("fim-middles", "fim-middle", "0.2.0", (("export",),)),
    Removed("licenses", "license", "0.2.0", (("export",),)),
    Removed("poll-s", "poll", "0.2.0", (("watch",),)),
    Removed("revision", "at", "0.2.0", _AT),
    Removed("system", "unit", "0.2.0", (("watch",),)),
    Removed("config-file", "config", "0.2.0", _ALL, variable="RSIDX_CONFIG"),
    Removed("repo", "repo", "0.2.0", _ALL, variable="RSIDX_REPO"),
)


def removed_option(command: Names, name: str) -> Removed | None:
    """Return what became of an option, by its key or flag, of a command or of one in a group."""
    return next((one for one in _named(command, name) if not one.variable), None)


def removed_variable(command: Names, name: str) -> Removed | None:
    """Return what became of a variable of a command, by what follows the command in its name."""
    return next(_named(command, name), None)


def _named(command: Names, name: str) -> Iterator[Removed]:
    key = name.replace("_", "-").lower()
    return (one for one in REMOVED if one.name == key and one.is_of(command))
