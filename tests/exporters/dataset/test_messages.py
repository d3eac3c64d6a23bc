"""--columns messages: conversations for instruct models, and what reads and asks them."""

import hashlib
import json
import shutil

import pytest

import rsidx
from rsidx.answer import read_answer
from rsidx.errors import ExportError
from rsidx.evaluation.asking.prompts import read_prompts
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.inventory import sealed
from rsidx.exporters.dataset.layout import write_json
from rsidx.exporters.export import export
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.report.row_text import row_text
from tests.chats import TEMPLATES, write_chat
from tests.conftest import read_lines

pytestmark = pytest.mark.usefixtures("wordy")

DOCUMENTED = """\
/**
```
assert_eq!(f(), {n});
```
*/
pub fn f() -> u32 {{
    {n}
}}
"""


@pytest.fixture
def chat(tokenizer_file, tmp_path):
    return write_chat(tmp_path / "chat", tokenizer_file)


@pytest.fixture
def make(repo, index, tmp_path):
    """Return a function that exports a small history; it gives folder, manifest, rows and metas."""

    def make(tokenizer, **options):
        if not repo.git("rev-list", "--all"):
            repo.commits((f"number {n}", {"src/lib.rs": DOCUMENTED.format(n=n)}) for n in range(6))
            repo.commit("spell a token", {"src/b.rs": 'pub const END: &str = "<|im_end|>";\n'})
            repo.commit("an open end", {"src/c.rs": "pub fn open() {}"})
            index.sync()
        out = tmp_path / "out"
        shutil.rmtree(out, ignore_errors=True)
        config = ExportConfig(
            str(tokenizer), split="1,0,0", embargo="0", columns="messages", **options
        )
        manifest = export(index.database, out, config)
        return out, manifest, read_lines(out / "train.jsonl"), read_lines(out / "train.meta.jsonl")

    return make


def test_a_row_is_a_question_with_code_in_fences_and_its_answer_in_one(make, repo, chat):
    _, manifest, rows, metas = make(chat)
    assert [set(row) for row in rows] == [{"id", "messages"}] * 6
    assert [row["id"] for row in rows] == [meta["id"] for meta in metas]
    for row, meta in zip(rows, metas, strict=True):
        question, answer = row["messages"]
        assert (question["role"], answer["role"]) == ("user", "assistant")
        place = meta["new"]
        new = repo.blob(meta["commit"], meta["path"])[place["start"] : place["end"]]
        assert read_answer(answer["content"].encode()).code == new
        assert answer["content"].startswith("````rust\n")
        assert question["content"].startswith(("Change `src/lib.rs`", "Add code to `src/lib.rs`"))
        assert "in more words\n</message>" in question["content"]
    old = DOCUMENTED.format(n=4)
    assert f"The code to change, in `src/lib.rs`:\n````rust\n{old}````\n" in question["content"]
    # The token that code spells would end the question; what has no line end, no fence can end.
    assert manifest["dropped"]["text_rows_with_control_tokens"] == 1
    assert manifest["dropped"]["parts_open_line"] == 1


@pytest.mark.parametrize("name", TEMPLATES)
def test_verify_finds_the_conversations_that_were_counted(
    make, index, tokenizer_file, tmp_path, name
):
    folder = write_chat(tmp_path / name, tokenizer_file, name)
    out, manifest, rows, metas = make(folder)
    assert rows
    assert index.problems(out) == []
    template = TEMPLATES[name][0].encode()
    assert manifest["tokenizer"]["chat_template"] == hashlib.sha256(template).hexdigest()
    assert manifest["tokenizer"]["dialect"] == "chat"
    encoder = Encoder(load(str(folder)), source=str(folder))
    for row, meta in zip(rows, metas, strict=True):
        text = row_text(row, meta, encoder)
        assert text.message.startswith(("number ", "spell a token"))
        assert text.new.startswith(("/**\n```", "pub const END"))


def test_without_a_chat_template_the_rows_are_the_same_and_the_manifest_says_so(
    make, index, tokenizer_file, chat
):
    _, _, rows, _ = make(chat)
    out, manifest, plain, _ = make(tokenizer_file)
    assert manifest["tokenizer"]["chat_template"] is None
    assert [row for row in plain if "END" not in str(row)] == rows
    assert index.problems(out) == []


def test_a_row_that_the_template_would_write_otherwise_is_left_out(make, tokenizer_file, tmp_path):
    template = TEMPLATES["chatml"][0].replace("m.content", "m.content.replace('(), 4', '(), 5')")
    folder = write_chat(tmp_path / "other", tokenizer_file, template=template)
    _, manifest, rows, _ = make(folder)
    assert manifest["dropped"]["text_rows_with_control_tokens"] == 3
    assert not any("(), 4" in str(row) for row in rows)


