"""What is said of an edit and of an answer to it: the lines of a result."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

VERDICTS = (
    "compiles",
    "error",
    "no_answer",
    "cut_off",
    "not_applied",
    "not_the_symbol",
    "timeout",
    "not_scorable",
)
NOT_SCORABLE = {
    "part_missing": "the edit is asked for in several parts, of which the data set lacks some",
    "deletion": "the commit only removes the code",
    "no_package": "the file is in no cargo package",
    "dependencies": "crates cannot be had without the network",
    "lock": "the commit's Cargo.lock does not fit its manifests",
    "does_not_build": "the commit itself does not build",
    "build_timeout": "the commit itself takes too long to build",
    "not_compiled": "no check compiles the code",
    "statement_not_compiled": "a check compiles the item, but not the statement that changes",
}
"""Why an edit cannot be judged, by reason."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known of an edit before any answer.

    `reason` says why it is not scorable, empty where it is; `said` quotes what was in the way.
    `check` is the command that compiles it, `lock` whether Cargo.lock is the commit's own. `lines`
    are those of the commit's code. `floor` has the verdicts of code that nobody had to write: the
    `old` code left in place.
    """

    reason: str
    said: str
    check: str
    lock: str
    lines: int
    build_s: float
    floor: Mapping[str, str]

    @property
    def is_scorable(self) -> bool:
        """Whether answers can be judged."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an answer.

    `error_class`, `phase` and `where` are those of the error that counts, empty without one.
    `keeps_attributes` tells whether the attributes and documentation that the commit keeps are
    kept; None where there are none. `code` is what was judged in the place of the commit's own,
    None where nothing was, or too much; `errors` is what a model is told of it, by the rule of
    `rsidx.evaluation.compiler.feedback`. Both are without secrets: `is_redacted` where they had
    some.
    """

    verdict: str
    error_class: str = ""
    phase: str = ""
    where: str = ""
    reason: str = ""
    seconds: float = 0.0
    is_exact: bool = False
    keeps_attributes: bool | None = None
    code: str | None = None
    errors: str = ""
    is_redacted: bool = False

    def line(self) -> dict[str, Any]:
        """Return the verdict as a line of a result has it."""
        found = asdict(self)
        found["class"] = found.pop("error_class")
        return found


NOT_SCORED = Verdict("not_scorable")
