"""`rsidx report`."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import cache, partial
from pathlib import Path

import click

from rsidx import Audit, DataSet, EvaluationResult
from rsidx.commands.options import config_option, json_option, optional_repository_option
from rsidx.output import emit, progress


@click.command()
@click.argument("out", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--to",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write.  [default: OUT.report.html]",
)
@click.option(
    "--samples",
    type=click.IntRange(min=0),
    default=200,
    show_default=True,
    help="The number of rows on the page, spread evenly over the data set.",
)
@click.option(
    "--result",
    type=click.Path(path_type=Path, file_okay=False),
    help="A result of `rsidx eval check`, whose figures the page shows.",
)
@optional_repository_option
@json_option
@config_option
def report(
    out: Path,
    to: Path | None,
    samples: int,
    result: Path | None,
    repository: Path | None,
    as_json: bool,
) -> None:
    """Write a page about the data set OUT: counts, plots, leakage, faults, and rows to browse.

    The page is one file beside OUT that works offline. It replaces an earlier report, and no
    other file. Prints its path, and how many rows have a fault, by kind.
    """
    data = DataSet(out)
    with progress("report", "rows") as update:
        audit = cache(partial(data.audit, repository, progress=update))
        judged = EvaluationResult(result) if result is not None else None
        page = data.report(to, n_samples=samples, audit=audit, result=judged)
    found = {"page": str(page), "audit": asdict(audit())}
    emit(found, [str(page), *_lines(audit())], as_json=as_json)


def _lines(audit: Audit) -> Iterator[str]:
    yield f"{'fault':<14}{'rows':>8}{'share':>8}  the first"
    for fault in audit.faults:
        if fault.n_rows is None or fault.share is None:
            yield f"{fault.name:<14}{'-':>8}{'-':>8}  -"
        else:
            first = fault.example or "-"
            yield f"{fault.name:<14}{fault.n_rows:>8,}{fault.share:>8.1%}  {first}"
    yield f"{'any':<14}{audit.n_faulty:>8,}{audit.n_faulty / max(1, audit.n_rows):>8.1%}"
    if audit.largest_commit is not None:
        yield (
            f"the commit with most rows has {audit.largest_share:.1%} of them, the 1% with most "
            f"{audit.top_share:.1%}: {audit.largest_commit[:12]}"
        )
