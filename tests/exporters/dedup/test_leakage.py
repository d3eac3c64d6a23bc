"""Nothing related stands on both sides of a split."""

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.inventory import sealed
from rsidx.exporters.dataset.layout import write_json
from rsidx.exporters.dedup import duplicates, leakage
from rsidx.exporters.dedup.leakage import LeakIndex, RecentEdits
from rsidx.exporters.edits.fingerprint import PatchFingerprint
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")

BODY = "".join(f"    let value_{n} = compute(alpha_{n}, beta_{n});\n" for n in range(12))
OLD = "fn f() {\n    old();\n}\n"
NEW = f"fn f() {{\n{BODY}}}\n"
REGISTERED = """
register!(sort_files, |dir: Dir, mut cmd: TestCommand| {
    dir.create("foo", "test");
    dir.create("zoo", "test");
    let expected = "zoo:test\\nfoo:test\\n";
    eqnice!(expected, cmd.arg("--sort").arg("test").stdout());
});
"""


def related(earlier, later, *, splits=(0, 1)):
    patch = PatchFingerprint.of(*map(str.encode, later))
    known = LeakIndex([patch])
    known.add(splits[0], PatchFingerprint.of(*map(str.encode, earlier)))
    return next(known.reasons(splits[1], patch), None)


@pytest.mark.parametrize(
    ("earlier", "later", "reason"),
    [
        ((OLD, NEW), (OLD, NEW), "same_patch"),
        ((OLD, NEW), (OLD.replace("    ", "\t"), NEW.replace("\n", "\n\n")), "same_patch"),
        ((OLD, NEW), (NEW, OLD), "revert"),
        ((OLD, NEW), (OLD, NEW.replace("value_3", "other")), "near_duplicate"),
        (("", NEW), ("", "/// Docs.\n" + NEW), "near_duplicate"),
        ((OLD, NEW), (OLD, OLD.replace("old", "fresh")), None),
        # Lines in another order are compared by all of the text.
        ((f"{NEW}a\nb\n", f"{NEW}b\na\n"), (f"{OLD}c\nd\n", f"{OLD}d\nc\n"), None),
        (
            (f"{NEW}a\nb\n", f"{NEW}b\na\n"),
            tuple(text.replace("value_3", "v") for text in (f"{NEW}a\nb\n", f"{NEW}b\na\n")),
            "near_duplicate",
        ),
        # What changes nothing is compared by what it is.
        ((NEW, NEW), (NEW.replace("value_3", "v"),) * 2, "near_duplicate"),
        ((NEW, NEW), (OLD, OLD), None),
        # What is added whole is compared by all of its words, few or many of which may differ.
        (("", REGISTERED), ("", REGISTERED.replace("sort", "order").replace("zoo", "z")),
         "near_addition"),
        (("", REGISTERED), ("", REGISTERED.replace("dir", "d").replace("cmd", "c")), None),
        # A branch, of which train has the last edit, and its squashed merge.
        ((NEW.replace("value_3", "v"), NEW), (OLD, NEW.replace("    ", "  ")), "same_code"),
        (("fn f() {}", "fn f() { g() }"), ("", "fn f() { g() }"), None),
        # The next change of the same long function is no copy of the one before it.
        ((NEW, NEW + "// one more line of it\n"), (NEW + "// x\n", NEW + "// y is other\n"), None),
    ],
)  # fmt: skip
def test_patches_are_related_by_what_they_change(earlier, later, reason):
    assert related(earlier, later) == reason


def test_a_patch_that_was_packed_is_related_as_before():
    earlier, later = (
        PatchFingerprint.of(OLD.encode(), NEW.encode()),
        PatchFingerprint.of(b"", NEW.encode()),
    )
    again = PatchFingerprint.unpack(later.pack())
    assert again.code.digest() == later.code.digest()
    assert again.change.digest() == later.change.digest() != later.code.digest()
    assert (again.exact, again.digest, again.reverse) == (
        later.exact, later.digest, later.reverse,
    )  # fmt: skip
    assert again.minhash.jaccard(earlier.minhash) == later.minhash.jaccard(earlier.minhash)
    assert again.minhash.digest() == later.minhash.digest()
    assert again.result == later.result != b""
    assert again.added.digest() == later.added.digest()
    assert PatchFingerprint.unpack(earlier.pack()).added is None


