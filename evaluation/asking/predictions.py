"""What a model answered: JSON lines with `id`, `completion` and `sample`."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rsidx.errors import EvaluationError

_DIGEST = 8


@dataclass(frozen=True, slots=True)
class Prediction:
    """A model's answer to a row; `is_cut_off` where it ended because of its length."""

    id: str
    sample: int
    completion: str
    is_cut_off: bool = False

    @property
    def digest(self) -> str:
        """What tells the answer from another."""
        text = f"{self.is_cut_off}\0{self.completion}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, digest_size=_DIGEST).hexdigest()


def read_predictions(file: Path) -> dict[tuple[str, int], Prediction]:
    """Return the answers by row and sample.

    A line has `id`, `completion`, and if they are not 0 and `stop`, `sample` and `finish_reason`.
    Raises EvaluationError for a line that is none, and for a row that is answered twice.
    """
    found: dict[tuple[str, int], Prediction] = {}
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            prediction = _prediction(line, f"{file}:{number}")
            key = prediction.id, prediction.sample
            if key in found:
                raise EvaluationError(
                    f"{file}:{number}: {prediction.id} has another sample {prediction.sample}"
                )
            found[key] = prediction
    return found


def _prediction(line: bytes, where: str) -> Prediction:
    try:
        given: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"{where}: no JSON: {error}") from error
    if not isinstance(given, dict):
        raise EvaluationError(f"{where}: no object with id, completion and sample")
    row, completion, sample = given.get("id"), given.get("completion"), given.get("sample", 0)
    if not isinstance(row, str) or not isinstance(completion, str):
        raise EvaluationError(f"{where}: id and completion must be texts")
    if type(sample) is not int or sample < 0:
        raise EvaluationError(f"{where}: sample must be a whole number from 0")
    return Prediction(row, sample, completion, given.get("finish_reason") == "length")
