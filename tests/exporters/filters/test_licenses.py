"""The licence of a row is that of its crate at its commit, and the gate goes by that."""

import json

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.filters.licenses import check, covers, license_of
from rsidx.store.database import Database, resolve_url

pytestmark = pytest.mark.usefixtures("wordy")


def package(name, license_line):
    return f'[package]\nname = "{name}"\nversion = "0.1.0"\n{license_line}\n'


GPL, MIT = (f'license = "{name}"' for name in ("GPL-3.0-only", "MIT"))


def answer(n, name="f"):
    return f"pub fn {name}() -> u32 {{\n    {n} + {name}_helper({n})\n}}\n"


@pytest.fixture
def rows(index, tokenizer_file, tmp_path, read_jsonl):
    """Return the rows' meta lines of an export, and its manifest."""

    def do(*licenses, **options):
        index.sync()
        out = tmp_path / f"out {licenses} {options}"
        settings = {"split": "1,0,0", "keep": ("near_duplicates",), **options}
        config = ExportConfig(str(tokenizer_file), licenses=licenses, **settings)
        manifest = export(index.database, out, config)
        assert index.problems(out) == []
        return read_jsonl(out / "train.meta.jsonl"), manifest

    return do


def test_a_row_is_under_the_licence_of_its_commit(repo, rows):
    repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1)})
    repo.commit("two", {"src/lib.rs": answer(2)})
    repo.commit("another licence", {"Cargo.toml": package("p", MIT)})
    last = repo.commit("three", {"src/lib.rs": answer(3)})
    metas, manifest = rows()
    assert [meta["license"] for meta in metas] == ["GPL-3.0-only", "GPL-3.0-only", "MIT"]
    assert manifest["licenses"] == {"GPL-3.0-only": 2, "MIT": 1}
    metas, manifest = rows("MIT")
    assert [(meta["commit"], meta["license"]) for meta in metas] == [(last, "MIT")]
    assert manifest["dropped"]["edits_license"] == 2
    assert manifest["licenses"] == {"MIT": 1}


@pytest.mark.parametrize("options", [{"kind": "sequence"}, {"level": "file"}], ids=str)
def test_other_kinds_go_by_it_too(repo, rows, options):
    repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1)})
    repo.commit("another licence", {"Cargo.toml": package("p", MIT)})
    repo.commit("two", {"src/lib.rs": answer(2)})
    assert [meta["license"] for meta in rows("MIT", **options)[0]] == ["MIT"]


def test_a_commit_that_changes_the_licence_makes_edits_under_the_new_one(repo, rows):
    repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1)})
    repo.commit(
        "both",
        {"Cargo.toml": package("p", MIT), "src/lib.rs": answer(2), "src/m.rs": answer(7, "g")},
    )
    metas, _ = rows()
    assert [(meta["symbol"], meta["license"]) for meta in metas] == [
        ("f", "GPL-3.0-only"), ("g", "MIT"), ("f", "MIT"),
    ]  # fmt: skip
    # The old code of `f` was under another one.
    metas, manifest = rows("MIT")
    assert [meta["symbol"] for meta in metas] == ["g"]
    assert manifest["dropped"]["edits_license"] == 2


def test_what_the_commit_made_before_is_under_the_licence_that_it_left(repo, rows):
    repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1)})
    new = {f"src/{name}.rs": answer(7, name) for name in ("g", "h")}
    repo.commit("both", {"Cargo.toml": package("p", MIT), **new})
    metas, _ = rows("MIT")
    assert [[excerpt["path"] for excerpt in meta["context"]] for meta in metas] == [
        [], ["src/g.rs"],
    ]  # fmt: skip


