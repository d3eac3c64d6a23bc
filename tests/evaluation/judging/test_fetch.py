"""Crates are fetched once, with the network, and checks do without it."""

import gzip
import hashlib
import io
import json
import tarfile
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rsidx import CheckSettings, Evaluation
from rsidx.__main__ import main
from tests.conftest import read_lines
from tests.evaluation.conftest import MANIFEST

pytestmark = [pytest.mark.usefixtures("toolchain", "strict_sandbox"), pytest.mark.slow]
USE = "pub fn seven() -> u32 {\n    faraway::seven()\n}\n"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def registry(folder):
    """Serve a registry of crates with one crate, `faraway`; give its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    address = f"http://127.0.0.1:{server.server_address[1]}"
    crate = _crate()
    (folder / "crates").mkdir(parents=True)
    (folder / "crates" / "faraway-1.0.0.crate").write_bytes(crate)
    (folder / "index" / "fa" / "ra").mkdir(parents=True)
    config = {"dl": f"{address}/crates/{{crate}}-{{version}}.crate"}
    (folder / "index" / "config.json").write_text(json.dumps(config))
    line = {
        "name": "faraway", "vers": "1.0.0", "deps": [], "features": {}, "yanked": False,
        "cksum": hashlib.sha256(crate).hexdigest(),
    }  # fmt: skip
    (folder / "index" / "fa" / "ra" / "faraway").write_text(json.dumps(line) + "\n")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"sparse+{address}/index/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _crate():
    files = {
        "Cargo.toml": '[package]\nname = "faraway"\nversion = "1.0.0"\nedition = "2021"\n',
        "src/lib.rs": "pub fn seven() -> u32 { 7 }\n",
    }
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"faraway-1.0.0/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(content.getvalue())


def test_crates_are_there_for_checks_once_they_were_fetched(
    repo, make_export, predict, tmp_path, capfd
):
    manifest = MANIFEST + '[dependencies]\nfaraway = "1"\n'
    commit = repo.commit("begin", {"Cargo.toml": manifest, "src/lib.rs": USE})
    export = make_export(repo)
    row = export.add(commit, "src/lib.rs", USE, None, symbol="seven")
    answers = predict((row, USE), (row, USE.replace("seven()\n", "eight()\n"), {"sample": 1}))
    home = tmp_path / "cargo"
    home.mkdir()
    run = Evaluation(export.folder, repo.path, settings=CheckSettings(cargo_home=home))
    with registry(tmp_path / "registry") as address:
        (home / "config.toml").write_text(
            f'[source.crates-io]\nreplace-with = "here"\n[source.here]\nregistry = "{address}"\n'
        )
        # Checks do not fetch, though they could reach the registry.
        run.check(answers, tmp_path / "before", jobs=1)
        arguments = ["eval", "fetch", str(export.folder), "--cargo-home", str(home)]
        assert main([*arguments, "-C", str(repo.path)]) == 0
        assert "fetched for 1 commit" in capfd.readouterr().out
        assert run.fetch().n_fetched == 1
        # What cannot be fetched is named.
        repo.commit("more", {"Cargo.toml": manifest + 'nowhere = "1"\n'})
        export.add(repo.head(), "src/lib.rs", USE, None)
        assert main([*arguments, "-C", str(repo.path)]) == 0
        said = capfd.readouterr().out
        assert "1 failed: error: no matching package named `nowhere` found" in said
        assert "fetched for 1 commit" in said
    run.check(answers, tmp_path / "after", jobs=1)
    before, after = (
        [
            (line["verdict"], line["reason"])
            for line in read_lines(tmp_path / name / "verdicts.jsonl")
        ]
        for name in ("before", "after")
    )
    assert before == [("not_scorable", "dependencies")] * 2
    assert [verdict for verdict, _ in after] == ["compiles", "error"]
