"""What tells one clone from another."""

import pytest

from rsidx.indexer.clone import origin_of
from rsidx.indexer.git.discovery import discover


@pytest.mark.parametrize(
    ("address", "origin"),
    [("https://user:secret@Example.org:8443/team/repo.git/", "example.org:8443/team/repo"),
     ("ssh://git@example.org:2222/team/repo.git", "example.org/team/repo"),
     ("git@example.org:team/repo.git", "example.org/team/repo"),
     ("example.org:/team/repo", "example.org/team/repo"),
     ("file:///srv/git/repo.git", "/srv/git/repo"),
     ("/srv/git/../git/repo/.git", "/srv/git/repo"),
     ("../other", "OTHER"),
     ("", None)],
)  # fmt: skip
def test_an_origin_is_the_same_however_it_is_written(repo, address, origin):
    repo.git("config", "remote.origin.url", address)
    if origin == "OTHER":
        origin = str(repo.path.parent / "other")
    assert origin_of(discover(repo.path)) == origin