def patch(old, new):
    return PatchFingerprint.of(old.encode(), new.encode())


def test_nearly_the_same_change_to_nearly_the_same_code_repeats():
    recent = RecentEdits()
    recent.add(7, patch(OLD, NEW))
    assert recent.near(0, patch(OLD, NEW.replace("value_3", "other"))) == 7
    assert recent.near(0, patch(OLD, OLD.replace("old", "fresh"))) is None


def test_the_same_change_elsewhere_does_not():
    recent = RecentEdits()
    other = function(7)
    recent.add(1, patch(NEW + OLD, NEW + OLD.replace("old()", "fresh(1, 2, 3, 4)")))
    again = patch(other + OLD, other + OLD.replace("old()", "fresh(1, 2, 3, 4)"))
    assert recent.near(0, again) is None
    again = patch("// x\n" + NEW + OLD, "// x\n" + NEW + OLD.replace("old()", "fresh(1, 2, 3, 4)"))
    assert recent.near(0, again) == 1


LINE = (
    "    let found = parser.alternatives(first_rule, second_rule, and_a_third_rule, fourth, fifth)"
    ".alt.with(third_rule, a_last_rule, here, 12, that, has, many, more, words, than, others);"
    f" // {' '.join(f'word_{n}' for n in range(40))}\n"
)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        # The reverse of a change.
        ((".alt.", ".alt()."), (".alt().", ".alt.")),
        (("12,", "13,"), ("13,", "12,")),
        # Another change of the same line.
        ((".alt.", ".alt()."), (".with(", ".within(")),
        (("12,", "13,"), ("13,", "14,")),
        # Lines in another order, and back.
        (("    a();\n    b();\n", "    b();\n    a();\n"),
         ("    b();\n    a();\n", "    a();\n    b();\n")),
    ],
)  # fmt: skip
def test_a_reverse_or_another_change_of_a_line_is_no_copy(earlier, later):
    code = "fn old() {\n" + LINE + "    a();\n    b();\n" + function(1) + "}\n"
    old, new = code, code.replace(*earlier)
    assert old != new
    new_later = new.replace(*later)
    assert new_later != new
    recent = RecentEdits()
    recent.add(1, patch(old, new))
    assert recent.near(0, patch(f"// x\n{new}", f"// x\n{new_later}")) is None
    assert recent.near(0, patch(f"// x\n{old}", f"// x\n{new}")) == 1
    # Across splits it is related.
    assert related((old, new), (f"// x\n{new}", f"// x\n{new_later}")) == "near_duplicate"


def test_the_next_version_of_a_crate_is_a_copy():
    code = LINE.replace("here", '"https://docs.rs/a_crate/0.1.14"') + function(1)
    second, third = (code.replace("0.1.14", version) for version in ("0.1.15", "0.1.16-rc.1"))
    recent = RecentEdits()
    recent.add(1, patch(code, second))
    assert recent.near(0, patch(second, third)) == 1


def test_only_so_many_are_known():
    recent = RecentEdits(2)
    for n in range(3):
        recent.add(n, patch("", function(n)))
    copies = [patch("", function(n) + "// A copy.\n") for n in range(3)]
    assert [recent.near(0, copy) for copy in copies] == [None, 1, 2]


def test_only_later_splits_lose_what_is_related():
    assert related((OLD, NEW), (OLD, NEW), splits=(1, 1)) is None
    assert related((OLD, NEW), (OLD, NEW), splits=(2, 1)) is None
    assert related((OLD, NEW), (OLD, NEW), splits=(1, 2)) == "same_patch"


def test_the_first_split_of_a_patch_counts_whatever_comes_behind_it():
    first = PatchFingerprint.of(OLD.encode(), NEW.encode())
    again = PatchFingerprint.of(OLD.encode(), NEW.replace("\n", "\n\n").encode())
    known = LeakIndex([again])
    for split in (0, 1, 2):
        known.add(split, first)
    assert list(known.reasons(1, again)) == ["same_patch", "near_duplicate", "same_code"]


def function(n, name="f"):
    words = "".join(f"    work_{n}_{i}(alpha_{n}_{i}, beta_{n}_{i});\n" for i in range(8))
    return f"fn {name}() {{\n{words}}}\n"


