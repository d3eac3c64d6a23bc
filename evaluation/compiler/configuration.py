"""What is checked and how: the commands of `cargo check`, and the rules of a run."""

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path

from rsidx.errors import EvaluationError

_CHOOSE_PACKAGES = frozenset({"-p", "--package", "--workspace", "--all", "--manifest-path"})
_VARIABLES = frozenset({"RUSTFLAGS"})
DEFAULT_CHECKS = ("", "--tests")
"""The library and the programs of the file's package; then its tests."""


@dataclass(frozen=True, slots=True)
class CheckCommand:
    """A `cargo check`: its arguments, and RUSTFLAGS if that is set.

    Without an argument that chooses packages, the package of the edited file is checked.
    """

    arguments: tuple[str, ...]
    rustflags: str | None = None

    @classmethod
    def of(cls, text: str) -> "CheckCommand":
        """Read a command as a shell would: arguments, and before them `RUSTFLAGS=...`.

        Raises EvaluationError for what is no such command.
        """
        try:
            words = shlex.split(text)
        except ValueError as error:
            raise EvaluationError(f"{text!r} are no arguments of cargo check: {error}") from error
        rustflags = None
        while words and "=" in words[0] and not words[0].startswith("-"):
            name, _, value = words.pop(0).partition("=")
            if name not in _VARIABLES:
                raise EvaluationError(f"{text!r} sets {name}; only RUSTFLAGS can be set")
            rustflags = value
        if words and not words[0].startswith("-"):
            raise EvaluationError(
                f"{text!r} are no arguments of cargo check: give its options only"
            )
        return cls(tuple(words), rustflags)

    @property
    def chooses_packages(self) -> bool:
        """Whether the command says which packages to check."""
        return any(word.partition("=")[0] in _CHOOSE_PACKAGES for word in self.arguments)

    @property
    def text(self) -> str:
        """The command as a person reads it."""
        front = [f"RUSTFLAGS={shlex.quote(self.rustflags)}"] if self.rustflags is not None else []
        return " ".join([*front, "cargo check", *map(shlex.quote, self.arguments)])


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """How a run checks.

    `checks` are the commands; an edit goes to the first that compiles it. `cargo_home` has crates
    for a check without the network, and a configuration that may name other places for them.
    `unlocked` leaves Cargo.lock aside. `timeout_s` is for building a commit; an answer may take
    five times what its commit took, or a minute.
    """

    checks: tuple[str, ...] = DEFAULT_CHECKS
    cargo_home: Path | None = None
    unlocked: bool = False
    no_sandbox: bool = False
    timeout_s: int = 600

    @property
    def commands(self) -> tuple[CheckCommand, ...]:
        """The commands; raises EvaluationError for what is none."""
        return tuple(CheckCommand.of(text) for text in self.checks or DEFAULT_CHECKS)


def digest(*parts: str | bytes) -> str:
    """Return a digest of texts, each apart from the others."""
    state = hashlib.sha256()
    for part in parts:
        content = part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part
        state.update(b"%d:" % len(content) + content)
    return state.hexdigest()
