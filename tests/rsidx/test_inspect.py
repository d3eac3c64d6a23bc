"""`rsidx inspect`: a row as the model sees it."""

import json

import pytest

from rsidx.__main__ import main
from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import load_row
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")


@pytest.fixture
def out(repo, index, tokenizer_file, tmp_path):
    struct = "pub struct Größe {\n    höhe: u32,\n}\n\n"
    for n in range(6):
        code = f'pub fn f(g: &Größe) -> u32 {{\n    let ü = "→{n}";\n    g.höhe + {n}\n}}\n'
        repo.commit(f"number {n}", {"src/lib.rs": struct + code})
    index.sync()
    config = ExportConfig(
        tokenizer=str(tokenizer_file), split="0.5,0.25,0.25", pad=True, max_tokens=700
    )
    export(index.database, tmp_path / "out", config)
    return tmp_path / "out"


def test_the_tokens_of_a_row_spell_it_with_its_roles_and_losses(out, read_jsonl):
    rows, metas = read_jsonl(out / "train.jsonl"), read_jsonl(out / "train.meta.jsonl")
    found = load_row(out, "train", "3")
    assert found.meta == metas[2]
    assert [i for token in found.tokens for i in token.ids] == rows[2]["input_ids"]
    losses = [token.has_loss for token in found.tokens for _ in token.ids]
    assert losses == [label >= 0 for label in rows[2]["labels"]]
    target = "".join(token.text for token in found.tokens if token.role == "new")
    assert (
        target.strip() + "\n"
        == 'pub fn f(g: &Größe) -> u32 {\n    let ü = "→2";\n    g.höhe + 2\n}\n'
    )
    assert "\ufffd" not in "".join(token.text for token in found.tokens)
    by_role = {}
    for token in found.tokens:
        by_role[token.role] = by_role.get(token.role, 0) + len(token.ids)
    counts = {role: n for role, n in found.meta["n_tokens"].items() if n and role != "total"}
    assert by_role == {**counts, "end": 1, "padding": 700 - found.meta["n_tokens"]["total"]}
    assert [t.text for t in found.tokens if t.role == "end"] == ["<|endoftext|>"]


def test_a_row_is_found_by_number_id_and_commit(out, read_jsonl):
    [meta, *_] = read_jsonl(out / "test.meta.jsonl")
    assert load_row(out, "test", "1").meta == meta
    assert load_row(out, "train", meta["id"][:10]).split == "test"
    assert load_row(out, "train", meta["commit"]).number == 1


@pytest.mark.parametrize("which", ["0", "99", "abcdefabcdef"])
def test_a_row_that_is_not_there_is_a_clear_error(out, which):
    with pytest.raises(ExportError, match="has no row"):
        load_row(out, "train", which)


def test_the_command_shows_it_and_speaks_json(out, capfd):
    def run(*arguments):
        assert main(["inspect", str(out), "3", *arguments]) == 0
        return capfd.readouterr().out

    assert "modify fn f in src/lib.rs" in run()
    assert "g.höhe + 1" in run()
    assert "<|new_code|>" in run()
    assert "\x1b" not in run()
    assert json.loads(run("--json"))["number"] == 3
    assert "<fim_pad>" not in run()
    assert "·" in run("--tokens")
