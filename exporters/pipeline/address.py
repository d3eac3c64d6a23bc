"""What somebody names to ask for a row again: the arguments of `rsidx prompt`."""

from rsidx.exporters.edits.edit import Place, Side, Surroundings
from rsidx.exporters.examples.example import Example
from rsidx.store.addresses import FOOTER, HEADER
from rsidx.store.reader import Reader


class Addresses:
    """Finds the address of a row's place, by lines of the file as it stands for that row."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def of(self, example: Example) -> list[str] | None:
        """Return the arguments that name an example's place; None where none do.

        None do for what came from another place, for code that is taken away, and for parts of
        new code, of which nobody knows yet that it will be long.
        """
        draft = example.draft
        place, around = draft.place, draft.surroundings
        if around is None or draft.old_path not in ("", draft.path):
            return None
        if place.change == "modify" and place.old is not None:
            line = self._line(place.old, around, example.part.old_start, example.part.old_end)
            return [f"{draft.path}:{line}"] if line is not None else None
        if place.change == "add" and place.old_path_id == place.path_id and not example.is_part:
            arguments = self._addition(draft.path, place, around)
            if arguments is None or draft.given is None:
                return arguments
            # --name is the repository's.
            option = {"name": "--named", "signature": "--signature"}[draft.given.kind]
            return [*arguments, option, draft.given.text]
        return None

    def _line(self, old: Side, around: Surroundings, start: int, end: int) -> int | None:
        """Return the first line of a range of old code that is not blank, as the file stands."""
        before = [side.position for side in around.before if side.blob_id == old.blob_id]
        behind = [side.position for side in around.behind if side.blob_id == old.blob_id]
        if not max(before, default=-1) < old.position < min(behind, default=old.position + 1):
            # The code will be at another place of the file.
            return None
        text = b"".join(self._reader.text(chunk.id) for chunk in old.chunks)
        shown = text[start:end]
        if not shown.strip():
            return None
        at = start + len(shown) - len(shown.lstrip())
        n_before = text.count(b"\n", 0, at)
        if n_before == 0 and not self._ends_line(around):
            # The line begins in the item before.
            return None
        return _n_lines(around) + n_before + 1

    def _addition(self, path: str, place: Place, around: Surroundings) -> list[str] | None:
        if not around.before and not around.behind and place.insertion is None:
            return [path] if not place.container else None
        if place.container != _container(around):
            return None
        n_lines = _n_lines(around) + (not self._ends_line(around))
        return [path, "--after", str(n_lines)]

    def _ends_line(self, around: Surroundings) -> bool:
        """Tell whether the place is at the beginning of a line."""
        if not around.before:
            return True
        return self._reader.text(around.before[-1].chunks[-1].id).endswith(b"\n")


def _n_lines(around: Surroundings) -> int:
    return sum(chunk.n_lines for side in around.before for chunk in side.chunks)


def _container(around: Surroundings) -> str | None:
    """Return the container of what is added at a place; None for one that shows no member."""
    if not around.before:
        return ""
    front = around.before[-1]
    if not front.kind.endswith(HEADER):
        return front.container
    if not around.behind or around.behind[0].kind.endswith(FOOTER):
        return None
    return around.behind[0].container
