"""The git hooks of a repository, and what keeps its index up to date without them.

The worker that a hook wakes loads this module: a method that needs more imports it for itself.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from rsidx.api.faults import explained
from rsidx.errors import RsidxError
from rsidx.hooks import worker
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.ingest import Progress, SyncReport

if TYPE_CHECKING:
    from rsidx.hooks.doctor import Finding
    from rsidx.hooks.install import HookState


class Hooks:
    """The git hooks that keep an index up to date, as `Index.hooks` gives them."""

    SYSTEMS: ClassVar[tuple[str, ...]] = ("systemd", "launchd")
    """What `unit` writes files for."""

    def __init__(self, repository: Repository, address: str) -> None:
        self._repository = repository
        self._address = address

    def install(self) -> "HookState":
        """Install the hooks beside what is there, and return their state.

        Raises ManagedHooksError, whose `snippet` is for its settings, where a manager such as
        pre-commit writes the hooks.
        """
        from rsidx.hooks.install import install

        with explained():
            return install(self._repository, self._address)

    def uninstall(self) -> list[str]:
        """Remove the hooks, leave the rest as it was, and return the names of those removed."""
        from rsidx.hooks.install import uninstall

        with explained():
            return uninstall(self._repository)

    def state(self) -> "HookState":
        """Return whether the hooks are installed: `name` is `installed`, `partial` or `absent`."""
        from rsidx.hooks.install import state

        with explained():
            return state(self._repository)

    @staticmethod
    def snippet() -> str:
        """Return what to put into a hook that is not rsidx's to write; it works in every clone."""
        from rsidx.hooks.install import snippet

        return snippet()

    def check(self) -> "Iterator[Finding]":
        """Yield in each worktree whether the hook fires, and whether the index is sound.

        Each finding has `name`, `is_well`, `is_proven`, `verdict` and `text`.
        """
        from rsidx.hooks.doctor import examine

        with explained():
            yield from examine(self._repository, self._address)

    def wake(self, event: str = "") -> None:
        """Wake the worker in the background, as a hook does; `event` is the hook's name."""
        with explained():
            worker.wake(self._repository, self._address, event)

    def run(self, *, max_bytes: int) -> None:
        """Do the worker's work; it never raises, and what goes wrong is logged."""
        worker.run(self._repository, self._address, max_bytes=max_bytes)

    def unit(self, system: str) -> str:
        """Return the unit file of one of `SYSTEMS` that keeps `rsidx watch` running."""
        from rsidx.hooks.units import unit

        if system not in self.SYSTEMS:
            raise RsidxError(f"{system!r} is not one of {', '.join(self.SYSTEMS)}")
        return unit(system, self._repository, self._address)

    def watcher(self, *, max_bytes: int, poll_s: float = 30.0) -> "Watcher":
        """Return what updates the index without hooks, whenever a ref moves."""
        return Watcher(self._repository, self._address, max_bytes, poll_s)


class Watcher:
    """Updates an index whenever a ref moves, until it is stopped.

    The refs are looked at every `poll_s` seconds in any case.
    """

    def __init__(self, repository: Repository, address: str, max_bytes: int, poll_s: float) -> None:
        from rsidx.hooks.watch import Wakes

        self._repository = repository
        self._address = address
        self._max_bytes = max_bytes
        self._poll_s = poll_s
        self._wakes = Wakes()

    def stop(self) -> None:
        """End `run`; a signal's handler may call it, and another thread."""
        self._wakes.stop()

    def run(
        self,
        *,
        ready: Callable[[], None] = lambda: None,
        report: Callable[[SyncReport], None] | None = None,
    ) -> None:
        """Watch until it is stopped; `ready` is called first, `report` after each update."""
        from rsidx.hooks.watch import watch

        def update(progress: Progress) -> None:
            worker.work(
                self._repository,
                self._address,
                max_bytes=self._max_bytes,
                report=report,
                progress=progress,
            )

        with explained():
            watch(self._repository, self._wakes, update, poll_s=self._poll_s, ready=ready)
