"""A version of a file as chunks, and its containers: impls, traits, modules, macro calls."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from rsidx.exporters.edits.edit import Side
from rsidx.store.addresses import FOOTER, HEADER
from rsidx.store.records import CONTAINER_SEPARATOR, ChunkRow


@dataclass(frozen=True, slots=True)
class Container:
    """The chunks `start` to `end` of a file: a header, the members, and the footer if it has one.

    `label` is what its members name as their container.
    """

    start: int
    end: int
    label: str


def containers(chunks: Sequence[ChunkRow]) -> list[Container]:
    """Return the containers of a file, in the order of their headers."""
    found: list[Container] = []
    opened: list[tuple[int, str]] = []
    for position, chunk in enumerate(chunks):
        while opened and not _is_within(chunk.container, opened[-1][1]):
            start, label = opened.pop()
            # Where the grammar had to make up a brace, there is no footer.
            is_footer = chunk.kind.endswith(FOOTER) and chunk.container == chunks[start].container
            found.append(Container(start, position + is_footer, label))
            if is_footer:
                break
        if chunk.kind.endswith(HEADER) and position + 1 < len(chunks):
            opened.append((position, chunks[position + 1].container))
    found += [Container(start, len(chunks), label) for start, label in opened]
    return sorted(found, key=lambda container: container.start)


def _is_within(label: str, outer: str) -> bool:
    return label == outer or label.startswith(outer + CONTAINER_SEPARATOR)


@dataclass(frozen=True)
class Version:
    """The chunks of a file at a path; of one that is not there, `blob_id` is None."""

    path_id: int
    blob_id: int | None
    chunks: tuple[ChunkRow, ...]

    @cached_property
    def container_at(self) -> dict[int, Container]:
        """The containers by the positions of their headers."""
        return {container.start: container for container in containers(self.chunks)}

    def keys(self) -> list[tuple[int, int]]:
        """Return what chunks are compared by: a footer is the same only with its header."""
        keys = [(chunk.id, 0) for chunk in self.chunks]
        for header in self.container_at:
            footer = self.footer(header)
            if footer is not None:
                keys[footer.position] = (footer.chunks[0].id, self.chunks[header].id)
        return keys

    def footer(self, header: int) -> Side | None:
        """Return the footer of the container whose header is at a position."""
        last = self.container_at[header].end - 1
        chunk = self.chunks[last]
        is_own = chunk.kind.endswith(FOOTER) and chunk.container == self.chunks[header].container
        return self.side(last, last + 1) if is_own else None

    def members(self, container: Container) -> list[Side]:
        """Return what a container holds directly, a header for each container in it."""
        inside = range(container.start + 1, container.end)
        return [s for s in self.sides(inside) if s.container == container.label]

    def around(self, position: int) -> Container | None:
        """Return the innermost container that holds a chunk."""
        found = None
        for container in self.container_at.values():
            if container.start < position < container.end:
                found = container
        return found

    def sides(self, positions: Iterable[int]) -> Iterator[Side]:
        """Yield the chunks at some positions, one a side."""
        return (self.side(position, position + 1) for position in positions)

    def side(self, start: int, end: int) -> Side:
        """Return the chunks from a position to another as a side."""
        assert self.blob_id is not None
        return Side(self.path_id, self.blob_id, start, self._starts[start], self.chunks[start:end])

    @cached_property
    def _starts(self) -> list[int]:
        return list(accumulate((chunk.n_bytes for chunk in self.chunks), initial=0))