def test_the_file_around_a_place_is_not_shown_as_it_was_under_another_licence(repo, rows):
    repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1)})
    added = answer(1) + "\n" + answer(7, "g")
    repo.commit("both", {"Cargo.toml": package("p", MIT), "src/lib.rs": added})
    metas, _ = rows("MIT")
    assert [(meta["symbol"], meta["surroundings"]["before"]) for meta in metas] == [("g", [])]
    metas, _ = rows("MIT", "GPL-3.0-only")
    assert len(metas[-1]["surroundings"]["before"]) == 1


@pytest.fixture
def into_another_crate(repo):
    """A file of a GPL crate gets a new name in an MIT crate, and a function `g`."""
    known = "\n".join(answer(n, f"known_{n}") for n in range(5))
    crates = {"Cargo.toml": '[workspace]\nmembers = ["g", "m"]\n'}
    crates |= {"g/Cargo.toml": package("g", GPL), "m/Cargo.toml": package("m", MIT)}
    repo.commit("one", {**crates, "g/src/old.rs": known, "m/src/lib.rs": "mod new;\n"})
    moved = {"g/src/old.rs": None, "m/src/new.rs": known + "\n" + answer(7, "g")}
    repo.commit("move and add to it", moved)


@pytest.mark.usefixtures("into_another_crate")
def test_the_file_around_a_place_is_under_the_licence_that_it_had_at_its_old_name(rows):
    def shown(*licenses):
        metas, _ = rows(*licenses)
        return [meta["surroundings"]["before"] for meta in metas if meta["symbol"] == "g"]

    assert shown("MIT") == [[]]
    [[excerpt]] = shown("MIT", "GPL-3.0-only")
    assert excerpt["start"] == 0


def test_what_edits_made_under_the_new_licence_is_shown_around_a_place(repo, rows):
    last = answer(5, "last")
    repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1) + "\n" + last})
    added = "\n".join((answer(1), answer(7, "g"), answer(8, "k"), last))
    repo.commit("both", {"Cargo.toml": package("p", MIT), "src/lib.rs": added})
    metas, _ = rows("MIT", earlier=("commit",))
    shown = {meta["symbol"]: meta["surroundings"] for meta in metas}
    own = next(meta["new"] for meta in metas if meta["symbol"] == "g")
    assert shown == {"g": {"before": [], "behind": []}, "k": {"before": [own], "behind": []}}


def test_a_deletion_is_under_the_licence_of_what_was_there(repo, rows):
    repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1) + answer(2, "g")})
    repo.commit("both", {"Cargo.toml": package("p", MIT), "src/lib.rs": answer(1)})
    metas, _ = rows(keep=("deletions",))
    assert [(meta["change"], meta["license"]) for meta in metas][-1] == ("delete", "GPL-3.0-only")
    assert all(meta["change"] != "delete" for meta in rows(keep=("deletions",))[0][:-1])


WORKSPACE = {
    "Cargo.toml": '[workspace]\nmembers = ["a", "b", "c"]\n[workspace.package]\n'
    'license = "MIT/Apache-2.0"\n',
    "a/Cargo.toml": package("a", "license.workspace = true")
    + '[dependencies]\nb = {path = "../b"}\n',
    "b/Cargo.toml": package("b", GPL),
    "c/Cargo.toml": package("c", 'license-file = "LICENSE"'),
    "tools/build.rs": answer(9, "tool"),
    "b/src/lib.rs": "pub fn secret_of_b(n: u32) -> u32 {\n    n * 77\n}\n",
    "c/src/lib.rs": answer(5, "c"),
}


def uses_b(n):
    return f"use b::secret_of_b;\n\npub fn a() -> u32 {{\n    secret_of_b({n}) + own({n})\n}}\n"


OWN = "\npub fn own(n: u32) -> u32 {\n    n + 11\n}\n"


