"""The export: from a real history to files, and what must hold of every row."""

import hashlib
import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from rsidx.errors import ExportError
from rsidx.exporters import export as module
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import config_of
from rsidx.exporters.export import export
from rsidx.exporters.questions import Target, prompt_at
from rsidx.exporters.rendering.markers import token_of
from rsidx.exporters.splits.split import SPLITS
from tests.conftest import read_lines

pytestmark = pytest.mark.usefixtures("wordy")

LIB = """\
//! A library.
mod shapes;

use crate::shapes::{{Area, Circle}};

const SCALE: f64 = {scale};

/// Holds shapes.
pub struct Canvas {{
    shapes: Vec<Circle>,
}}

impl Canvas {{
    pub fn new() -> Self {{
        {new}
    }}

    pub fn total(&self) -> f64 {{
        {total}
    }}
}}
"""
NEW = "Canvas { shapes: Vec::new() }"
SHAPES = """\
/// Has an area.
pub trait Area {{
    /// The area.
    fn area(&self) -> f64;
}}

#[derive(Debug)]
pub struct Circle {{
    pub radius: {float},
}}

impl Area for Circle {{
    fn area(&self) -> f64 {{
        3.14 * self.radius * self.radius{more}
    }}
}}
"""


@pytest.fixture(scope="module")
def thirty_commits(make_history):
    """Commits of every kind that an export meets."""
    repo, index = history = make_history()
    total = "self.shapes.iter().map(|c| c.area()).sum()"
    manifest = '[package]\nname = "shapes-lib"\nedition = "2021"\n'
    repo.commit("start", {
        "Cargo.toml": manifest, "src/lib.rs": LIB.format(scale=1.0, total="0.0", new=NEW),
        "src/shapes.rs": SHAPES.format(float="f64", more=""),
    })  # fmt: skip
    repo.commit("compute the total", {"src/lib.rs": LIB.format(scale=1.0, total=total, new=NEW)})
    repo.commit(
        "scale it", {"src/lib.rs": LIB.format(scale=2.0, total=f"{total} * SCALE", new=NEW)}
    )
    repo.commits(
        (f"tune {n}", {
            "src/lib.rs": LIB.format(
                scale=2.0 + n, total=f"{total} * SCALE + {n}.0",
                new=NEW if n < 6 else f"Canvas {{ shapes: vec![Circle {{ radius: {n}.0 }}] }}",
            ),
            "src/shapes.rs": SHAPES.format(float="f64", more=f" + {n}.0"),
        })
        for n in range(12)
    )  # fmt: skip
    long = "pub fn long() {\n" + "".join(
        f"    let v{n} = compute({n}, \"text that takes room\");\n" for n in range(120)
    ) + "}\n"  # fmt: skip
    repo.commit("a long function", {"src/long.rs": long})
    repo.commit("control <file_sep>", {"src/long.rs": long.replace("v60", "<|new_code|>")})
    repo.git("checkout", "-q", "-b", "side", "HEAD~3")
    repo.commit("on the side", {"src/side.rs": "pub fn side() -> u32 {\n    7\n}\n"})
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    repo.commit("bot", {"src/bot.rs": "fn bot() {}\n"}, GIT_AUTHOR_NAME="renovate[bot]")
    repo.commit("reformat", {"src/side.rs": "pub fn side() -> u32 { 7 }\n"})
    repo.commit("remove", {"src/side.rs": None})
    repo.git("mv", "src/long.rs", "src/longer.rs")
    repo.commit("rename", {"src/longer.rs": long.replace("v60", "v_sixty")})
    index.sync()
    return history


@pytest.fixture
def chosen(thirty_commits, history_for):
    return history_for(thirty_commits)


@pytest.fixture
def repo(chosen):
    return chosen.repo


@pytest.fixture
def history(chosen):
    return chosen.index


@pytest.fixture(scope="module")
def exports():
    """What was exported of the thirty commits, by the options."""
    return {}


