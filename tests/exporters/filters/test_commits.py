"""Filters on commits: which messages say nothing of the change."""

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
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


@pytest.mark.parametrize(
    "message",
    ["wip\n\nThe lock was held while it waited.",
     "Bump version to v1.2.0\n\nFixes the minimal versions.",
     "Release 0.4.0\n\nThis also bumps a crate:\n\n* one (0.1.4)\n\nThe lock is held no more."],
)  # fmt: skip
def test_a_body_says_what_a_poor_subject_does_not(message):
    assert not is_uninformative(message, 10)


@pytest.mark.parametrize(
    "body",
    ["This also bumps the versions of:\n\n* tokio-threadpool\n* tokio-timer: v0.2.0",
     "Also bumps:\n\n- tokio-fs (0.1.12)\n- tokio-io (0.1.12)\n\n[ci-release]",
     "This prepares the crate for release.", "This also includes bumps to subcrates.",
     "* tokio-executor to v0.1.2",
     "This includes:\n\n* tokio-codec (0.1.0)"],
)  # fmt: skip
def test_a_list_of_the_crates_of_a_release_says_nothing(body):
    assert is_uninformative(f"Bump version to v0.1.7\n\n{body}", 10)


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Bump winit to 0.30.0", False),
        ("chore: update `pin-project` to 0.4.0-beta.1", False),
        ("tests: update mio-aio version to 0.8", False),
        ("Bump Own to v0.1.2.", True),
        ("Bump `own` version to 0.1.2", True),
        ("Bump to 0.30.0", True),
        ("Bump version to 0.30.0", True),
        ("Set the version to 0.30.0", True),
        ("own 0.1.2", True),
    ],
)
def test_a_dependencys_new_version_is_why_rust_code_changes(subject, expected):
    assert is_uninformative(subject, 10, changes_rust=True, packages={"own"}) is expected
    assert is_uninformative(subject, 10, packages={"own"})


def test_a_dependency_is_told_from_a_package_of_ones_own(repo, index, tokenizer_file, tmp_path):
    manifest = '[package]\nname = "own"\nversion = "0.1.0"\nlicense = "MIT"\n'
    repo.commit("the first commit", {"Cargo.toml": manifest, "src/lib.rs": function("first")})
    winit = manifest + "[dependencies]\nwinit = '0.30'\n"
    repo.commit("Bump winit to 0.30.0", {"Cargo.toml": winit,
                                         "src/bumped.rs": function("bumped")})  # fmt: skip
    repo.commit("Bump own to 0.2.0", {"Cargo.toml": manifest.replace("0.1.0", "0.2.0"),
                                      "src/released.rs": function("released")})  # fmt: skip
    index.sync()
    out = tmp_path / "out"
    config = ExportConfig(tokenizer=str(tokenizer_file), split="1,0,0")
    dropped = export(index.database, out, config)["dropped"]
    assert dropped["commits_messages"] == 1
    metas = (out / "train.meta.jsonl").read_text()
    assert "src/bumped.rs" in metas
    assert "src/released.rs" not in metas


def function(name):
    return f"pub fn {name}() -> usize {{\n    let answer = {name}_it();\n    answer + 1\n}}\n"
