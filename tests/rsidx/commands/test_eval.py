"""`rsidx eval` from an export to its figures."""

import json

import pytest

from tests.evaluation.conftest import MANIFEST, any_sandbox, toolchain  # noqa: F401
from tests.evaluation.exports import predictions

BODY = "pub fn scale(x: u32) -> u32 {\n    let scaled = x * %d;\n    scaled + %d\n}\n"

pytestmark = [pytest.mark.usefixtures("toolchain", "any_sandbox"), pytest.mark.slow]


@pytest.fixture
def exported(repo, cli, tmp_path, tokenizer_file, monkeypatch):
    """A data set of a crate, all of it in test but what an export needs in front."""
    monkeypatch.setattr(type(repo), "padding", ", in more words than a few")
    for number in range(12):
        code = BODY % (number + 2, number * 3)
        repo.commit(f"Scale by {number + 2}", {"Cargo.toml": MANIFEST, "src/lib.rs": code})
    cli("backfill")
    out = tmp_path / "data"
    kept = [
        word for name in ("near_duplicates", "duplicates", "related") for word in ("--keep", name)
    ]
    splits = ["--split", "0.4,0,0.6", "--embargo", "0"]
    cli("export", out, "--tokenizer", tokenizer_file, "--columns", "both", *splits, *kept)
    rows = [json.loads(line) for line in (out / "test.text.jsonl").read_text().splitlines()]
    return out, rows


def test_answers_are_judged_and_reported(exported, cli, tmp_path):
    out, rows = exported
    good = [(row["id"], row["completion"]) for row in rows]
    bad = [(row, text.replace("scaled +", "scald +"), {"sample": 1}) for row, text in good]
    file = predictions(tmp_path / "answers.jsonl", *good, *bad)
    result = tmp_path / "result"
    said = cli("eval", "check", out, file, "--to", result, "--jobs", "1").out
    assert f"{result}: {2 * len(rows)} new verdicts" in said
    shown = json.loads(cli("eval", "report", result, "--json").out)
    assert shown["n_scorable"] == len(rows) > 2
    assert shown["verdicts"] == {"compiles": len(rows), "error": len(rows)}
    assert shown["classes"] == {"names": len(rows)}
    assert shown["n_exact"] == len(rows)
    text = cli("eval", "report", result).out
    assert "all edits" in text
    assert "sandbox: " in text
    # Half of it was learned, if one believes --trained-on: train is not related to test here.
    learned = json.loads(cli("eval", "report", result, "--json", "--trained-on", out).out)
    assert learned["n_scorable"] + sum(learned["left_out"].values()) == len(rows)
    paired = json.loads(cli("eval", "compare", result, result, "--json").out)
    # Of two samples one compiles.
    assert (paired["neither"], paired["both"]) == (len(rows), 0)
    assert "second less first" in cli("eval", "compare", result, result).out
    page = tmp_path / "page.html"
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    cli("report", out, "--to", page, "--result", result)
    section = page.read_text("utf-8").partition("Answers that compile")[2]
    assert "all edits" in section
    assert "50%" in section
    cli("report", out, "--to", tmp_path / "without.html")
    assert "Answers that compile" not in (tmp_path / "without.html").read_text("utf-8")
    header = json.loads((result / "result.json").read_text())
    (result / "result.json").write_text(json.dumps(header | {"export": "another"}))
    err = cli("report", out, "--to", page, "--result", result, status=1).err
    assert "is the result of another data set" in err
    (result / "result.json").write_text(json.dumps(header))
    assert "0 new verdicts" in cli("eval", "check", out, file, "--to", result, "--jobs", "1").out


def test_what_cannot_be_used_is_said_in_a_line(exported, cli, tmp_path):
    out, rows = exported
    file = predictions(tmp_path / "answers.jsonl", (rows[0]["id"], "x"))
    for options, says in (
        (["--check", "build"], "are no arguments of cargo check"),
        (["--check", "RUSTC=evil"], "sets RUSTC; only RUSTFLAGS can be set"),
        (["--check", "'"], "are no arguments of cargo check"),
    ):
        err = cli("eval", "check", out, file, "--to", tmp_path / "r", *options, status=1).err
        assert err.count("\n") == 1
        assert says in err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("mine")
    err = cli("eval", "check", out, file, "--to", tmp_path / "full", status=1).err
    assert "has files that are of no result" in err
    assert "is no result" in cli("eval", "report", tmp_path / "full", status=1).err