@pytest.fixture
def run(history, exports, tokenizer_file, tmp_path_factory, request):
    """Return a function that exports, where the same was not exported before."""
    made = {} if "writable" in request.fixturenames else exports

    def do(*, again=False, **options):
        key = tuple(sorted(options.items()))
        if again or key not in made:
            made[key] = make(**options)
        return made[key]

    def make(**options):
        out = tmp_path_factory.mktemp("export") / "out"
        config = ExportConfig(
            **{
                "tokenizer": str(tokenizer_file),
                "max_tokens": 4096,
                "context_tokens": 2048,
                "text": True,
                **options,
            }
        )
        # What is kept of an earlier export has tests of its own.
        history.database.cache_file.unlink(missing_ok=True)
        manifest = export(history.database, out, config)
        rows = []
        for split in SPLITS:
            pairs = zip(
                read_lines(out / f"{split}.jsonl"),
                read_lines(out / f"{split}.meta.jsonl"),
                strict=True,
            )
            rows += [(split, row, meta) for row, meta in pairs]
        return out, manifest, rows

    return do


def by_message(rows, message):
    return [
        (row, meta)
        for _, row, meta in rows
        if meta["text"]["message"].removesuffix(", in more words") == message
    ]


def target(row):
    return [i for i in row["labels"] if i >= 0]


def test_every_target_in_place_of_the_old_chunk_gives_the_new_file(repo, run):
    out, manifest, rows = run()
    tokenizer = Tokenizer.from_file(str(out / "tokenizer/tokenizer.json"))
    end = tokenizer.token_to_id(manifest["tokenizer"]["end_token"])
    assert len(rows) > 25
    for _, row, meta in rows:
        ids = target(row)
        assert ids[-1] == end
        new = tokenizer.decode(ids[:-1], skip_special_tokens=False).encode()
        blob = repo.blob(meta["commit"], meta["path"])
        start, stop = meta["new"]["start"], meta["new"]["end"]
        assert blob[:start] + new + blob[stop:] == blob
        assert meta["new"]["blob"] == repo.git("rev-parse", f"{meta['commit']}:{meta['path']}")
        if meta["old"]:
            old = repo.blob(meta["parent"], meta["old_path"])
            shown = old[meta["old"]["start"] : meta["old"]["end"]]
            assert shown.decode() == meta["text"]["old"]


def test_all_targets_of_a_file_together_make_the_new_file_of_the_old(repo, run):
    _, _, rows = run(keep=("deletions", "formatting", "duplicates", "near_duplicates", "bots"))
    files = {}
    for _, _, meta in rows:
        if meta["change"] != "move" and meta["parent"]:
            files.setdefault((meta["commit"], meta["path"]), []).append(meta)
    whole = 0
    for (commit, path), metas in files.items():
        olds = [m["old_path"] for m in metas if m["old"]]
        if not olds or any(m["new"] is None for m in metas):
            continue
        old, made, at = repo.blob(metas[0]["parent"], olds[0]), b"", 0
        for meta in sorted(metas, key=lambda m: m["new"]["start"]):
            if meta["old"] is None:
                continue
            made += old[at : meta["old"]["start"]] + meta["text"]["new"].encode()
            at = meta["old"]["end"]
        if all(m["old"] for m in metas):
            assert made + old[at:] == repo.blob(commit, path)
            whole += 1
    assert whole > 20


def test_every_excerpt_stood_in_the_tree_of_the_first_parent(repo, run):
    _, _, rows = run()
    n_excerpts = 0
    for _, _, meta in rows:
        for excerpt in meta["context"]:
            assert excerpt["blob"] == repo.git("rev-parse", f"{meta['parent']}:{excerpt['path']}")
            content = repo.blob(meta["parent"], excerpt["path"])
            assert all(0 <= a < b <= len(content) for a, b in excerpt["ranges"])
            n_excerpts += 1
            if meta["old"] and excerpt["blob"] == meta["old"]["blob"]:
                assert all(
                    b <= meta["old"]["start"] or meta["old"]["end"] <= a or meta["part"][1] > 1
                    for a, b in excerpt["ranges"]
                )
    assert n_excerpts > 80


