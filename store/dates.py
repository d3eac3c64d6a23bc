"""Dates of commits: how they are stored, and how they are spelled."""

from datetime import UTC, datetime

NO_DATE = 0
"""Of a commit whose date git cannot read, or that is before 1970."""
LATEST = 253_402_300_799
"""The last second of the year 9999: what is later is stored as this."""


def parsed(text: bytes) -> int:
    """Return a date as git prints it, in seconds since 1970; never raises."""
    try:
        return max(NO_DATE, min(int(text), LATEST))
    except ValueError:
        return NO_DATE


def moment(seconds: int) -> datetime:
    """Return a date in UTC; never raises, whatever an earlier version stored."""
    return datetime.fromtimestamp(max(NO_DATE, min(seconds, LATEST)), UTC)


def spelled(seconds: int) -> str:
    """Return a date by ISO 8601, as in `2026-11-25T12:00:00+00:00`."""
    return moment(seconds).isoformat()
