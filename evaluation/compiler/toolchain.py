"""The Rust toolchain that checks run with, whatever a repository asks for."""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rsidx.errors import EvaluationError

_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A rustc and its cargo.

    They are the programs themselves: rustup's proxies would do what a repository's
    `rust-toolchain.toml` says. `folder` holds both; `version` is what `rustc -vV` prints.
    """

    folder: Path
    rustc: Path
    cargo: Path
    version: str

    @property
    def release(self) -> str:
        """The first line of the version, as in `rustc 1.95.0 (59807616e 2026-04-14)`."""
        return self.version.splitlines()[0]


def find_toolchain() -> Toolchain:
    """Return the toolchain of the user's own settings; raises EvaluationError without one.

    Rustup's RUSTUP_TOOLCHAIN chooses another.
    """
    folder = Path(_output("rustc", "--print", "sysroot"))
    rustc = folder / "bin" / "rustc"
    beside = folder / "bin" / "cargo"
    found = beside if beside.exists() else shutil.which("cargo")
    if found is None or not rustc.exists():
        raise EvaluationError(f"the Rust toolchain in {folder} has no rustc or no cargo")
    cargo = Path(found).resolve() if found != beside else beside
    return Toolchain(folder, rustc, cargo, _output(str(rustc), "-vV"))


def _output(*command: str) -> str:
    try:
        # In a folder of its own: a toolchain file where we are would decide.
        with tempfile.TemporaryDirectory(prefix="rsidx-") as neutral:
            done = subprocess.run(
                command, cwd=neutral, capture_output=True, check=True, text=True,
                timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL,
            )  # fmt: skip
    except FileNotFoundError as error:
        raise EvaluationError("rustc is not installed, or not on the PATH") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise EvaluationError(f"{' '.join(command)} failed: {error}") from error
    return done.stdout.strip()
