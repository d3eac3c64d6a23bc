import os
import shutil
import subprocess

import pytest

from rsidx.evaluation.sandbox import sandbox
from rsidx.evaluation.sandbox.confine import landlock_version
from tests.evaluation.exports import Export, predictions
from tests.repositories import Repo


def _sysroot():
    """Ask before a test has a home of its own, where rustup would find no toolchain."""
    if shutil.which("cargo") is None or shutil.which("rustc") is None:
        return None
    done = subprocess.run(
        ["rustc", "--print", "sysroot"], capture_output=True, check=False, text=True
    )
    return done.stdout.strip() if done.returncode == 0 else None


SYSROOT = _sysroot()
HAS_BUBBLEWRAP = sandbox._bubblewrap() is not None

MANIFEST = '[package]\nname = "crate-of-a-test"\nversion = "0.1.0"\nedition = "2021"\n'
OLD = "pub fn twice(x: u32) -> u32 {\n    x + x\n}\n"
NEW = "pub fn twice(x: u32) -> u32 {\n    let y = x;\n    y * 2\n}\n"
REST = "\npub fn caller() -> u32 {\n    twice(1)\n}\n"


@pytest.fixture
def toolchain(monkeypatch):
    """The machine's own toolchain, which a home of the test's own hides."""
    if SYSROOT is None:
        pytest.skip("cargo and rustc are not installed")
    monkeypatch.setenv("PATH", f"{SYSROOT}/bin{os.pathsep}{os.environ['PATH']}")


@pytest.fixture(params=["bubblewrap", "landlock", "none"])
def each_sandbox(request):
    """Each sandbox in turn."""
    if request.param == "bubblewrap":
        if not HAS_BUBBLEWRAP:
            pytest.skip("bubblewrap is not installed, or does not work here")
        return sandbox.choose(no_sandbox=False)
    if request.param == "landlock" and not landlock_version():
        pytest.skip("the kernel has no Landlock")
    return sandbox.Confined(is_restricted=request.param == "landlock")


@pytest.fixture(params=["bubblewrap", "landlock"])
def strict_sandbox(request):
    """Each sandbox that keeps programs from files, used where one is chosen."""
    if request.param == "bubblewrap" and not HAS_BUBBLEWRAP:
        pytest.skip("bubblewrap is not installed, or does not work here")
    if request.param == "landlock":
        if not landlock_version():
            pytest.skip("the kernel has no Landlock")
        request.getfixturevalue("monkeypatch").setattr(sandbox, "_bubblewrap", lambda: None)
    return request.param


@pytest.fixture
def any_sandbox():
    """Whichever sandbox there is."""
    if not HAS_BUBBLEWRAP and not landlock_version():
        pytest.skip("there is neither bubblewrap nor Landlock")


@pytest.fixture(scope="session")
def crate(tmp_path_factory):
    """A crate of two commits: the second changes a function that another one calls."""
    repo = Repo(tmp_path_factory.mktemp("crate") / "repo")
    lock = 'version = 4\n\n[[package]]\nname = "crate-of-a-test"\nversion = "0.1.0"\n'
    files = {"Cargo.toml": MANIFEST, "Cargo.lock": lock, ".gitignore": "/target\n"}
    repo.commit("Add a function and its caller", {"src/lib.rs": OLD + REST, **files})
    repo.commit("Double without adding", {"src/lib.rs": NEW + REST})
    return repo


@pytest.fixture
def make_export(tmp_path):
    return lambda repo, **options: Export(tmp_path / "out", repo, **options)


@pytest.fixture
def predict(tmp_path):
    return lambda *lines: predictions(tmp_path / "predictions.jsonl", *lines)
