"""The worker that a hook wakes: brings the index up to date, one at a time."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable

from rsidx.errors import RsidxError
from rsidx.hooks.script import MARK
from rsidx.indexer.git.repository import Repository
from rsidx.indexer.hook_api import update_index
from rsidx.indexer.ingest import Progress, SyncReport
from rsidx.locking import HeldError, locked

Report = Callable[[SyncReport], None]
"""Called with what each sync did."""
_NOT_FOR_THE_WORKER = ("RSIDX_REPO", "GIT_INDEX_FILE")
FAILED = "the index could not be brought up to date"
_log = logging.getLogger("rsidx")


def wake(repository: Repository, db: str, event: str) -> None:
    """Start the worker detached, as the script does; `event` is the hook that asks for it.

    For managers that run a program of their own. Does nothing with `RSIDX=0`, and before the
    end of a rebase.
    """
    if os.environ.get("RSIDX") == "0":
        return
    under_way = ("rebase-merge", "rebase-apply/rebasing")
    is_rebase = any((repository.git_dir / name).exists() for name in under_way)
    if is_rebase and event != "post-rewrite":
        return
    subprocess.Popen(
        [sys.executable, "-P", "-m", "rsidx", "hooks", "run"],
        cwd=repository.worktree or repository.git_dir,
        # The address is no argument: everybody sees those, and it may hold a password.
        env={**_environment_of(repository), "RSIDX_HOOKS_RUN_DB": db},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _environment_of(repository: Repository) -> dict[str, str]:
    """Return variables that name a repository, whose folder alone may not lead git to it."""
    kept = {key: value for key, value in os.environ.items() if key not in _NOT_FOR_THE_WORKER}
    if repository.worktree is not None:
        kept["GIT_DIR"] = str(repository.git_dir)
        kept["GIT_WORK_TREE"] = str(repository.worktree)
    return kept


def run(repository: Repository, db: str, *, max_bytes: int) -> None:
    """Bring the index up to date for a hook; never raises, what goes wrong is logged."""
    try:
        work(repository, db, max_bytes=max_bytes)
    except RsidxError as error:
        _log.error("%s: %s", FAILED, error)
    except Exception:  # A hook must never fail: the log and `rsidx status` tell.
        _log.exception(FAILED)


def work(
    repository: Repository,
    db: str,
    *,
    max_bytes: int,
    report: Report | None = None,
    progress: Progress | None = None,
) -> None:
    """Take in what is new, unless another worker is at it; then that one does.

    A burst of commits costs one worker: whoever comes while one is at work leaves the mark and
    goes. The mark is taken away before the refs are read, and looked at again after the lock is
    let go, so none is missed; a refresh looks at it between batches. What `progress` raises ends
    the work between two batches.
    """
    mark = repository.common_dir / MARK
    mark.parent.mkdir(exist_ok=True, mode=0o700)
    mark.touch(mode=0o600)
    while mark.exists():
        try:
            with locked(mark.with_name(f"{mark.name}.lock")):
                while mark.exists():
                    mark.unlink(missing_ok=True)
                    done = update_index(
                        repository,
                        db,
                        max_bytes=max_bytes,
                        progress=progress,
                        gives_way=mark.exists,
                    )
                    if report is not None:
                        report(done)
        except HeldError:
            return
