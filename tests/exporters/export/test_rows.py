"""What must hold of every row of an export."""

import pytest
from tokenizers import Tokenizer

from rsidx.exporters.rendering.markers import token_of
from tests.exporters.export.rows import by_message, target

pytestmark = pytest.mark.usefixtures("wordy")


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
            # But for what the commit's own edits made.
            tree = meta["commit" if excerpt["rule"] == "earlier" else "parent"]
            assert excerpt["blob"] == repo.git("rev-parse", f"{tree}:{excerpt['path']}")
            content = repo.blob(tree, excerpt["path"])
            assert all(0 <= a < b <= len(content) for a, b in excerpt["ranges"])
            n_excerpts += 1
            if meta["old"] and excerpt["blob"] == meta["old"]["blob"]:
                assert all(
                    b <= meta["old"]["start"] or meta["old"]["end"] <= a or meta["part"][1] > 1
                    for a, b in excerpt["ranges"]
                )
    assert n_excerpts > 40


def test_an_edited_method_is_shown_with_the_definitions_that_it_names(run):
    out, _, rows = run()
    [(row, _)] = [r for r in by_message(rows, "compute the total") if r[1]["symbol"] == "total"]
    text = Tokenizer.from_file(str(out / "tokenizer/tokenizer.json")).decode(
        row["input_ids"], skip_special_tokens=False
    )
    assert text.startswith("<repo_name>repo<file_sep>src/lib.rs<|modify|><|message|>compute the")
    # What is in the same file is shown with it.
    assert "/// Holds shapes.\npub struct Canvas {\n    shapes: Vec<Circle>," in text
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
