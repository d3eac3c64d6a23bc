"""Holes in what a commit changed: where they are, and how each family's are written."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from rsidx.errors import TokenizerError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.examples.fim import (
    MIDDLES,
    EditedText,
    HoleOptions,
    choose_hole,
    text_around,
)
from rsidx.exporters.export import export
from rsidx.exporters.rendering import families
from tests.conftest import EXAMPLES
from tests.exporters.conftest import FAMILIES

pytestmark = pytest.mark.usefixtures("wordy")

LIB = """\
use std::fmt;

/// Größe in Bäumen: ñ, 漢字.
pub struct Size {{
    x: u32,
}}

impl Size {{
    pub fn grow(&mut self) -> u32 {{
        let old = self.x;
        self.x += {n};
        if old > {n} {{
            helper(old);
        }}
        let text = "日本 {n}";
        old + text.len() as u32
    }}
}}

fn helper(x: u32) -> u32 {{
    x * {n}
}}
"""


@pytest.fixture(scope="module")
def history(make_history):
    repo, index = history = make_history()
    repo.commits(
        (f"commit {n}", {"src/lib.rs": LIB.format(n=n), f"src/m{n}.rs": f"fn m{n}() {{}}\n"})
        for n in range(24)
    )
    index.sync()
    return history


@pytest.fixture
def chosen(history, history_for):
    return history_for(history)


@pytest.fixture
def repo(chosen):
    return chosen.repo


@pytest.fixture
def index(chosen):
    return chosen.index


@pytest.fixture
def run(index, tmp_path, read_jsonl):
    def make(tokenizer, **options):
        out = tmp_path / "out"
        config = ExportConfig(tokenizer=str(tokenizer), kind="fim", split="1,0,0", **options)
        manifest = export(index.database, out, config)
        saved = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
        rows = [
            (saved.decode(row["input_ids"], skip_special_tokens=False), row, meta)
            for row, meta in zip(
                read_jsonl(out / "train.jsonl"), read_jsonl(out / "train.meta.jsonl"), strict=True
            )
        ]
        return manifest, rows, out

    return make


def test_every_family_with_tokens_for_holes_is_tried():
    names = {family.name for family in families.FAMILIES if family.fim}
    assert set(FAMILIES) == names, "a new family: are its tokens in tests/exporters/conftest.py?"


def test_each_family_s_holes_are_sound(run, index, tokenizer_of, family):
    options = {"fim_spm": 0.0} if family == "deepseek" else {}
    manifest, rows, out = run(tokenizer_of(family), **options)
    assert manifest["tokenizer"]["dialect"] == f"fim-{family}"
    assert index.problems(out) == []
    assert len(rows) > 30
    assert {meta["around"]["middle"] for _, _, meta in rows} == set(MIDDLES)


@pytest.mark.parametrize("family", ["starcoder2", "qwen"])
def test_holes_as_text_are_sound(index, tokenizer_of, tmp_path, family, read_jsonl):
    out = tmp_path / "text"
    config = ExportConfig(str(tokenizer_of(family)), kind="fim", columns="text", split="1,0,0")
    assert export(index.database, out, config)["counts"]["examples"]["train"] > 30
    assert index.problems(out) == []
    # Where a middle ends with another token than the text does, it is written out.
    ends = {row["completion"].endswith("<file_sep>") for row in read_jsonl(out / "train.jsonl")}
    assert ends == {family == "starcoder2"}


def test_starcoder2_s_rows_are_as_it_was_trained(run, tokenizer_of, repo):
    _, rows, _ = run(tokenizer_of("starcoder2"), context_tokens=0)
    orders = Counter()
    for text, _, meta in rows:
        file = repo.blob(meta["commit"], meta["path"])
        around, middle = meta["around"], meta["new"]
        prefix = file[around["start"] : middle["start"]].decode()
        suffix = file[middle["end"] : around["end"]].decode()
        target = file[middle["start"] : middle["end"]].decode()
        head = "<repo_name>repo<file_sep><fim_prefix>"
        before = f"{meta['path']}\n{prefix}"
        if around["is_suffix_first"]:
            body = f"<fim_suffix>{suffix}<fim_middle>{before}{target}"
        else:
            body = f"{before}<fim_suffix>{suffix}<fim_middle>{target}"
        assert text == f"{head}{body}<file_sep>"
        orders[around["is_suffix_first"]] += 1
    assert min(orders.values()) > 5


def test_qwen_s_path_is_outside_of_the_prefix(run, tokenizer_of):
    _, rows, _ = run(tokenizer_of("qwen"), context_tokens=0, fim_spm=0.0)
    for text, _, meta in rows:
        head = f"<|repo_name|>repo\n<|file_sep|>{meta['path']}\n<|fim_prefix|>"
        assert text.startswith(head)
        assert text.endswith("</s>")


def test_only_the_middle_and_the_end_have_loss(run, tokenizer_of):
    tokenizer = tokenizer_of("starcoder2")
    _, rows, out = run(tokenizer)
    saved = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
    for _, row, meta in rows:
        learned = [label for label in row["labels"] if label >= 0]
        assert saved.token_to_id("<file_sep>") == learned[-1]
        assert len(learned) == meta["n_tokens"]["new"] + 1


@pytest.mark.usefixtures("writable")
def test_definitions_that_the_hole_refers_to_are_shown(run, tokenizer_of, repo, index):
    repo.commit("elsewhere", {"src/other.rs": "pub fn distant(x: u32) -> u32 { x }\n"})
    repo.commit("module", {"src/lib.rs": "mod other;\n\n" + LIB.format(n=40)})
    body = LIB.format(n=40).replace("helper(old);", "crate::other::distant(old);")
    repo.commit("use it", {"src/lib.rs": "mod other;\n\n" + body})
    # What a hole's old code refers to is known beforehand.
    for n in range(41, 46):
        again = body.replace("distant(old)", f"distant(old + {n})")
        repo.commit(f"use it with {n}", {"src/lib.rs": "mod other;\n\n" + again})
    index.sync()
    _, rows, _ = run(tokenizer_of("starcoder2"))
    shown = [meta for _, _, meta in rows if "src/other.rs" in {c["path"] for c in meta["context"]}]
    assert shown


def test_the_same_again_and_another_seed_another_hole(run, tokenizer_of):
    tokenizer = tokenizer_of("starcoder2")
    _, first, _ = run(tokenizer)
    _, second, _ = run(tokenizer)
    assert first == second
    _, other, _ = run(tokenizer, seed=1)
    assert [m["new"] for _, _, m in other] != [m["new"] for _, _, m in first]
    _, only, _ = run(tokenizer, fim_middles=("line",))
    assert {meta["around"]["middle"] for _, _, meta in only} == {"line"}


def test_a_small_budget_makes_the_window_smaller_not_the_middle(run, tokenizer_of, index):
    tokenizer = tokenizer_of("starcoder2")
    _, wide, _ = run(tokenizer, context_tokens=0)
    _, narrow, out = run(tokenizer, context_tokens=0, max_tokens=150)
    assert index.problems(out) == []
    middles = {meta["commit"] + meta["path"]: meta["new"] for _, _, meta in wide}
    kept = [middles.get(meta["commit"] + meta["path"]) == meta["new"] for _, _, meta in narrow]
    assert sum(kept) > len(kept) / 2
    assert all(meta["n_tokens"]["total"] <= 150 for _, _, meta in narrow)


@pytest.mark.usefixtures("writable")
def test_secrets_around_a_hole_are_redacted(repo, index, run, tokenizer_of):
    key = "AKIA" + "QWERTYUIOPASDFGH"
    repo.commit("key", {"src/key.rs": f'const K: &str = "{key}";\n\nfn use_it() {{ k(K); }}\n'})
    repo.commit("use", {"src/key.rs": f'const K: &str = "{key}";\n\nfn use_it() {{ go(K, 1); }}\n'})
    index.sync()
    _, rows, _ = run(tokenizer_of("starcoder2"))
    assert not any(key in text for text, _, _ in rows)
    assert any(meta["is_redacted"] for _, _, meta in rows)


@pytest.mark.usefixtures("writable")
def test_an_excerpt_that_the_file_around_shows_is_left_out_with_a_secret_in_it(
    repo, index, run, tokenizer_of
):
    key = "AKIA" + "QWERTYUIOPASDFGH"
    code = 'const K: &str = "{key}";\n\nfn use_it() {{ k(K, {n}); }}\n'
    for n in range(4):
        repo.commit(f"key {n}", {"src/key.rs": code.format(key=key, n=n)})
    index.sync()
    _, rows, _ = run(tokenizer_of("starcoder2"))
    metas = [meta for _, _, meta in rows if meta["path"] == "src/key.rs" and meta["is_redacted"]]
    assert len(metas) > 2
    assert [excerpt for meta in metas for excerpt in meta["context"]] == []


@pytest.mark.usefixtures("writable")
def test_a_hole_never_cuts_a_secret(repo, index, run, tokenizer_of):
    key = "ghp_" + "0123456789abcdefABCDEF9876543210abcd"
    pem = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA7x\n" * 12
    pem += "-----END RSA PRIVATE KEY-----"
    for n in range(30):
        files = {
            f"src/key{n}.rs": f'fn key_{n}() {{ go("{key}") }}\n',
            f"src/pem{n}.rs": f'const PEM_{n}: &str = "{pem}";\n\nfn after_{n}() {{ go({n}) }}\n',
        }
        repo.commit(f"keys {n}", files)
    index.sync()
    manifest, rows, _ = run(tokenizer_of("starcoder2"), fim_middles=("char", "line"), max_chars=300)
    assert manifest["dropped"]["edits_cutting_a_secret"] > 5
    for text, _, _ in rows:
        assert "789abc" not in text
        assert "MIIEow" not in text


def test_a_family_can_be_named(run, index, tokenizer_of):
    manifest, rows, _ = run(tokenizer_of("deepseek"), dialect="deepseek", fim_spm=0.0)
    assert (manifest["tokenizer"]["dialect"], len(rows) > 30) == ("fim-deepseek", True)
    config = ExportConfig(str(tokenizer_of("deepseek")), dialect="deepseek", split="1,0,0")
    with pytest.raises(TokenizerError, match="deepseek is for --kind fim alone"):
        export(index.database, Path("never"), config)


def test_what_cannot_fill_in_is_refused(run, tokenizer_file, tokenizer_of):
    with pytest.raises(TokenizerError, match="no tokens for filling in"):
        run(tokenizer_file)
    with pytest.raises(TokenizerError, match="known here as qwen's"):
        run(tokenizer_of("starcoder2"), dialect="qwen")
    with pytest.raises(TokenizerError, match="--fim-spm 0"):
        run(tokenizer_of("deepseek"))


@settings(max_examples=75 * EXAMPLES)
@example("", ";;;漢;;", "", 0, 10, "char")
@given(
    st.text(st.sampled_from("ab{};\n \t漢é😀"), min_size=0, max_size=60),
    st.text(st.sampled_from("ab{};\n \t漢é😀"), min_size=1, max_size=200),
    st.text(st.sampled_from("ab{};\n \t漢é😀"), max_size=60),
    st.integers(0, 30), st.integers(10, 400), st.sampled_from(MIDDLES),
)  # fmt: skip
def test_prefix_middle_and_suffix_are_the_file_without_a_gap(before, new, after, seed, room, kind):
    file = (before + new + after).encode()
    start = len(before.encode())
    breaks = [(0, 0), (len(new.encode()) // 2, 0)] if new.isascii() else []
    text = EditedText(b"a\n", new.encode(), file, start, breaks)
    hole = choose_hole(text, "x", HoleOptions((kind,), 0.5, seed, 4 * room))
    if hole is None:
        return
    middle = new.encode()[hole.start : hole.end]
    assert middle.decode()
    assert len(middle) <= room + 3
    first, last = text_around(file, start + hole.start, start + hole.end, 4 * room)
    prefix, suffix = file[first : start + hole.start], file[start + hole.end : last]
    assert (prefix.decode() + middle.decode() + suffix.decode()).encode() == file[first:last]
    assert last - first - len(middle) <= 3 * room
    # As much is shown around a hole whatever it is filled with.
    place = start + hole.start
    without = file[:place] + file[start + hole.end :]
    first_without, last_without = text_around(without, place, place, 4 * room)
    assert without[first_without:last_without] == prefix + suffix


@pytest.mark.parametrize(("side", "end"), [("prefix", "start"), ("suffix", "end")])
def test_verify_sees_that_the_code_around_a_hole_is_other_code(run, index, tokenizer_of, side, end):
    _, rows, out = run(tokenizer_of("starcoder2"))
    metas = [meta for _, _, meta in rows]
    meta = next(m for m in metas if m["around"]["start"] < m["new"]["start"] - 1)
    meta["around"][end] += 1 if end == "start" else -1
    lines = "".join(f"{json.dumps(meta)}\n" for meta in metas)
    (out / "train.meta.jsonl").write_text(lines)
    assert f"the prompt does not have the {side} code" in index.problems(out)
