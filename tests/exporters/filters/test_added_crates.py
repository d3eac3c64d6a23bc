"""Crates of others are left out when a commit adds them; new crates of one's own are not."""

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.filters.added_crates import tells_of_foreign_code
from rsidx.exporters.filters.hygiene import is_conflict_copy

pytestmark = pytest.mark.usefixtures("wordy")

OWN = """authors = ["Ada <ada@a.org>"]
license = "MIT OR Apache-2.0"
repository = "https://github.com/ada/engine"
"""
FOREIGN = """authors = ["Charles Babbage <c@b.org>"]
license = "MIT/Apache-2.0"
repository = "https://github.com/babbage/difference.git"
"""


def package(lines, name="p"):
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\n{lines}'


def function(name):
    return f"pub fn {name}() -> u32 {{\n    {name}_helper({len(name)}) + {name}_offset()\n}}\n"


def crate(folder, lines, name="p"):
    return {
        f"{folder}/Cargo.toml": package(lines, name),
        f"{folder}/src/lib.rs": function("foreign_or_not"),
    }


@pytest.fixture
def exported(repo, index, tokenizer_file, tmp_path, read_jsonl):
    """Return a function that exports a history, and returns the paths of its rows and counters."""

    def do(*changes, **options):
        repo.commits(changes)
        index.sync()
        out = tmp_path / "out"
        config = ExportConfig(str(tokenizer_file), split="1,0,0", **options)
        manifest = export(index.database, out, config)
        assert index.problems(out) == []
        paths = [meta["path"] for meta in read_jsonl(out / "train.meta.jsonl")]
        return paths, manifest["dropped"]

    return do


FIRST = ("the first commit", {"Cargo.toml": package(OWN), "src/lib.rs": function("first")})
STRANGER = 'authors = ["Charles Babbage"]\n'


@pytest.mark.parametrize(
    "lines",
    [
        FOREIGN,
        STRANGER + 'license = "GPL-3.0-only"\n',
        'license = "GPL-3.0-only"\nrepository = "git@gitlab.com:babbage/difference.git"\n',
        # A whole workspace, whose root inherits from itself.
        f"authors.workspace = true\nrepository.workspace = true\n[workspace.package]\n{FOREIGN}",
    ],
)
def test_a_crate_that_two_things_tell_from_ones_own_is_foreign(exported, lines):
    paths, dropped = exported(FIRST, ("add a crate", crate("crates/x", lines)))
    assert paths == ["src/lib.rs"]
    assert dropped["edits_foreign"] == 1


@pytest.mark.parametrize(
    "lines",
    [
        OWN,
        "",
        # Someone else's, in the same workspace.
        STRANGER,
        STRANGER + 'license = "Apache-2.0 OR MIT"\nrepository = "https://github.com/ada/engine"\n',
        STRANGER + 'license = "ISC"\nrepository = "https://github.com/ada/engine/tree/main/x"\n',
        # One's own under another licence.
        'authors = ["Ada"]\nlicense = "ISC"\nrepository = "https://github.com/engines/x"\n',
        'license.workspace = true\nrepository.workspace = true\nauthors = ["Someone"]\n',
        'authors.workspace = true\nlicense = "ISC"\nrepository = "https://github.com/x/y"\n',
    ],
)
def test_a_new_crate_of_ones_own_is_none(exported, lines):
    paths, dropped = exported(FIRST, ("add a crate", crate("crates/x", lines)))
    assert paths == ["src/lib.rs", "crates/x/src/lib.rs"]
    assert "edits_foreign" not in dropped


def test_the_crates_below_a_foreign_one_are_foreign_and_its_later_edits_are_not(exported):
    files = crate("x", FOREIGN) | crate("x/derive", "authors.workspace = true\n", "derive")
    files["x/derive/src/lib.rs"] = function("derived")
    files["src/own.rs"] = function("own")
    paths, dropped = exported(
        FIRST,
        ("add a crate and code of one's own", files),
        ("change the crate", {"x/src/lib.rs": function("foreign_or_not").replace("+", "*")}),
    )
    assert paths == ["src/lib.rs", "src/own.rs", "x/src/lib.rs"]
    assert dropped["edits_foreign"] == 2


