"""How long each phase of an export takes."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Phases:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add the time that the block takes to a phase."""
        start = perf_counter()
        try:
            yield
        finally:
            self.add({name: perf_counter() - start})

    def add(self, seconds: dict[str, float]) -> None:
        """Add seconds that another process measured."""
        for name, more in seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + more

    def rounded(self) -> dict[str, float]:
        """Return the seconds to the millisecond."""
        return {name: round(seconds, 3) for name, seconds in self.seconds.items()}
