"""`rsidx export`."""

import os
from pathlib import Path
from typing import Any

import click

from rsidx import DataSet, ExportConfig, Index
from rsidx.commands.options import index_options, json_option
from rsidx.option import options_of
from rsidx.output import counted, emit, progress, resumable


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("revisions", metavar="[REF]...", nargs=-1)
@options_of(ExportConfig, last="new_commits")
@click.option(
    "--split-report", is_flag=True, help="Print how many edits are related across splits."
)
@options_of(ExportConfig, "keep", "half_life")
@click.option(
    "--replace-edited",
    is_flag=True,
    help="Replace an earlier export even if its files have changed since; never other files.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Print what would be replaced, and the counts alone; write nothing.",
)
@options_of(ExportConfig, "pad")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: os.cpu_count() or 1,
    show_default="one for each processor",
    help="Worker processes.",
)
@json_option
@index_options
def export(
    index: Index,
    out: Path,
    jobs: int,
    split_report: bool,
    replace_edited: bool,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Write a data set to the folder OUT, of the commits that HEAD, or the refs given, reach.

    OUT must be new or empty, or an earlier export with nothing else in it. It is replaced as a
    whole once the export is complete; an export that fails changes nothing. A cache beside the
    index keeps the rows, so the next export makes only those of new commits.
    """
    config = ExportConfig(**options)
    if dry_run:
        with progress("export", "commits") as update:
            found = index.preview(
                out, config, replace_edited=replace_edited, jobs=jobs, progress=update
            )
        emit(found, _preview_lines(found), as_json=as_json)
        return
    with resumable(), progress("export", "commits") as update:
        data = index.export(out, config, replace_edited=replace_edited, jobs=jobs, progress=update)
    lines = [*_lines(out, data.manifest), *(_split_report(data) if split_report else [])]
    emit(data.manifest, lines, as_json=as_json)


def _preview_lines(found: dict[str, Any]) -> list[str]:
    n_files = len(found["replaced_files"])
    what = (
        f"an export of {counted(n_files, 'file')} would be replaced" if n_files else "would be made"
    )
    lines = [f"{found['out']}: {what}"]
    for name in DataSet.SPLITS:
        lines.append(
            f"{name:<6}{found['commits'][name]:>10,} commits{_size(found['counts'], name)}"
        )
    return [*lines, _left_out(found["dropped"])]


def _size(counts: dict[str, Any], split: str) -> str:
    return (
        f"{counts['examples'][split]:>10,} examples{counts['tokens'][split]:>14,} tokens"
        f"{counts['learned_tokens'][split]:>13,} with loss"
    )


def _left_out(dropped: dict[str, int]) -> str:
    counts = ", ".join(f"{n:,} {reason}" for reason, n in dropped.items())
    return f"left out: {counts or 'nothing'}"


def _lines(out: Path, manifest: dict[str, Any]) -> list[str]:
    counts = manifest["counts"]
    lines = [
        f"{out}: {manifest['tokenizer']['dialect']}, "
        f"{manifest['tokenizer']['n_new_tokens']} new tokens"
    ]
    for name in DataSet.SPLITS:
        lines.append(f"{name:<6}{_size(counts, name)}")
    lines.append(f"definitions shown in {counts['context_coverage']:.1%} of the examples")
    lines.append(_left_out(manifest["dropped"]))
    if not sum(counts["examples"].values()):
        is_all_out = any(manifest["dropped"].values())
        reason = "all of it was left out" if is_all_out else "no commit asked for changes Rust code"
        lines.append(f"there are no rows: {reason}")
    return lines


def _split_report(data: DataSet) -> list[str]:
    """Return what is related to an earlier split: what was left out for it, and what is left."""
    manifest = data.manifest
    lines = [f"{'split':<8}{'commits':>9}{'embargo':>9}  {'from':<12}  to"]
    for name in DataSet.SPLITS:
        part = manifest["splits"][name]
        first, last = ((part[key] or "-")[:12] for key in ("first_commit", "last_commit"))
        n_out = part["embargo"]["n_commits"]
        lines.append(f"{name:<8}{part['n_commits']:>9,}{n_out:>9,}  {first:<12}  {last}")
    if "related" in manifest["config"]["keep"]:
        lines.append("related edits were kept, as asked for")
    lines.append(f"{'relation':<16}{'left val':>10}{'left test':>11}{'still across':>14}")
    for one in data.relations():
        # What a message names is not seen from the edits: nothing is counted anew.
        across = "-" if one.n_across is None else f"{one.n_across:,}"
        lines.append(f"{one.reason:<16}{one.n_left_val:>10,}{one.n_left_test:>11,}{across:>14}")
    moved = ", ".join(f"{n:,} of {name}" for name, n in manifest["now_train"].items())
    lines.append(f"rows that were in the export before and are train now: {moved}")
    return lines
