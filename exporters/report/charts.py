"""The report's charts, as SVG that takes the page's colour for what is neither line nor bar.

The only module that knows matplotlib.
"""

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rsidx.exporters.splits.split import SPLITS

COLOURS = {"train": "#4c78a8", "val": "#f58518", "test": "#54a24b"}
_INK = "#010203"
"""Stands for the page's colour, and is replaced by it."""
_SETTINGS: Any = {
    "svg.fonttype": "none",
    # Ids that are the same each time.
    "svg.hashsalt": "rsidx",
    "font.size": 9,
    "font.family": "sans-serif",
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}
_SIZE = re.compile(r' (?:width|height)="[^"]*"')
_N_BINS = 32
_MAX_MONTHS_LABELLED = 8


def over_time(by_split: Mapping[str, Counter[str]], what: str) -> str:
    """Return bars by month, the splits upon each other."""
    months = _months(sorted({month for counts in by_split.values() for month in counts}))
    with _figure() as (figure, axes):
        bottom = [0] * len(months)
        for split in SPLITS:
            values = [by_split[split][month] for month in months]
            axes.bar(range(len(months)), values, 0.9, bottom, color=COLOURS[split], label=split)
            bottom = [low + value for low, value in zip(bottom, values, strict=True)]
        step = max(1, len(months) // _MAX_MONTHS_LABELLED)
        axes.set_xticks(range(0, len(months), step), months[::step])
        axes.set_ylabel(what)
        axes.legend()
        return _svg(figure, f"{what} by split and month")


def lengths(by_split: Mapping[str, Sequence[int]], limit: int) -> str:
    """Return a histogram of the rows' tokens."""
    with _figure() as (figure, axes):
        values = [by_split[split] for split in SPLITS]
        bins = [limit * number / _N_BINS for number in range(_N_BINS + 1)]
        colours = [COLOURS[split] for split in SPLITS]
        axes.hist(values, bins, stacked=True, color=colours, label=list(SPLITS))
        axes.set_xlabel("tokens of an example")
        axes.set_ylabel("examples")
        axes.legend()
        return _svg(figure, "examples by their tokens")


def coverage(shares: Sequence[float]) -> str:
    """Return a histogram of how much of its context each row shows."""
    with _figure() as (figure, axes):
        bins = [number / 20 for number in range(21)]
        axes.hist([100 * share for share in shares], [100 * b for b in bins], color="#4c78a8")
        axes.set_xlabel("% of the excerpts that could be shown")
        axes.set_ylabel("examples")
        return _svg(figure, "examples by the share of their context that is shown")


def _months(found: list[str]) -> list[str]:
    """Return all months from the first to the last."""
    if not found:
        return []
    (year, month), last = (int(part) for part in found[0].split("-")), found[-1]
    months = [found[0]]
    while months[-1] < last:
        month += 1
        if month > 12:
            year, month = year + 1, 1
        months.append(f"{year:04d}-{month:02d}")
    return months


@contextmanager
def _figure() -> Iterator[tuple[Any, Any]]:
    """Make a figure; matplotlib's own settings are put back afterwards."""
    import matplotlib as mpl  # noqa: PLC0415  (an extra, and slow to import)
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.ticker import EngFormatter  # noqa: PLC0415

    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(6.4, 2.8), layout="constrained")
        axes = figure.subplots()
        axes.yaxis.set_major_formatter(EngFormatter(sep=""))
        yield figure, axes


def _svg(figure: Any, label: str) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor")
    head, _, rest = text.partition("<metadata>")
    text = head + rest.partition("</metadata>")[2]
    # The page decides on the width; the height follows.
    tag, end, rest = text.partition(">")
    text = _SIZE.sub("", tag) + end + rest
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