def test_an_edited_method_is_shown_with_the_definitions_that_it_names(run):
    out, _, rows = run()
    [(row, meta)] = [r for r in by_message(rows, "compute the total") if r[1]["symbol"] == "total"]
    shown = {(e["section"], e["symbol"], e["rule"], e["form"]) for e in meta["context"]}
    assert shown >= {
        ("imports", "", "imports", "whole"),
        ("impls", "Canvas", "enclosing", "header"),
        ("structs", "Canvas", "self_type", "whole"),
    }
    _, _, answered = run(context_from="answer")
    [(_, scaled)] = [r for r in by_message(answered, "scale it") if r[1]["symbol"] == "total"]
    assert ("constants", "SCALE", "module", "whole") in {
        (e["section"], e["symbol"], e["rule"], e["form"]) for e in scaled["context"]
    }
    text = Tokenizer.from_file(str(out / "tokenizer/tokenizer.json")).decode(
        row["input_ids"], skip_special_tokens=False
    )
    assert text.startswith("<repo_name>repo<file_sep>src/lib.rs<|modify|><|message|>compute the")
    assert "<|structs|>/// Holds shapes.\npub struct Canvas {\n    shapes: Vec<Circle>," in text
    assert text.endswith(
        "<|old_code|>\n    pub fn total(&self) -> f64 {\n        0.0\n    }\n<|/old_code|>"
        "<|new_code|>\n    pub fn total(&self) -> f64 {\n"
        "        self.shapes.iter().map(|c| c.area()).sum()\n    }\n<|endoftext|>"
    )


def test_what_an_import_names_is_found_in_its_file_as_it_was_before(repo, run):
    _, _, rows = run(context_from="answer")
    [(_, meta)] = [r for r in by_message(rows, "tune 6") if r[1]["symbol"] == "new"]
    [circle] = [e for e in meta["context"] if e["symbol"] == "Circle" and e["rule"] == "import"]
    assert (circle["path"], circle["section"], circle["form"]) == (
        "src/shapes.rs", "structs", "whole",
    )  # fmt: skip
    [(start, end)] = circle["ranges"]
    assert repo.blob(meta["parent"], "src/shapes.rs")[start:end].decode() == (
        "#[derive(Debug)]\npub struct Circle {\n    pub radius: f64,\n}\n"
    )


@pytest.mark.parametrize("earlier", [(), ("history",)])
def test_a_prompt_is_what_the_examples_are_to_the_last_token(history, repo, run, earlier):
    out, manifest, rows = run(earlier=earlier)
    assert bool(earlier) == (manifest["counts"]["examples_with_earlier_edits"] > 0)
    n_same = 0
    for _, row, meta in rows:
        files = repo.git("diff", "--name-only", f"{meta['commit']}^1", meta["commit"], check=False)
        if meta["change"] != "modify" or meta["part"][1] > 1 or "\n" in files:
            continue
        innermost = meta["container"].rsplit(" / ", 1)[-1].split(" ")[-1]
        symbol = f"{innermost}::{meta['symbol']}" if innermost else meta["symbol"]
        target = Target(bytes.fromhex(meta["parent"]), meta["old_path"], symbol)
        if meta["symbol"] not in ("", "long") and meta["path"] == meta["old_path"]:
            message = meta["text"]["message"]
            prompt = prompt_at(history.database, "repo", target, message, config_of(out))
            n_prompt = meta["n_tokens"]["total"] - meta["n_tokens"]["new"] - 1
            assert prompt.input_ids == row["input_ids"][:n_prompt]
            n_same += 1
    assert n_same >= 3


def test_the_prompt_names_the_module_of_a_file_that_the_commit_adds(run):
    out, _, rows = run()
    tokenizer = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
    [(row, _)] = [pair for pair in by_message(rows, "on the side") if pair[1]["symbol"] == "side"]
    prompt = tokenizer.decode(row["input_ids"], skip_special_tokens=False)
    assert f"src/side.rs{token_of('module')}side{token_of('add')}" in prompt


