"""The report's page: one file, without a network, from nothing but an export's own files."""

import os
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from rsidx.errors import ExportError
from rsidx.exporters.dedup.leakage import REASONS
from rsidx.exporters.report.audit import Audit
from rsidx.exporters.report.contents import Collected, Sample, collect
from rsidx.exporters.splits.split import SPLITS
from rsidx.files import put

_N_REPOSITORIES = 200
_N_PATHS = 20
_CODE = frozenset({"context", "old", "lead", "new", "prefix", "suffix"})
_LABELS = {"old": "old code", "new": "new code (with loss)", "lead": "up to here (no loss)"}
"""What a run of tokens is called, where that is not its role."""
_MARK = b'<meta name="generator" content="rsidx report">'
"""Is in the head of every report; a file that has it may be replaced by another report."""
_HEAD_BYTES = 1024


def write_report(
    out: Path,
    to: Path,
    *,
    n_samples: int,
    faults: Callable[[], Audit],
    judged: Mapping[str, Any] | None = None,
) -> None:
    """Write the report of an export to a file; `faults` counts them once the page can be written.

    `judged` are the figures of a model's answers, the fields of `rsidx.EvaluationReport`. Only
    another report is overwritten. Raises ExportError if `to` is any other file or cannot be
    written, if `out` is not an export, and if the libraries for a report are missing.
    """
    to = to.resolve()
    if to.is_relative_to(out.resolve()):
        raise ExportError(f"{to} is inside the data set; a report goes beside it")
    _check(to)
    try:
        import jinja2  # noqa: PLC0415  (an extra)
        import matplotlib  # noqa: F401, PLC0415
    except ImportError as error:
        raise ExportError(
            f"a report needs {error.name}; pip install 'rsidx[report]' brings it"
        ) from error
    found = collect(out, n_samples)
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    source = resources.files("rsidx.exporters.report").joinpath("page.html").read_text("utf-8")
    page = environment.from_string(source).render(**_values(found), audit=faults(), judged=judged)
    try:
        put(to, page.encode(), lambda: _check(to))
    except OSError as error:
        raise ExportError(f"cannot write {to}: {error.strerror}") from error


def _check(to: Path) -> None:
    """Raise ExportError for a file that is neither a report nor empty."""
    try:
        if not os.path.lexists(to):
            return
        head = b""
        if to.is_file():
            with to.open("rb") as file:
                head = file.read(_HEAD_BYTES)
            if not head:
                return
    except OSError as error:
        raise ExportError(f"cannot write {to}: {error.strerror}") from error
    if _MARK not in head:
        raise ExportError(f"{to} is not a report by rsidx; name another file")


def _values(found: Collected) -> dict[str, Any]:
    from markupsafe import Markup  # noqa: PLC0415  (comes with jinja2)

    from rsidx.exporters.report import charts  # noqa: PLC0415

    manifest = found.manifest
    counts = manifest["counts"]
    limit = max(
        [manifest["config"]["max_tokens"], *(max(n, default=0) for n in found.lengths.values())]
    )
    return {
        "manifest": manifest,
        "counts": counts,
        "repositories": _largest(manifest.get("repositories", {})),
        "splits": SPLITS,
        "colours": charts.COLOURS,
        "charts": [
            ("Examples over time", Markup(charts.over_time(found.examples, "examples"))),
            ("Tokens over time", Markup(charts.over_time(found.tokens, "tokens"))),
            ("Length of the examples", Markup(charts.lengths(found.lengths, limit))),
            ("Context that is shown", Markup(charts.coverage(found.coverage))),
        ],
        "tables": [
            ("Left out, by reason", _shares(manifest["dropped"])),
            ("Changes, by split", _shares(counts["examples_by_change"])),
            ("Rules that resolved what is shown", _shares(counts["excerpts_by_rule"])),
            ("References and what came of them", _shares(counts["references"])),
            (
                f"The {_N_PATHS} paths with most examples",
                _shares(dict(found.paths.most_common(_N_PATHS))),
            ),
            ("Kinds of code", _shares(counts["examples_by_kind"])),
        ],
        "n_without_context": found.n_without_context,
        "leaks": [_leak(manifest["relations"], reason) for reason in REASONS],
        "samples": [_shown(sample) for sample in found.samples],
        "changes": sorted({sample.meta["change"] for sample in found.samples}),
        "kinds": sorted({sample.meta["kind"] for sample in found.samples}),
        "highlight": Markup(_styles()),
    }


def _largest(repositories: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the repositories of a data set of many that have most rows."""
    by_rows = sorted(
        repositories.items(), key=lambda one: (-sum(one[1]["examples"].values()), one[0])
    )
    return by_rows[:_N_REPOSITORIES]


def _shares(rows: dict[str, int]) -> list[tuple[str, int, float]]:
    """Return name, number, and its share of the largest, largest first."""
    largest = max(rows.values(), default=1) or 1
    ordered = sorted(rows.items(), key=lambda row: (-row[1], row[0]))
    return [(name, n, round(100 * n / largest, 1)) for name, n in ordered]


def _leak(relations: dict[str, Any], reason: str) -> dict[str, Any]:
    left = relations["left_out"]
    return {
        "reason": reason,
        "val": left.get(f"val/{reason}", 0),
        "test": left.get(f"test/{reason}", 0),
        "across": relations["across_splits"].get(reason),
    }


def _shown(sample: Sample) -> dict[str, Any]:
    """Return a row's runs in the order in which the model sees them."""
    return {
        "split": sample.split,
        "number": sample.number,
        "meta": sample.meta,
        "runs": [
            (role, _LABELS.get(role, role), _highlighted(text) if role in _CODE else text)
            for role, text in sample.runs
            if text
        ],
    }


def _highlighted(text: str) -> Any:
    from markupsafe import Markup  # noqa: PLC0415
    from pygments import highlight  # noqa: PLC0415  (comes with rich)
    from pygments.formatters import HtmlFormatter  # noqa: PLC0415
    from pygments.lexers import RustLexer  # noqa: PLC0415

    lexer = RustLexer(stripnl=False, ensurenl=False)
    marked = highlight(text, lexer, HtmlFormatter(nowrap=True))
    # The formatter adds a final line break.
    return Markup(marked if text.endswith("\n") else marked.removesuffix("\n"))


def _styles() -> str:
    from pygments.formatters import HtmlFormatter  # noqa: PLC0415

    light = HtmlFormatter(style="friendly").get_style_defs("pre")
    dark = HtmlFormatter(style="github-dark").get_style_defs("pre")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}"
