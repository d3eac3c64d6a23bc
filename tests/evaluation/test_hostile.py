"""A repository and answers that mean harm get nothing done outside of the sandbox."""

import os
import socket
import stat

import pytest

from rsidx import CheckSettings, Evaluation
from tests.conftest import read_lines
from tests.evaluation.conftest import MANIFEST, NEW, OLD
from tests.evaluation.sandbox.test_sandbox import processes

pytestmark = [pytest.mark.usefixtures("toolchain"), pytest.mark.slow]
SECRET = "a secret of the user's"

ATTACK = r"""
fn attack(who: &str) {
    use std::io::Write;
    let home = std::path::Path::new("@HOME@");
    let mut done = String::new();
    let mut note = |what: &str, ok: bool| if ok { done += &format!("{} ", what) };
    note("read", std::fs::read(home.join("secret")).is_ok());
    note("list", std::fs::read_dir(home).is_ok());
    note("write", std::fs::write(home.join("victim"), "bad").is_ok());
    note("create", std::fs::write(home.join(format!("made-by-{}", who)), "bad").is_ok());
    note("source", std::fs::write("@SOURCE@src/made.rs", "bad").is_ok());
    note("connect", std::net::TcpStream::connect("127.0.0.1:@PORT@").is_ok());
    note("token", std::env::var("API_TOKEN").is_ok());
    if let Ok(cargo) = std::env::var("CARGO_HOME") {
        note("cargo", std::fs::write(format!("{}/config.toml", cargo), "bad").is_ok());
    }
    let _ = std::process::Command::new("setsid").args(["sleep", "@MARK@"])
        .stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null()).spawn();
    let target = std::env::var("CARGO_TARGET_DIR").unwrap();
    let file = std::fs::OpenOptions::new().create(true).append(true)
        .open(format!("{}/report-of-{}", target, who));
    let _ = writeln!(file.unwrap(), "done: {}", done);
}
"""
BUILD = 'fn main() {\n    attack("build");\n}\n'
POISON = 'std::fs::write(std::env::var("CARGO_TARGET_DIR").unwrap() + "/poison", "").unwrap();'
MACRO = """
use proc_macro::TokenStream;

#[proc_macro]
pub fn evil(input: TokenStream) -> TokenStream {
    attack("macro");
    input
}
"""
CONFIG = """
[build]
rustc = "/bin/false"
rustc-wrapper = "/bin/false"
rustc-workspace-wrapper = "/bin/false"
target-dir = "@HOME@/elsewhere"
[target.x86_64-unknown-linux-gnu]
runner = "/bin/false"
"""


@pytest.fixture
def home(tmp_path):
    folder = tmp_path / "user"
    folder.mkdir()
    (folder / "secret").write_text(SECRET)
    (folder / "victim").write_text("safe")
    return folder


@pytest.fixture
def mark():
    return f"76543.{os.getpid()}"


