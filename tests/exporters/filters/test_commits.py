"""Filters on commits: which messages say nothing of the change."""

import pytest

from rsidx.exporters.filters.commits import is_uninformative


@pytest.mark.parametrize(
    "message",
    ["fix", "WIP", "wip: half of it is there", "fixup! the other commit", "Bump version", "v1.2.3",
     "Release 0.4.0-rc.1", "ripgrep 0.8.1 ", "chore: bump tokio to 1.38.0", "tokio v1.2.0"],
)  # fmt: skip
def test_a_message_that_says_nothing_is_poor(message):
    assert is_uninformative(message, 10)


@pytest.mark.parametrize(
    "message",
    ["Release the lock before waiting", "Bump the allocator's pointer", "Fix 0.1 + 0.2 rounding",
     "io: add a version of `copy` that takes buffers", "tempfile: remove on drop",
     "Update to the 2021 edition of the book"],
)  # fmt: skip
def test_a_message_that_says_something_is_not(message):
    assert not is_uninformative(message, 10)
