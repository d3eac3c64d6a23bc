"""Code of a commit that no row shows, and why."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why code is left out, its file (None for a whole commit), and its name if it has one."""

    reason: str
    path_id: int | None = None
    symbol: str = ""
