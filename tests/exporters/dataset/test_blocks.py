"""--target blocks: rows that say what changes, where that is shorter."""

import json

import pytest
from tokenizers import Tokenizer

from rsidx.blocks import are_blocks, with_blocks
from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.report.row_text import row_text
from tests.chats import write_chat
from tests.conftest import read_lines

pytestmark = pytest.mark.usefixtures("wordy")


@pytest.fixture(scope="module")
def edited(make_history):
    """A history of small edits of a long function, and of edits of short ones."""
    repo, index = history = make_history()
    lines = [f'    let v{n} = compute({n}, "text that takes room");\n' for n in range(36)]
    small = "pub fn small() -> u32 {{\n    {n}\n}}\n"
    for n in range(12):
        lines[2 * n] = f"    let v{2 * n} = compute({n + 100});\n"
        del lines[-1]
        long = f"pub fn long() {{\n{''.join(lines)}}}\n"
        files = {"src/lib.rs": long, "src/small.rs": small.format(n=n)}
        repo.commit(f"number {n}", files)
    index.sync()
    return history


@pytest.fixture
def repo(edited, history_for):
    return history_for(edited).repo


@pytest.fixture
def history(edited, history_for):
    return history_for(edited).index


@pytest.fixture
def run(history, tokenizer_file, tmp_path):
    def run(**options):
        out = tmp_path / "out"
        return out, export(history.database, out, ExportConfig(str(tokenizer_file), **options))

    return run


def answers(out):
    """Return what each row of ids has between its prompt and its end token, and its meta line."""
    tokenizer = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
    for split in ("train", "val", "test"):
        rows, metas = read_lines(out / f"{split}.jsonl"), read_lines(out / f"{split}.meta.jsonl")
        for row, meta in zip(rows, metas, strict=True):
            ids = row["input_ids"][-meta["n_tokens"]["new"] - 1 : -1]
            yield row, meta, tokenizer.decode(ids, skip_special_tokens=False)


def test_blocks_put_into_git_s_old_code_give_git_s_new_code(run, repo, history):
    out, manifest = run(target="blocks")
    assert history.problems(out) == []
    encoder = Encoder(load(str(out / "tokenizer")), source=str(out / "tokenizer"))
    n_blocks = 0
    for row, meta, answer in answers(out):
        old, new = (
            repo.blob(meta[at], meta[path])[meta[side]["start"] : meta[side]["end"]]
            if meta[side] else b""
            for at, path, side in (("parent", "old_path", "old"), ("commit", "path", "new"))
        )  # fmt: skip
        assert with_blocks(old, answer.encode()) == new
        assert are_blocks(answer.encode()) == bool(meta.get("is_blocks"))
        assert len(answer.encode()) <= len(new)
        assert row_text(row, meta, encoder).new.encode() == new
        n_blocks += are_blocks(answer.encode())
    assert n_blocks == manifest["counts"]["examples_of_blocks"] > 5


def test_prompts_are_those_of_whole_code(run):
    prompts = []
    for target in ("code", "blocks"):
        out, _ = run(target=target)
        prompts.append({
            meta["id"]: row["input_ids"][: -meta["n_tokens"]["new"] - 1]
            for row, meta, _ in answers(out)
        })  # fmt: skip
    code, blocks = prompts
    same = code.keys() & blocks.keys()
    assert len(same) > 15
    assert all(code[one] == blocks[one] for one in same)


@pytest.mark.parametrize("columns", ["text", "both", "messages"])
def test_verify_reads_blocks_in_every_shape(history, starcoder_like, tmp_path, columns):
    chat = write_chat(tmp_path / "chat", starcoder_like)
    config = ExportConfig(str(chat), target="blocks", columns=columns)
    out = tmp_path / "out"
    manifest = export(history.database, out, config)
    assert manifest["counts"]["examples_of_blocks"] > 5
    assert history.problems(out) == []


@pytest.mark.usefixtures("writable")
@pytest.mark.parametrize("columns", ["ids", "text", "messages"])
def test_no_block_searches_for_a_secret_which_no_row_shows(
    edited, history_for, starcoder_like, tmp_path, columns
):
    repo, history = history_for(edited)
    lines = [f'    let key{n} = load({n}, "text that takes room");\n' for n in range(8)]
    token = "ghp_" + "012345678901234567890123456789abcdef"
    for n in (1, 2):
        code = f'pub fn keys() {{\n    call("{token}", {n});\n{"".join(lines)}}}\n'
        beside = f'pub fn beside() {{\n    call("{token}");\n{"".join(lines)}    g({n});\n}}\n'
        files = {"src/keys.rs": code, "src/beside.rs": beside}
        repo.commit(f"Call with number {n} in place", files)
    history.sync()
    chat = write_chat(tmp_path / "chat", starcoder_like)
    out = tmp_path / "out"
    config = ExportConfig(str(chat), target="blocks", columns=columns, split="1,0,0", embargo="0")
    export(history.database, out, config)
    metas = read_lines(out / "train.meta.jsonl")
    changed = {m["path"]: m for m in metas if m["is_redacted"] and m["change"] == "modify"}
    assert changed.keys() == {"src/keys.rs", "src/beside.rs"}
    assert "is_blocks" not in changed["src/keys.rs"]
    # Put into git's old file, its blocks make git's new one.
    assert changed["src/beside.rs"]["is_blocks"]
    assert history.problems(out) == []


def test_verify_names_blocks_that_do_not_apply(history, run):
    out, _ = run(target="blocks", columns="text")
    rows, metas = read_lines(out / "train.jsonl"), read_lines(out / "train.meta.jsonl")
    number = next(n for n, meta in enumerate(metas) if meta.get("is_blocks"))
    rows[number]["completion"] = rows[number]["completion"].replace(
        "SEARCH\n", "SEARCH\nno();\n", 1
    )
    (out / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    problems = history.problems(out, number + 1)
    assert problems == ["its blocks do not apply: block 1 searches for what the code has nowhere: "
                        "no();"]  # fmt: skip


@pytest.mark.parametrize("options", [{"kind": "fim"}, {"kind": "sequence"}, {"labels": "changed"}])
def test_what_has_no_blocks_is_refused(tokenizer_file, options):
    with pytest.raises(ExportError, match="--target blocks is for edits"):
        ExportConfig(str(tokenizer_file), target="blocks", **options)