def damaged(out, change):
    """Change the rows of train, and make the checksums fit."""
    rows = read_lines(out / "train.jsonl")
    change(rows[-1]["messages"])
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (out / "train.jsonl").write_bytes(data)
    manifest = json.loads((out / "manifest.json").read_text())
    sums = (out / "SHA256SUMS").read_text()
    digest = hashlib.sha256(data).hexdigest()
    sums = sums.replace(manifest["files"]["train.jsonl"], digest)
    (out / "SHA256SUMS").write_text(sums)
    files = manifest.pop("files") | {
        "train.jsonl": digest, "SHA256SUMS": hashlib.sha256(sums.encode()).hexdigest(),
    }  # fmt: skip
    manifest.pop("sha256")
    write_json(out / "manifest.json", sealed(manifest, files))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m[1].update(content=m[1]["content"].replace("5", "6")), "the new code is not"),
        (lambda m: m[1].update(content=m[1]["content"] + "\n\n"), "another number of tokens"),
        (lambda m: m[0].update(content=m[0]["content"].replace("4", "7")), "does not have the old"),
        (lambda m: m[0].update(role="system"), "not a message of a user"),
    ],
)
def test_verify_names_messages_that_are_not_the_history_s(make, index, chat, change, says):
    out, _, _, _ = make(chat)
    damaged(out, change)
    assert any(says in problem for problem in index.problems(out))


def test_a_prompt_asks_as_the_rows_do(make, repo, index, chat):
    out, _, rows, metas = make(chat)
    last = max(range(len(rows)), key=lambda n: metas[n]["time"])
    parent, message = (
        metas[last]["parent"],
        repo.git("log", "-1", "--format=%B", metas[last]["commit"]),
    )
    with rsidx.open(repo.path, db=str(index.file)) as opened:
        found = opened.at(parent).prompt("src/lib.rs", "f", message, like=out)
    assert list(found.messages) == rows[last]["messages"][:1]
    assert found.text.endswith("<|im_start|>assistant\n")
    asked = read_prompts(out, "train")
    prompts = [prompt.messages for edit in asked.edits for prompt in edit]
    assert prompts == [(row["messages"][0],) for row in rows]
    assert asked.stop == ("<|im_end|>",)


def test_a_later_part_is_led_up_to_by_what_the_model_wrote_itself(make, repo, index, chat):
    lines = [f'    let v{n} = compute({n}, "text that takes room");\n' for n in range(60)]
    repo.commit("Write a long function", {"src/lib.rs": f"pub fn f() {{\n{''.join(lines)}}}\n"})
    index.sync()
    out, _, rows, _ = make(chat, max_chars=1500)
    [prompts] = read_prompts(out, "train").edits
    assert len(prompts) == len(rows) > 1
    assert [prompt.messages for prompt in prompts] == [(row["messages"][0],) for row in rows]
    first, second = prompts[:2]
    assert first.led_up_by("x();\n") == first
    code = read_answer(rows[0]["messages"][1]["content"].encode()).code.decode()
    assert second.lead
    assert code.endswith(second.lead)
    [asked] = second.messages
    assert f"The new code so far:\n```rust\n{second.lead}```\n" in asked["content"]
    [led] = second.led_up_by("fn f() {\n    /*\n```\n*/\n").messages
    own = "The new code so far:\n````rust\nfn f() {\n    /*\n```\n*/\n````\n"
    assert own in led["content"]
    assert second.lead not in led["content"]


def test_the_library_reads_messages_and_gives_their_ids(make, repo, index, chat):
    out, _, rows, metas = make(chat)
    read = list(rsidx.DataSet(out).rows("train"))
    assert [list(row.messages) for row in read] == [row["messages"] for row in rows]
    shown = rsidx.DataSet(out).show(1)
    assert [token.role for token in shown.tokens] == ["prompt", "new"]
    with rsidx.open(repo.path, db=str(index.file)) as opened:
        config = ExportConfig(str(chat), columns="messages")
        examples = {one.id: one for one in opened.examples("HEAD", config)}
    for row, meta in zip(rows, metas, strict=True):
        example = examples[row["id"]]
        assert [example.prompt, example.completion] == [m["content"] for m in row["messages"]]
        assert len(example.input_ids) == meta["n_tokens"]["total"]
        assert all(
            (label != -100) == (role in ("new", "end"))
            for label, role in zip(
                example.labels, (role for role, n in meta["roles"] for _ in range(n)), strict=True
            )
        )


@pytest.mark.parametrize(
    "options",
    [{"kind": "fim"}, {"labels": "all"}, {"dialect": "qwen"}, {"pack": 8192}, {"pad": True},
     {"format": "parquet"}],
)  # fmt: skip
def test_what_messages_have_no_place_for_is_refused(tokenizer_file, options):
    with pytest.raises(ExportError, match="--columns messages"):
        ExportConfig(tokenizer=str(tokenizer_file), columns="messages", **options)