@pytest.fixture
def hostile(repo, home, mark, monkeypatch):
    """A workspace whose build script, macro and settings attack."""
    monkeypatch.setenv("API_TOKEN", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def filled(text, source=""):
            values = {"HOME": home, "PORT": port, "MARK": mark, "SOURCE": source}
            for name, value in values.items():
                text = text.replace(f"@{name}@", str(value))
            return text

        dependency = '[dependencies]\nevil = { path = "evil" }\n[workspace]\nmembers = ["evil"]\n'
        library = "evil::evil! { pub fn given() {} }\n"
        evil = MANIFEST.replace("crate-of-a-test", "evil") + "[lib]\nproc-macro = true\n"
        common = {
            "Cargo.toml": MANIFEST + dependency,
            "build.rs": BUILD + filled(ATTACK),
            "evil/Cargo.toml": evil,
            "evil/src/lib.rs": MACRO + filled(ATTACK, "evil/"),
            ".cargo/config.toml": filled(CONFIG),
            "rust-toolchain.toml": '[toolchain]\nchannel = "1.0.0-of-nowhere"\n',
        }
        repo.commit("Begin", {**common, "src/lib.rs": library + OLD})
        repo.commit("Change", {"src/lib.rs": library + NEW})
        yield repo


@pytest.fixture
def judged(tmp_path, predict):
    """Judge answers to a row; return the verdicts, and the folder of the worker."""

    def judge(export, row, *answers):
        lines = [(row, text, {"sample": number}) for number, text in enumerate(answers)]
        run = Evaluation(export.folder, export.repo.path, settings=CheckSettings())
        run.check(predict(*lines), tmp_path / "result", jobs=1)
        found = read_lines(tmp_path / "result" / "verdicts.jsonl")
        return found, tmp_path / "out.eval" / "workers" / "0"

    return judge


def left_in(home):
    return sorted(path.name for path in home.iterdir())


@pytest.mark.usefixtures("strict_sandbox")
def test_build_scripts_macros_and_settings_of_a_repository_get_nothing_done(
    hostile, home, mark, make_export, judged
):
    export = make_export(hostile)
    row = export.add(hostile.head(), "src/lib.rs", NEW, OLD, symbol="twice")
    [verdict], worker = judged(export, row, NEW)
    # Everything ran: the code compiles, with what the macro gave.
    assert verdict["verdict"] == "compiles"
    for who in ("build", "macro"):
        reports = (worker / "target" / f"report-of-{who}").read_text().splitlines()
        assert set(reports) == {"done: "}, who
    assert (home / "victim").read_text() == "safe"
    assert left_in(home) == ["secret", "victim"]
    assert processes(f"sleep\0{mark}") == []
    assert not (worker / "tree" / "src" / "made.rs").exists()


@pytest.mark.usefixtures("strict_sandbox")
def test_an_answer_reads_no_file_outside(crate, home, make_export, judged, tmp_path):
    export = make_export(crate)
    row = export.add(crate.head(), "src/lib.rs", NEW, OLD, symbol="twice")
    show = NEW + 'const _: () = panic!("{}", include_str!("%s"));\n'
    verdicts, _ = judged(export, row, show % (home / "secret"), show % "/etc/passwd")
    assert [one["verdict"] for one in verdicts] == ["error", "error"]
    assert all("couldn't read" in one["reason"] for one in verdicts)
    written = "".join(
        path.read_text("utf-8", "replace")
        for folder in ("result", "out.eval")
        for path in (tmp_path / folder).rglob("*.jsonl")
    )
    assert SECRET not in written
    assert "root:" not in written


@pytest.mark.usefixtures("strict_sandbox")
def test_an_answer_in_a_build_script_leaves_nothing_behind(
    hostile, home, mark, make_export, judged
):
    export = make_export(hostile)
    row = export.add(hostile.head(), "build.rs", BUILD, None, symbol="main", change="modify")
    poison = BUILD.replace("attack", f"{POISON}\n    attack")
    [verdict], worker = judged(export, row, poison)
    assert verdict["verdict"] == "compiles"
    assert not (worker / "target" / "poison").exists()
    assert not (worker / "target-copy").exists()
    assert left_in(home) == ["secret", "victim"]
    assert processes(f"sleep\0{mark}") == []


def test_the_attack_is_one_where_nothing_keeps_it_back(
    hostile, home, make_export, predict, tmp_path
):
    """Without a sandbox the same repository does what it likes, so the others mean something."""
    export = make_export(hostile)
    row = export.add(hostile.head(), "src/lib.rs", NEW, OLD, symbol="twice")
    settings = CheckSettings(no_sandbox=True)
    run = Evaluation(export.folder, hostile.path, settings=settings)
    run.check(predict((row, NEW)), tmp_path / "result", jobs=1)
    report = tmp_path / "out.eval" / "workers" / "0" / "target" / "report-of-build"
    done = set(report.read_text().split()) - {"done:"}
    assert {"read", "list", "write", "create", "source", "connect"} <= done
    # What is cleared is cleared everywhere.
    assert "token" not in done
    assert stat.S_ISREG((home / "victim").stat().st_mode)
    assert (home / "victim").read_text() == "bad"
