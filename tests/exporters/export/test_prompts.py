"""A prompt of an export's rows, asked for by its place."""

import pytest
from tokenizers import Tokenizer

from rsidx.exporters.dataset.reader import config_of
from rsidx.exporters.questions.prompt import prompt_at
from rsidx.exporters.questions.target import Target
from rsidx.exporters.rendering.markers import token_of
from tests.exporters.export.rows import by_message

pytestmark = pytest.mark.usefixtures("wordy")


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
