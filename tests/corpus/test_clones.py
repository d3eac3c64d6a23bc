"""Where clones lie beside an object store."""

import tempfile

import pytest

pytest.importorskip("datatrove", reason="needs datatrove, of the extra `corpus`")

from rsidx.corpus.clones import folder_of
from rsidx.corpus.repositories import Listed
from rsidx.corpus.workspace import Workspace
from rsidx.errors import CorpusError

LISTED = Listed("https://git.example.com/some/one", is_url=True)


@pytest.fixture
def shared(tmp_path, monkeypatch):
    """A temporary folder that everybody may write to."""
    folder = tmp_path / "shared"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def clones(name):
    return folder_of(LISTED, Workspace(f"memory://{name}")).parent


def test_clones_beside_an_object_store_lie_in_a_folder_of_the_user_alone(shared):
    one, other = clones("one"), clones("other")
    assert one != other
    [own] = shared.iterdir()
    assert own in one.parents
    assert own.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("is_link", [False, True])
def test_a_folder_that_others_can_write_to_is_refused(shared, is_link):
    own = clones("one").parent
    own.rmdir()
    elsewhere = shared / "elsewhere"
    elsewhere.mkdir()
    if is_link:
        own.symlink_to(elsewhere)
    else:
        elsewhere.chmod(0o777)
        elsewhere.rename(own)
    with pytest.raises(CorpusError, match="is not a folder of this user alone"):
        clones("one")
