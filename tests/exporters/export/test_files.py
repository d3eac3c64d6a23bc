"""The files of an export: the same bytes each time, whole or not there."""

import hashlib
import json
from pathlib import Path

import pytest

from rsidx.exporters import export as module
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")


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
