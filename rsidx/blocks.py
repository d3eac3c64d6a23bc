"""Search/replace blocks: an answer that says what changes in some code, in place of all of it.

A block is some whole lines of the old code, and the lines that take their place:

    <<<<<<< SEARCH
        let x = 1;
    =======
        let x = 2;
    >>>>>>> REPLACE

Each block searches in the old code as it was, where its lines must be found exactly once.
"""

from collections.abc import Iterator, Sequence

from rsidx.errors import PlacementError

SEARCH, DIVIDER, REPLACE = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"
"""The lines around the old and the new lines of a block."""
MARKS = frozenset({SEARCH, DIVIDER, REPLACE})
_SEARCH, _DIVIDER, _REPLACE = (mark.encode() for mark in (SEARCH, DIVIDER, REPLACE))
_MAX_SHOWN = 60


def are_blocks(answer: bytes) -> bool:
    """Tell whether an answer begins as blocks do, which no Rust does."""
    return answer.lstrip().partition(b"\n")[0].rstrip() == _SEARCH


def block(search: Sequence[str], replacement: Sequence[str]) -> str:
    """Return a block of lines, each with its line end."""
    return "".join(
        (f"{SEARCH}\n", *search, f"{DIVIDER}\n", *replacement, f"{REPLACE}\n")
    )  # fmt: skip


def with_blocks(old: bytes, answer: bytes) -> bytes:
    """Return what an answer makes of some code: of blocks the code with these, else the answer.

    Raises PlacementError with the outcome `not_applied` where what a block searches for is not in
    the code, or more than once, where two overlap, and where an answer goes on as no blocks do.
    """
    if not are_blocks(answer):
        return answer
    is_open = not old.endswith(b"\n")
    text = old + b"\n" if is_open else old
    ranges = []
    for number, (search, replacement) in enumerate(_parsed(answer), 1):
        at = _only_place(text, search, number)
        ranges.append((at, at + len(search), replacement))
    result, done = b"", 0
    for start, end, replacement in sorted(ranges):
        if start < done:
            raise PlacementError("not_applied", "two blocks search for the same lines")
        result += text[done:start] + replacement
        done = end
    result += text[done:]
    return result.removesuffix(b"\n") if is_open else result


def searched_for(answer: str) -> list[str]:
    """Return what each block of an answer searches for; raises PlacementError as `with_blocks`."""
    return [search.decode() for search, _ in _parsed(answer.encode())]


def _only_place(text: bytes, search: bytes, number: int) -> int:
    """Return where whole lines stand in a text, which must be one place."""
    places = list(places_of(text, search))
    if len(places) != 1:
        first = search.strip().partition(b"\n")[0].decode("utf-8", "replace").strip()
        shown = first if len(first) <= _MAX_SHOWN else f"{first[:_MAX_SHOWN]}…"
        times = f"{len(places)} times" if places else "nowhere"
        raise PlacementError(
            "not_applied", f"block {number} searches for what the code has {times}: {shown}"
        )
    return places[0]


def places_of(text: bytes, lines: bytes) -> Iterator[int]:
    """Yield where whole lines begin in a text of whole lines; of no lines nowhere."""
    at = text.find(lines) if lines else -1
    while at >= 0:
        if not at or text[at - 1 : at] == b"\n":
            yield at
        at = text.find(lines, at + 1)


def _parsed(answer: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield what each block searches for, and what takes its place."""
    lines = iter(answer.splitlines(keepends=True))
    for line in lines:
        if not line.strip():
            continue
        if line.rstrip() != _SEARCH:
            raise PlacementError("not_applied", "the answer has something else between its blocks")
        yield _up_to(lines, _DIVIDER), _up_to(lines, _REPLACE)


def _up_to(lines: Iterator[bytes], mark: bytes) -> bytes:
    found: list[bytes] = []
    for line in lines:
        if line.rstrip() == mark:
            return b"".join(found)
        found.append(line)
    raise PlacementError("not_applied", f"a block of the answer has no line {mark.decode()}")
