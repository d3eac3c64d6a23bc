"""What a manifest says of where a package is from."""

import json

import pytest

from rsidx.indexer import cargo


def facts(lines, table="package"):
    return json.loads(cargo.read(f"[{table}]\n{lines}\n".encode()))


@pytest.mark.parametrize(
    ("address", "home"),
    [
        ("https://github.com/tokio-rs/tokio-io", "github.com/tokio-rs"),
        ("http://me:word@GitHub.com:80/BurntSushi/xrep.git", "github.com/burntsushi"),
        ("git@gitlab.com:group/sub/name.git", "gitlab.com/group"),
        ("ssh://git@git.sr.ht/~ann/name", "git.sr.ht/ann"),
        ("https://example.org", None),
        ("", None),
    ],
)
def test_the_home_of_a_package_is_the_host_and_the_owner_of_its_repository(address, home):
    package = facts(f'name = "a"\nrepository = "{address}"')["package"]
    assert package.get("home") == home


def test_authors_can_be_compared_by_name_or_address_and_are_not_kept():
    text = cargo.read(b'[package]\nauthors = ["Ann  Lee <ann@lee.org>", "Bo", 7]\n')
    assert not any(part in text.lower() for part in ("ann", "lee", '"bo"'))
    every = json.loads(text)["package"]["authors"]
    assert len(every) == 3
    for same in ("ann lee", "Someone <ANN@lee.org>", "Bo <bo@b.org>"):
        assert set(facts(f'authors = ["{same}"]')["package"]["authors"]) & set(every)
    assert not set(facts('authors = ["Ann"]')["package"]["authors"]) & set(every)


def test_what_a_package_inherits_and_what_a_workspace_passes_on_is_said():
    package = facts("authors.workspace = true\nrepository.workspace = true")["package"]
    assert package == {"authors": "workspace", "home": "workspace"}
    passed = 'authors = ["Bo"]\nrepository = "https://github.com/bo/x"'
    workspace = facts(passed, "workspace.package")["workspace"]
    assert len(workspace["authors"]) == 1
    assert workspace["home"] == "github.com/bo"
    assert facts("name = 1\nauthors = 2\nrepository = 3")["package"] == {"name": 1}