def test_each_member_of_a_workspace_has_its_own_and_inherits_where_it_says_so(repo, rows):
    repo.commit("one", {**WORKSPACE, "a/src/lib.rs": uses_b(1) + OWN})
    metas, manifest = rows()
    by_path = {meta["path"]: meta["license"] for meta in metas}
    assert by_path == {
        "a/src/lib.rs": "MIT OR Apache-2.0",
        "b/src/lib.rs": "GPL-3.0-only",
        "c/src/lib.rs": None,
        "tools/build.rs": None,
    }
    assert manifest["licenses"]["NOASSERTION"] == 2


def test_context_shows_no_code_under_another_licence(repo, rows):
    # What is near is shown with the place.
    own = "mod own;\nuse own::own;\n"
    repo.commit("one", {**WORKSPACE, "a/src/lib.rs": own + uses_b(1), "a/src/own.rs": OWN})
    repo.commit("two", {"a/src/lib.rs": own + uses_b(2)})
    repo.commit("both", {"a/src/lib.rs": own + uses_b(3), "b/src/lib.rs": answer(4, "b")})

    def shown(metas):
        return {excerpt["path"] for meta in metas for excerpt in meta["context"]}

    metas, _ = rows()
    assert shown(metas) == {"a/src/lib.rs", "a/src/own.rs", "b/src/lib.rs", "c/src/lib.rs"}
    metas, manifest = rows("Apache-2.0")
    assert {meta["path"] for meta in metas} == {"a/src/lib.rs", "a/src/own.rs"}
    assert shown(metas) == {"a/src/own.rs"}
    assert manifest["dropped"]["context_license"] > 0
    metas, _ = rows("Apache-2.0", context_with=("callers", "names"))
    assert shown(metas) == {"a/src/own.rs"}


def test_context_shows_no_code_that_was_under_another_licence_before_the_commit(repo, rows):
    own = "mod own;\nuse own::own;\n"
    repo.commit("one", {**WORKSPACE, "a/src/lib.rs": own + uses_b(1), "a/src/own.rs": OWN})
    both = {"b/Cargo.toml": package("b", MIT), "a/src/lib.rs": own + uses_b(2)}
    last = repo.commit("both", both)
    metas, _ = rows("MIT")
    [shown] = [meta["context"] for meta in metas if meta["commit"] == last]
    assert {excerpt["path"] for excerpt in shown} == {"a/src/own.rs"}


def test_earlier_edits_under_another_licence_are_not_shown(repo, rows):
    repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1)})
    repo.commit("two", {"src/lib.rs": answer(2)})
    relicensed = repo.commit("another licence", {"Cargo.toml": package("p", MIT)})
    for n in (3, 4):
        repo.commit(f"as {n}", {"src/lib.rs": answer(n)})
    metas, _ = rows(earlier=("history", "commit"))
    assert max(len(meta["earlier"]) for meta in metas) == 3
    metas, _ = rows("MIT", earlier=("history", "commit"))
    assert [len(meta["earlier"]) for meta in metas] == [0, 1]
    after = repo.git("rev-list", f"{relicensed}..HEAD").split()
    assert all(one["commit"] in after for meta in metas for one in meta["earlier"])


def test_an_index_that_was_copied_away_knows_the_licences(
    repo, index, rows, tokenizer_file, tmp_path, read_jsonl
):
    """They are in the index, with the other facts of each Cargo.toml."""
    repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1)})
    repo.commit("another licence", {"Cargo.toml": package("p", MIT)})
    repo.commit("two", {"src/lib.rs": answer(2)})
    here = [rows(), rows("MIT")]
    index.database.back_up(tmp_path / "copy.db", lambda *_: None)
    repo.path.rename(tmp_path / "gone")
    copy = Database(resolve_url(str(tmp_path / "copy.db")), create=False)
    for licenses, (metas, manifest) in zip(((), ("MIT",)), here, strict=True):
        out = tmp_path / f"out of the copy {licenses}"
        config = ExportConfig(
            str(tokenizer_file), licenses=licenses, split="1,0,0", keep=("near_duplicates",)
        )
        there = export(copy, out, config)
        assert there["licenses"] == manifest["licenses"]
        assert there["dropped"] == manifest["dropped"]
        assert read_jsonl(out / "train.meta.jsonl") == metas
    copy.close()