def test_labels_are_on_the_new_code_and_the_end_token_or_everywhere(run):
    for labels in ("target", "all"):
        _, _, rows = run(labels=labels)
        for _, row, meta in rows:
            assert len(row["input_ids"]) == len(row["attention_mask"]) == len(row["labels"])
            assert set(row["attention_mask"]) == {1}
            learned = [i for i, label in enumerate(row["labels"]) if label >= 0]
            assert all(row["labels"][i] == row["input_ids"][i] for i in learned)
            if labels == "all":
                assert len(learned) == len(row["input_ids"])
            else:
                first = len(row["input_ids"]) - meta["n_tokens"]["new"] - 1
                assert learned == list(range(first, len(row["input_ids"])))


def test_padding_fills_up_without_attention_or_loss(run):
    _, manifest, rows = run(pad=True, max_tokens=3000)
    pad = 1  # The test tokenizer's <fim_pad>.
    assert manifest["tokenizer"]["pad_token"] == "<fim_pad>"
    for _, row, meta in rows:
        n = meta["n_tokens"]["total"]
        assert {len(row[key]) for key in row} == {3000}
        assert row["input_ids"][n:] == [pad] * (3000 - n)
        assert row["attention_mask"] == [1] * n + [0] * (3000 - n)
        assert set(row["labels"][n:]) <= {-100}


@pytest.mark.parametrize("earlier", [(), ("commit", "history")])
def test_long_code_is_split_between_statements_within_the_limits(repo, run, earlier):
    _, _, rows = run(max_chars=1500, max_tokens=1200, context_tokens=300, earlier=earlier)
    parts = [(row, meta) for row, meta in by_message(rows, "a long function")]
    assert len(parts) > 3
    assert [m["part"] for _, m in parts] == [[n + 1, len(parts)] for n in range(len(parts))]
    joined = "".join(meta["text"]["new"] for _, meta in parts)
    assert joined.encode() == repo.blob(parts[0][1]["commit"], "src/long.rs")
    for _, row, meta in rows:
        assert len(row["input_ids"]) <= 1200
        assert len(meta["text"]["new"]) <= 1500
        assert meta["n_tokens"]["context"] <= 300
    assert all(
        m["text"]["new"].splitlines()[0].startswith(("pub fn", "    let", "}")) for _, m in parts
    )
    assert [m["n_tokens"]["lead"] > 0 for _, m in parts] == [False] + [True] * (len(parts) - 1)


@pytest.mark.usefixtures("writable")
def test_what_a_split_leaves_out_is_counted_once_however_often_it_is_split(repo, history, run):
    old = "".join(f"    old{n}(1, 2, 3);\n" for n in range(200))
    repo.commit("long", {"src/big.rs": f"fn big() {{\n{old}}}\n"})
    line = "x" * 700
    repo.commit("cut", {"src/big.rs": f'fn big() {{\n    let s = "{line}";\n}}\n'})
    history.sync()
    keep = ("encoded", "long_lines")
    _, manifest, _ = run(max_chars=1000, max_tokens=600, context_tokens=0, keep=keep)
    assert manifest["dropped"]["examples_unsplittable"] == 1
    # Some 250 characters are left for old code, so the other parts are some 17.
    assert 10 < manifest["dropped"]["parts_deletions"] < 20


@pytest.mark.usefixtures("writable")
def test_a_message_from_a_browser_has_plain_line_ends(repo, history, run):
    repo.commit("browser", {"src/browser.rs": "fn browser() {}\n"})
    message = "merged in a browser\r\n\r\nwith more to say\r\n"
    repo.git("commit", "-q", "--amend", "--cleanup=verbatim", "-m", message)
    history.sync()
    _, _, rows = run()
    assert by_message(rows, "merged in a browser\n\nwith more to say")