@pytest.fixture(params=(1, 2, 10_000))
def block(request, monkeypatch):
    """So many edits of val and test are compared with others at a time."""
    for module in (leakage, duplicates):
        monkeypatch.setattr(module, "BLOCK", request.param)


@pytest.fixture(scope="module")
def twenty_commits(make_history):
    """Those of val and test repeat, revert, pick and vary ones of train."""
    repo, index = history = make_history()
    texts = [function(n) for n in range(14)]
    repo.commits((f"own work {n}", {"src/lib.rs": text}) for n, text in enumerate(texts))
    picked = repo.git("rev-parse", "HEAD~9")
    repo.commit("revert by hand", {"src/lib.rs": texts[12]})
    repo.commit("near", {"src/lib.rs": texts[12], "src/near.rs": function(4, "n")})
    repo.commit("near", {"src/near.rs": function(5, "n").replace("work_5_0", "x")})
    repo.commit(f"x\n\n(cherry picked from commit {picked})", {"src/p.rs": function(99, "picked")})
    repo.commit("fresh", {"src/fresh.rs": function(50, "fresh")})
    repo.commit("fresh", {"src/fresh.rs": function(51, "fresh")})
    index.sync()
    return history


@pytest.fixture
def history(twenty_commits, history_for):
    return history_for(twenty_commits).index


def exported(index, tokenizer_file, out, **options):
    config = ExportConfig(tokenizer=str(tokenizer_file), split="0.7,0.1,0.2", **options)
    # What is kept of another test's export is the same; here it is made.
    index.database.cache_file.unlink(missing_ok=True)
    return export(index.database, out, config)


@pytest.mark.usefixtures("block")
def test_what_is_related_leaves_val_and_test_and_is_counted(
    history, tokenizer_file, tmp_path, read_jsonl
):
    out = tmp_path / "out"
    manifest = exported(history, tokenizer_file, out)
    dropped = {k: n for k, n in manifest["dropped"].items() if k.startswith("edits_related")}
    assert dropped == {
        "edits_related_revert": 1, "edits_related_near_duplicate": 1, "edits_related_named": 1,
    }  # fmt: skip
    later = [meta["path"] for split in ("val", "test") for meta in
             read_jsonl(out / f"{split}.meta.jsonl")]  # fmt: skip
    assert later == ["src/near.rs", "src/fresh.rs", "src/fresh.rs"]
    assert len(read_jsonl(out / "train.jsonl")) == 14
    across = manifest["relations"]["across_splits"]
    assert across == dict.fromkeys(leakage.COMPARED, 0)
    card = (out / "README.md").read_text("utf-8")
    for line in ("val/revert, left out` | 1", "near_duplicate, still across splits` | 0"):
        assert line in card
    assert history.problems(out) == []


@pytest.mark.usefixtures("block")
def test_it_can_be_kept_and_verify_sees_a_leak_that_is_not_declared(
    history, tokenizer_file, tmp_path
):
    out = tmp_path / "out"
    manifest = exported(history, tokenizer_file, out, keep=("related",))
    assert not any(k.startswith("edits_related") for k in manifest["dropped"])
    across = manifest["relations"]["across_splits"]
    assert across == {
        "same_patch": 0, "revert": 1, "near_duplicate": 1, "same_code": 1, "near_addition": 0,
    }  # fmt: skip
    assert history.problems(out) == []
    manifest["config"]["keep"] = []
    write_json(out / "manifest.json", sealed(manifest, manifest["files"]))
    found = history.problems(out)
    assert sorted(text.rsplit(" ", 1)[1] for text in found) == [
        "near_duplicate",
        "revert",
        "same_code",
    ]


def test_near_copies_within_a_split_are_left_out_unless_they_are_to_stay(
    repo, index, tokenizer_file, tmp_path
):
    for n in range(3):
        text = function(1, f"g{n}").replace("work_1_0", f"other_{n}")
        repo.commit(f"number {n} of them", {f"src/f{n}.rs": text})
    repo.commit("something else", {"src/g.rs": function(2)})
    index.sync()
    for keep, n_kept in (((), 2), (("near_duplicates",), 4)):
        config = ExportConfig(str(tokenizer_file), split="1,0,0", keep=keep)
        manifest = export(index.database, tmp_path / "out", config)
        assert manifest["counts"]["examples"]["train"] == n_kept
        assert manifest["dropped"].get("edits_near_duplicates", 0) == 4 - n_kept