def test_a_copy_that_is_left_out_does_not_take_its_twin_with_it(repo, rows):
    members = {"g/Cargo.toml": package("g", GPL), "m/Cargo.toml": package("m", MIT)}
    repo.commit("one", {**members, "g/src/lib.rs": answer(1)})
    repo.commit("two", {"m/src/lib.rs": answer(1)})
    metas, manifest = rows("MIT", keep=())
    assert [meta["path"] for meta in metas] == ["m/src/lib.rs"]
    assert "edits_duplicates" not in manifest["dropped"]


def test_an_export_that_the_gate_leaves_nothing_of_is_refused(repo, rows, tmp_path):
    repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1)})
    with pytest.raises(ExportError, match="no edit is left; 1 are under other licences than MIT"):
        rows("MIT")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("Apache2", "Apache-2.0"), ("GPL-3.0-onyl", "GPL-3.0-only"), ("MTI", "MIT")],
)
def test_a_name_that_is_no_licence_is_refused_with_the_nearest(name, nearest):
    with pytest.raises(ExportError, match=f"{name}' is not an SPDX.*did you mean {nearest}"):
        check(("MIT", name))


def test_names_of_licences_are_taken():
    check(("mit", "GPL-3.0", "Apache-2.0 WITH LLVM-exception", "LicenseRef-ours"))


@pytest.mark.parametrize(
    ("expression", "is_met"),
    [("MIT", True), ("mit OR GPL-3.0-only", True), ("MIT AND GPL-3.0-only", False),
     ("(MIT OR GPL-3.0-only) AND (Apache-2.0 OR Zlib)", True), (None, False), ("MIT OR", False),
     ("GPL-3.0-only OR (MIT AND Zlib)", False), ("(" * 200 + "MIT" + ")" * 200, True)],
)  # fmt: skip
def test_an_expression_is_met_by_licences_that_are_allowed(expression, is_met):
    assert covers(("Apache-2.0", "MIT"), expression) is is_met


def of(path, **manifests):
    """Return a file's licence; manifests are given by their folders, `_` for the root."""
    facts = {key.replace("_", "").encode(): value for key, value in manifests.items()}
    return license_of(path.encode(), facts.get)


def test_the_nearest_package_counts_and_what_cannot_be_read_is_none():
    root = {"package": {"license": "MIT"}, "workspace": {"is_root": True, "license": "Zlib"}}
    assert of("src/a.rs", _=root) == "MIT"
    assert of("tests/x/src/a.rs", _=root) == "MIT"
    assert of("m/src/a.rs", _=root, m={"package": {"name": "m"}}) is None
    assert of("m/src/a.rs", _=root, m={"package": {"license": {"workspace": True}}}) == "Zlib"
    assert of("m/src/a.rs", _=root, m={"package": {}, "workspace": {"is_root": True}}) == "MIT"
    assert of("m/src/a.rs", _=root, m={}) is None
    assert of("m/src/a.rs", m={"package": {"license": {"workspace": True}}}) is None
    assert of("src/a.rs", _={"package": {"license": "MIT / Apache-2.0"}}) == "MIT OR Apache-2.0"
    assert of("src/a.rs", _={"package": {"license": "x" * 501}}) is None
    assert of("src/a.rs", _={"package": {"license": 3}}) is None


def test_verify_finds_a_licence_that_is_not_the_crates(repo, index, tokenizer_file, tmp_path):
    repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1)})
    index.sync()
    out = tmp_path / "out"
    export(index.database, out, ExportConfig(str(tokenizer_file), split="1,0,0"))
    file = out / "train.meta.jsonl"
    meta = json.loads(file.read_text())
    file.write_text(json.dumps({**meta, "license": "MIT"}) + "\n")
    assert "it is under GPL-3.0-only, and says MIT" in index.problems(out)


