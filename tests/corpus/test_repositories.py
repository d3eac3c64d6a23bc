"""Lists of repositories."""

import pytest

from rsidx.corpus.repositories import read_list, read_repositories
from rsidx.errors import CorpusError


@pytest.fixture
def listed(tmp_path):
    def read(text):
        file = tmp_path / "list.txt"
        file.write_text(text)
        return read_repositories(file)

    return read


def test_a_line_is_a_path_or_url_with_a_revision_behind_some(listed, tmp_path):
    found = listed(
        "# ours\n\nclones/one  v1.0\n'with blanks/two'\nhttps://git.example.com/Some/Three.git\n"
        "git@git.example.com:some/four.git abc1234  # as it was\n"
    )
    assert [(one.name, one.revision, one.is_url) for one in found] == [
        ("one", "v1.0", False), ("two", None, False), ("Some/Three", None, True),
        ("some/four", "abc1234", True),
    ]  # fmt: skip
    assert found[0].address == str(tmp_path / "clones/one")
    assert found[2].slug.startswith("Some%2FThree-")


def test_one_repository_by_two_addresses_is_one(listed):
    addresses = (
        "https://git.example.com/some/one",
        "https://user:word@Git.example.com/some/one.git/",
        "git@git.example.com:Some/one.git",
        "ssh://git@git.example.com:22/some/one",
    )
    assert len(listed("\n".join(addresses))) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# nothing\n", "names no repository"),
        ("a/one\nb/one\n", "would have one name"),
        ("a b c\n", ":1: give a path or URL"),
        ("'a\n", ":1: No closing quotation"),
    ],
)
def test_what_a_list_may_not_say(listed, text, message):
    with pytest.raises(CorpusError, match=message):
        listed(text)


def test_another_repository_of_the_same_name_has_other_files(listed):
    [one], [other] = listed("a/one\n"), listed("b/one\n")
    assert one.name == other.name
    assert one.slug != other.slug


def test_a_folder_of_clones_is_a_list(tmp_path):
    (tmp_path / "one/.git").mkdir(parents=True)
    (tmp_path / "none").mkdir()
    (tmp_path / "bare.git/objects").mkdir(parents=True)
    (tmp_path / "bare.git/HEAD").write_text("ref: refs/heads/main\n")
    assert [one.name for one in read_repositories(tmp_path)] == ["bare", "one"]


def test_a_list_that_is_not_there_is_said(tmp_path):
    with pytest.raises(CorpusError, match="cannot read"):
        read_list(tmp_path / "none.txt")