def test_source_that_spells_a_control_token_stays_text(run):
    out, _, rows = run(keep=("syntax",))
    tokenizer = Tokenizer.from_file(str(out / "tokenizer/tokenizer.json"))
    control = tokenizer.token_to_id(token_of("new_code"))
    found = by_message(rows, "control <file_sep>")
    assert found
    for row, _ in found:
        assert row["input_ids"].count(control) == 1
        assert "<|new_code|> = compute" in tokenizer.decode(target(row), skip_special_tokens=False)


def test_splits_follow_each_other_in_the_order_of_history(repo, run):
    _, manifest, rows = run(split="0.5,0.25,0.25")
    order = {oid: n for n, oid in enumerate(
        repo.git("rev-list", "--date-order", "--reverse", "HEAD").split())}  # fmt: skip
    positions = [order[meta["commit"]] for _, _, meta in rows]
    assert positions == sorted(positions)
    assert [s for s, _ in itertools.groupby(split for split, _, _ in rows)] == list(SPLITS)
    assert sum(manifest["counts"]["examples"].values()) == len(rows)


def test_splits_by_date_and_by_commit(repo, run):
    tenth, fifteenth = repo.git("rev-list", "--first-parent", "--reverse", "HEAD").split()[9:15:5]
    _, by_commit, _ = run(split=f"{tenth[:12]},{fifteenth[:12]}")
    assert by_commit["splits"]["val"]["first_commit"] == tenth
    assert by_commit["splits"]["test"]["first_commit"] == fifteenth
    dates = [repo.git("log", "-1", "--format=%cI", oid) for oid in (tenth, fifteenth)]
    _, by_date, _ = run(split=",".join(dates))
    assert by_date["splits"] == by_commit["splits"]


@pytest.mark.parametrize(
    ("spec", "says"),
    [("0.8,0.1", "neither a date nor a commit"), ("0.5,0.1,0.1", "do not add up"), ("x", "give"),
     ("a,b,c", "not three numbers"), ("2030-01-01,2020-01-01", "after test"),
     ("ffffffff,eeeeeeee", "no commit of this export")],
)  # fmt: skip
def test_a_split_that_cannot_be_is_a_clear_error(run, spec, says):
    with pytest.raises(ExportError, match=says):
        run(split=spec)


def test_what_is_left_out_is_counted_and_can_be_kept(run):
    _, manifest, rows = run()
    dropped = manifest["dropped"]
    assert dropped["commits_merges"] == 1
    assert dropped["commits_bots"] == 1
    assert dropped["edits_formatting"] == 1
    assert dropped["edits_deletions"] == 1
    kept = ("merges", "bots", "formatting", "deletions", "duplicates", "related")
    _, all_kept, more = run(keep=kept)
    assert not {"commits_merges", "commits_bots", "edits_formatting", "edits_deletions",
                "edits_duplicates"} & all_kept["dropped"].keys()  # fmt: skip
    assert len(more) > len(rows)
    deleted = [meta for _, _, meta in more if meta["change"] == "delete"]
    assert [(m["new"], m["text"]["new"]) for m in deleted] == [(None, "")]
    _, bulk, _ = run(max_files=1)
    assert bulk["dropped"]["commits_bulk"] == 13


def test_an_edit_that_was_made_twice_is_exported_once(
    make_repo, make_index, tokenizer_file, tmp_path
):
    repo = make_repo()
    index = make_index(repo)
    before, after = "fn f() { a(1, 2, 3); }\n", "fn f() { b(1, 2, 3); }\n"
    for n in range(2):
        repo.commit(f"one {n}", {f"src/f{n}.rs": before})
        repo.commit(f"two {n}", {f"src/f{n}.rs": after})
    index.sync()
    config = ExportConfig(tokenizer=str(tokenizer_file), split="1,0,0")
    once = export(index.database, tmp_path / "once", config)
    every = export(
        index.database, tmp_path / "every", replace(config, keep=("duplicates", "near_duplicates"))
    )
    assert once["dropped"]["edits_duplicates"] == 2
    assert (once["counts"]["examples"]["train"], every["counts"]["examples"]["train"]) == (2, 4)