@pytest.fixture
def not_covered(repo, index, tokenizer_file, tmp_path, read_jsonl):
    """Return what verify says that a row shows under another licence than MIT, by its symbol.

    It is said of an export that went by no licence, and claims that it did: path and commit.
    """

    def do(symbol, **options):
        index.sync()
        out = tmp_path / f"out {repo.head()} {symbol}"
        settings = {"split": "1,0,0", "keep": ("near_duplicates",), **options}
        export(index.database, out, ExportConfig(str(tokenizer_file), **settings))
        manifest = json.loads((out / "manifest.json").read_text())
        manifest["config"]["licenses"] = ["MIT"]
        (out / "manifest.json").write_text(json.dumps(manifest))
        metas = read_jsonl(out / "train.meta.jsonl")
        row = max(n for n, meta in enumerate(metas, 1) if meta["symbol"] == symbol)
        problems = index.problems(out, row)
        return {
            tuple(said.removeprefix("it shows ").split(",")[0].split(" of "))
            for said in problems
            if said.endswith("which is under no allowed licence")
        }

    return do


def test_verify_finds_both_sides_of_an_edit_under_another_licence(repo, not_covered):
    first = repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1)})
    both = {"Cargo.toml": package("p", MIT), "src/lib.rs": answer(2), "src/m.rs": answer(7, "g")}
    repo.commit("both", both)
    assert not_covered("f") == {("src/lib.rs", first)}
    assert not_covered("g") == set()
    second = repo.commit("back", {"Cargo.toml": package("p", GPL), "src/m.rs": answer(8, "g")})
    assert not_covered("g") == {("src/m.rs", second)}


def test_verify_finds_context_under_another_licence(repo, not_covered):
    own = "mod own;\n"
    first = repo.commit("one", {**WORKSPACE, "a/src/lib.rs": own + uses_b(1), "a/src/own.rs": OWN})
    repo.commit("two", {"a/src/lib.rs": own + uses_b(2)})
    assert not_covered("a", context_from="answer") == {("b/src/lib.rs", first)}


def test_verify_finds_what_the_commit_made_under_another_licence(repo, not_covered):
    own = "mod own;\n"
    repo.commit("one", {**WORKSPACE, "a/src/lib.rs": own + uses_b(1), "a/src/own.rs": OWN})
    changed = {"b/src/lib.rs": WORKSPACE["b/src/lib.rs"].replace("77", "78")}
    second = repo.commit("two", {**changed, "a/src/lib.rs": own + uses_b(2)})
    assert ("b/src/lib.rs", second) in not_covered("a")


@pytest.mark.usefixtures("into_another_crate")
def test_verify_finds_the_file_around_a_place_under_another_licence(repo, not_covered):
    assert not_covered("g") == {("g/src/old.rs", repo.git("rev-parse", "HEAD~1"))}


def test_verify_finds_earlier_edits_under_another_licence(repo, not_covered):
    first = repo.commit("one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1)})
    second = repo.commit("two", {"src/lib.rs": answer(2)})
    repo.commit("a new licence", {"Cargo.toml": package("p", MIT), "src/lib.rs": answer(3)})
    repo.commit("four", {"src/lib.rs": answer(4)})
    earlier = {("src/lib.rs", first), ("src/lib.rs", second)}
    assert not_covered("f", earlier=("history",)) == earlier


def test_verify_finds_a_deletion_under_another_licence(repo, not_covered):
    first = repo.commit(
        "one", {"Cargo.toml": package("p", GPL), "src/lib.rs": answer(1) + answer(2, "g")}
    )
    repo.commit("both", {"Cargo.toml": package("p", MIT), "src/lib.rs": answer(1)})
    assert not_covered("g", keep=("deletions",)) == {("src/lib.rs", first)}