def test_a_workspace_without_a_package_is_whose_its_crates_are(exported):
    files = crate("x/a", FOREIGN, "a") | crate("x/examples", "", "examples")
    files |= {"x/Cargo.toml": '[workspace]\nmembers = ["a", "examples"]\n'}
    files["x/examples/src/lib.rs"] = function("example")
    paths, dropped = exported(FIRST, ("add a workspace", files))
    assert paths == ["src/lib.rs"]
    assert dropped["edits_foreign"] == 2


def test_a_foreign_crate_can_be_kept(exported):
    changes = FIRST, ("add a crate", crate("crates/x", FOREIGN))
    paths, dropped = exported(*changes, keep=("foreign",))
    assert paths == ["src/lib.rs", "crates/x/src/lib.rs"]
    assert "edits_foreign" not in dropped


def test_the_first_commit_of_a_history_is_its_own(exported):
    paths, _ = exported(("the first commit", FIRST[1] | crate("x", FOREIGN)))
    assert paths == ["src/lib.rs", "x/src/lib.rs"]


def test_a_crate_of_foreign_authors_is_no_measure_for_the_next_where_its_folder_says_so(exported):
    paths, dropped = exported(
        FIRST,
        ("add a crate", crate("vendor/x", FOREIGN)),
        ("add its sister", crate("y", FOREIGN)),
    )
    assert paths == ["src/lib.rs"]
    assert dropped["edits_foreign"] == dropped["edits_vendored"] == 1


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Vendor the parser", True),
        ("build: vendor parser 1.2", True),
        ("Inline the fork of parser", True),
        ("Import parser into the tree", True),
        ("Add a copy of the parser's source", True),
        ("Squashed 'x/' content from commit 7a1b", True),
        ("Add a vendor field to devices", False),
        ("Import parser", False),
        ("Move the parser into the repository", False),
        ("Inline the parser\n\nVendor it later.", False),
    ],
)
def test_a_subject_tells_of_foreign_code(message, expected):
    assert tells_of_foreign_code(message) is expected


def test_a_crate_or_a_new_folder_is_foreign_where_the_message_says_so(exported):
    paths, dropped = exported(
        FIRST,
        ("Vendor the parser", crate("parser", 'license = "MIT"\n')),
        ("Vendor slab", {"src/slab/mod.rs": function("slab"), "src/glue.rs": function("glue")}),
        (
            "Vendor what Ada wrote",
            crate("libs/own", OWN, "own") | {"libs/own/src/b.rs": function("own")},
        ),
        keep=("duplicates", "near_duplicates"),
    )
    assert paths == ["src/lib.rs", "src/glue.rs", "libs/own/src/b.rs", "libs/own/src/lib.rs"]
    assert dropped["edits_foreign"] == 2


def test_the_tree_of_another_repository_is_foreign(exported):
    squashed = "Squashed 'x/' content from commit 7a1b"
    paths, dropped = exported(FIRST, (squashed, {"src/other.rs": function("other")}))
    assert paths == ["src/lib.rs"]
    assert dropped["edits_foreign"] == 1


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b".jjconflict-base-0/src/a.rs", True),
        (b"x/.jjconflict-side-1/a.rs", True),
        (b"src/jjconflict-a.rs", False),
    ],
)
def test_a_copy_of_a_conflict_is_said_by_its_folder(path, expected):
    assert is_conflict_copy(path) is expected


def test_the_copies_of_a_conflict_and_what_comes_from_them_are_left_out(repo, exported):
    repo.commits([FIRST])
    repo.git("mv", "src", ".jjconflict-side-0")
    other = {".jjconflict-side-1/lib.rs": function("first").replace("+", "-")}
    repo.commit("begin a conflict", other)
    repo.git("mv", ".jjconflict-side-0", "src")
    repo.git("rm", "-qr", ".jjconflict-side-1")
    solved = {"src/lib.rs": function("first").replace("+", "|")}
    repo.commit("solve the conflict", solved)
    paths, dropped = exported(("go on", {"src/more.rs": function("more")}))
    assert paths == ["src/lib.rs", "src/more.rs"]
    assert dropped["edits_conflict_copies"] == 3
