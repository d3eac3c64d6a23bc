"""The gate is tested by code of which it is known what must come of it."""

import pytest

from rsidx import Evaluation
from rsidx.__main__ import main
from rsidx.evaluation.compiler import diagnostics
from rsidx.evaluation.judging.planted import FAULTS
from tests.conftest import read_lines
from tests.evaluation.conftest import NEW, OLD, REST

pytestmark = [pytest.mark.usefixtures("toolchain", "any_sandbox"), pytest.mark.slow]


@pytest.fixture
def export(crate, make_export):
    export = make_export(crate)
    export.add(crate.head(), "src/lib.rs", NEW, OLD, symbol="twice")
    export.add(crate.head(), "src/lib.rs", REST, None, symbol="caller")
    return export


def test_own_code_compiles_and_planted_faults_are_errors_of_their_class(export, tmp_path):
    found = Evaluation(export.folder, export.repo.path).selftest(tmp_path / "result", jobs=2)
    assert found.ok
    assert (found.n_edits, found.n_scorable) == (2, 2)
    planted = {name: counts for name, counts in found.probes.items() if name.startswith("planted")}
    expected = {f"planted {name}": {f"error {kind}": 2} for name, (_, kind) in FAULTS.items()}
    assert planted == expected
    assert found.probes["own"] == {"compiles": 2}
    assert found.probes["old"] == {"compiles": 2}
    assert found.probes["empty"] == {"not_the_symbol": 1, "compiles": 1}
    # Each of the functions has the body of the other.
    assert found.probes["other"] == {"compiles": 1, "error names": 1}


def test_an_interrupted_self_test_goes_on(export, tmp_path):
    run = Evaluation(export.folder, export.repo.path)
    found = run.selftest(tmp_path / "result", jobs=1)
    verdicts, edits = (tmp_path / "result" / name for name in ("verdicts.jsonl", "edits.jsonl"))
    before = sorted(str(line) for line in read_lines(verdicts))
    lines = verdicts.read_bytes().splitlines(keepends=True)
    verdicts.write_bytes(b"".join(lines[:15]) + lines[15][:30])
    edits.write_bytes(edits.read_bytes().splitlines(keepends=True)[0])
    assert run.selftest(tmp_path / "result", jobs=1) == found
    assert sorted(str(line) for line in read_lines(verdicts)) == before


def test_one_of_a_wrong_class_is_named(export, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(
        diagnostics, "class_of", lambda code, _message: "types" if code else "syntax"
    )
    arguments = ["eval", "selftest", str(export.folder), "--to", str(tmp_path / "result")]
    assert main([*arguments, "-C", str(export.repo.path), "--jobs", "1", "--edits", "1"]) == 10
    out = capfd.readouterr().out
    assert "planted borrows: error types" in out
    assert "that must not be" in out