def test_two_exports_are_the_same_byte_for_byte_but_for_the_manifests_times(run):
    (first, _, _), (second, _, _) = run(), run(again=True)
    names = sorted(p.relative_to(first) for p in first.rglob("*") if p.is_file())
    assert names == sorted(p.relative_to(second) for p in second.rglob("*") if p.is_file())
    for name in names:
        if name != Path("manifest.json"):
            assert (first / name).read_bytes() == (second / name).read_bytes(), name
    manifests = [json.loads((out / "manifest.json").read_text("utf-8")) for out in (first, second)]
    for manifest in manifests:
        del manifest["sha256"]
        assert set(manifest.pop("phases_s")) == {
            "validate", "history", "make", "edits", "context", "tokens", "rows", "write",
            "data set",
        }  # fmt: skip
    assert manifests[0] == manifests[1]


def test_an_index_built_bit_by_bit_gives_the_same_bytes(run, repo, make_index, tokenizer_file,
                                                        tmp_path):  # fmt: skip
    first, _, _ = run()
    other = make_index(repo, "other.db")
    for revision in ("HEAD~9", "side", "HEAD~4", "HEAD"):
        other.sync(revision)
    config = ExportConfig(
        tokenizer=str(tokenizer_file), max_tokens=4096, context_tokens=2048, text=True
    )
    export(other.database, tmp_path / "bits", config)
    sums = [(out / "SHA256SUMS").read_text() for out in (first, tmp_path / "bits")]
    assert sums[0] == sums[1]


def test_the_checksums_hold(run):
    out, _, _ = run()
    lines = (out / "SHA256SUMS").read_text().splitlines()
    assert len(lines) == 12
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest


def test_an_export_that_fails_leaves_the_last_one_as_it_was(
    history, tokenizer_file, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    config = ExportConfig(tokenizer=str(tokenizer_file))
    export(history.database, out, config)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}

    def fail(_):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(module, "write_checksums", fail)
    with pytest.raises(RuntimeError):
        export(history.database, out, config)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".rsidx")] == []
    monkeypatch.undo()
    export(history.database, out, config)


@pytest.mark.parametrize("file", ["tokenizer_file", "qwen_file", "starcoder_file", "plain_file"])
def test_every_native_dialect_writes_rows_whose_target_is_the_new_code(run, request, file):
    out, manifest, rows = run(tokenizer=str(request.getfixturevalue(file)), markers="native")
    tokenizer = Tokenizer.from_file(str(out / "tokenizer/tokenizer.json"))
    assert manifest["tokenizer"]["n_new_tokens"] == 0
    assert len(rows) > 25
    for _, row, meta in rows:
        new = tokenizer.decode(target(row)[:-1], skip_special_tokens=False)
        assert new == meta["text"]["new"]
        everything = tokenizer.decode(row["input_ids"], skip_special_tokens=False)
        assert meta["text"]["old"] in everything
        assert meta["path"] in everything


def test_a_ref_that_is_not_indexed_is_a_clear_error(history, tokenizer_file, tmp_path):
    config = ExportConfig(tokenizer=str(tokenizer_file), revisions=("nowhere",))
    with pytest.raises(ExportError, match="'nowhere' names no commit of the index"):
        export(history.database, tmp_path / "out", config)


@pytest.mark.usefixtures("writable")
def test_commits_that_the_chosen_ref_does_not_reach_stay_out(repo, history, tokenizer_file,
                                                             tmp_path, read_jsonl):  # fmt: skip
    repo.git("checkout", "-q", "-b", "other", "HEAD~2")
    unwanted = repo.commit("other", {"src/other.rs": "fn other() { work(); }\n"})
    history.sync("other")
    export(history.database, tmp_path / "out", ExportConfig(tokenizer=str(tokenizer_file),
                                                      revisions=("main",)))  # fmt: skip
    commits = {meta["commit"] for split in SPLITS
               for meta in read_jsonl(tmp_path / "out" / f"{split}.meta.jsonl")}  # fmt: skip
    assert unwanted not in commits
