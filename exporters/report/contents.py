"""What a report shows, read from an export's own files."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.reader import read_metas, read_rows, readable
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.splits.split import SPLITS


@dataclass(frozen=True, slots=True)
class Sample:
    """A row with its text, in runs of a role."""

    split: str
    number: int
    meta: dict[str, Any]
    runs: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Collected:
    """A data set as a report shows it.

    `examples` and `tokens` are by split and month (`2024-03`), `lengths` the tokens of each row
    by split. `coverage` has for each row with context the share of its excerpts that it shows.
    """

    manifest: dict[str, Any]
    examples: dict[str, Counter[str]] = field(default_factory=dict)
    tokens: dict[str, Counter[str]] = field(default_factory=dict)
    lengths: dict[str, list[int]] = field(default_factory=dict)
    coverage: list[float] = field(default_factory=list)
    n_without_context: int = 0
    paths: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)


def collect(out: Path, n_samples: int) -> Collected:
    """Read an export; `n_samples` rows are taken at equal distances from all splits.

    Raises ExportError where `out` is no export that can be read.
    """
    manifest = read_manifest(out)
    with readable(out):
        folder = out / "tokenizer"
        encoder = Encoder(load(str(folder)), source=str(folder))
        found = Collected(manifest)
        total = max(1, sum(manifest["counts"]["examples"].values()))
        for split in SPLITS:
            n_rows = manifest["counts"]["examples"][split]
            wanted = min(n_rows, max(1, n_samples * n_rows // total)) if n_samples else 0
            step = n_rows / wanted if wanted else 0
            chosen = {int(index * step) for index in range(wanted)}
            _collect_split(found, out, split, chosen, encoder)
        return found


def _collect_split(
    found: Collected, out: Path, split: str, chosen: set[int], encoder: Encoder
) -> None:
    examples: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    lengths: list[int] = []
    rows = iter(read_rows(out, split, found.manifest["config"]["format"]))
    for index, meta in enumerate(read_metas(out, split)):
        row = next(rows)
        month = meta["time"][:7]
        n_tokens = meta["n_tokens"]["total"]
        examples[month] += 1
        tokens[month] += n_tokens
        lengths.append(n_tokens)
        found.paths[meta["path"]] += 1
        n_shown, n_left = len(meta["context"]), meta["n_excerpts_left_out"]
        if n_shown + n_left:
            found.coverage.append(n_shown / (n_shown + n_left))
        else:
            found.n_without_context += 1
        if index in chosen:
            if "messages" in row:
                question, answer = (message["content"] for message in row["messages"])
                runs: tuple[tuple[str, str], ...] = (("prompt", question), ("new", answer))
            elif "completion" in row:
                runs = (("prompt", row["prompt"]), ("new", row["completion"]))
            else:
                runs = tuple(_runs(row["input_ids"], meta, encoder))
            found.samples.append(Sample(split, index + 1, meta, runs))
    found.examples[split], found.tokens[split], found.lengths[split] = examples, tokens, lengths


def _runs(ids: list[int], meta: dict[str, Any], encoder: Encoder) -> Iterator[tuple[str, str]]:
    start = 0
    for role, n in meta["roles"]:
        yield role, encoder.decode(ids[start : start + n])
        start += n
