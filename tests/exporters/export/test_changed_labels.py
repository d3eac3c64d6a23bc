"""--labels changed: loss on what git calls added, behind what was only removed, and on the end."""

import re
import subprocess

import pytest
from tokenizers import Tokenizer

from rsidx.errors import ExportError
from rsidx.evaluation.asking.prompts import read_prompts
from rsidx.exporters.config import ExportConfig
from tests.conftest import read_lines
from tests.exporters.export.rows import target

HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


def of_role(row, meta, wanted):
    roles = [role for role, n in meta["roles"] for _ in range(n)]
    return [i for i, role in zip(row["input_ids"], roles, strict=True) if role == wanted]


def expected(folder, tokenizer, row, meta):
    """Return what has loss of the new code's tokens, by git's diff of what the row shows."""
    ids = of_role(row, meta, "new")
    sides = [tokenizer.decode(of_role(row, meta, role), skip_special_tokens=False)
             for role in ("old", "new")]  # fmt: skip
    for name, text in zip(("old", "new"), sides, strict=True):
        (folder / name).write_bytes(text.encode())
    command = ["git", "diff", "--no-index", "-U0", "--text", "old", "new"]
    diff = subprocess.run(command, cwd=folder, capture_output=True, check=False).stdout.decode()
    starts = [len(tokenizer.decode(ids[:n], skip_special_tokens=False)) for n in range(len(ids))]
    has_loss = [False] * len(ids)
    for first, n in HUNK.findall(diff):
        lines = sides[1].splitlines(keepends=True)
        added = int(n) if n else 1
        begin = len("".join(lines[: int(first) - bool(added)]))
        end = begin + len("".join(lines[int(first) - 1 : int(first) - 1 + added]))
        inside = [i for i, at in enumerate(starts) if begin <= at < end]
        behind = [i for i, at in enumerate(starts) if at >= begin][:1]
        for i in inside if added else behind:
            has_loss[i] = True
    return has_loss


def test_loss_is_where_git_says_that_lines_were_added_or_removed(run, tmp_path):
    out, manifest, rows = run(labels="changed")
    tokenizer = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
    n_partly = 0
    for _, row, meta in rows:
        n_new = meta["n_tokens"]["new"]
        first = meta["n_tokens"]["total"] - n_new - 1
        has_loss = [label != -100 for label in row["labels"]]
        assert has_loss[:first] == [False] * first
        assert has_loss[-1]
        assert has_loss[first:-1] == expected(tmp_path, tokenizer, row, meta)
        n_partly += 1 < sum(has_loss) < n_new
    assert n_partly > 10
    assert manifest["libraries"]["git"].startswith("git version")
    assert "only on what the edit changes" in (out / "README.md").read_text("utf-8")
    counted = sum(manifest["counts"]["learned_tokens"].values())
    assert counted == sum(len(target(row)) for _, row, _ in rows)


def test_rows_are_those_of_labels_target_but_for_the_labels(run):
    _, _, changed = run(labels="changed")
    _, manifest, whole = run()
    assert [(row["input_ids"], meta) for _, row, meta in changed] == [
        (row["input_ids"], meta) for _, row, meta in whole
    ]
    assert "git" not in manifest["libraries"]


def test_a_no_op_edit_has_loss_on_the_end_token_alone(run):
    _, _, rows = run(labels="changed", no_edit=0.3)
    no_ops = [row for _, row, meta in rows if meta["change"] == "none"]
    assert no_ops
    assert all(target(row) == row["input_ids"][-1:] for row in no_ops)


@pytest.mark.parametrize("labels", ["target", "changed", "all"])
def test_a_model_is_asked_the_same_whatever_has_loss(run, labels):
    out, _, _ = run(labels=labels)
    texts, _, _ = run(columns="both")
    edits = read_prompts(out, "train").edits
    asked = {prompt.id: prompt.text for prompts in edits for prompt in prompts}
    wanted = {row["id"]: row["prompt"] for row in read_lines(texts / "train.text.jsonl")}
    assert wanted
    assert wanted.items() <= asked.items()


@pytest.mark.parametrize("options", [{"kind": "fim"}, {"kind": "sequence"}, {"columns": "text"}])
def test_what_has_no_place_for_it_is_refused(tokenizer_file, options):
    with pytest.raises(ExportError, match=r"--labels changed|which tokens have loss"):
        ExportConfig(tokenizer=str(tokenizer_file), labels="changed", **options)
