"""`rsidx export`."""

import os
from pathlib import Path
from typing import Any

import click

from rsidx.commands.options import Index, index_options, json_option
from rsidx.exporters.config import Config
from rsidx.exporters.dataset.destination import Destination
from rsidx.exporters.dedup.leakage import REASONS
from rsidx.exporters.export import export as run_export
from rsidx.exporters.export import preview
from rsidx.exporters.splits.split import SPLITS
from rsidx.indexer.refresh import n_stale_blobs
from rsidx.option import options_of
from rsidx.output import counted, emit, note, progress, resumable


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("revisions", metavar="[REF]...", nargs=-1)
@options_of(Config, last="new_commits")
@click.option("--split-report", is_flag=True, help="Print what is related across the splits.")
@options_of(Config, "keep", "half_life")
@click.option(
    "--replace-edited",
    is_flag=True,
    help="Replace an earlier export even if its files were changed since; never other files.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Say what would be replaced, and of how many commits the splits would be; write nothing.",
)
@options_of(Config, "pad")
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
    """Write a data set of the edits that HEAD, or the refs given, reach to the folder OUT.

    OUT must be new or empty, or an earlier export with nothing else in it. It is replaced as a
    whole when the export is complete; one that fails changes nothing. What was made is kept
    beside the index, so that the next export makes what is new.
    """
    destination = Destination(out, replace_edited=replace_edited)
    if not options["revisions"] and index.head is not None:
        options["revisions"] = (index.head,)
    config = Config(name=index.name, **options)
    if dry_run:
        with index.database() as database:
            found = preview(database, destination, config)
        emit(found, _preview_lines(found), as_json=as_json)
        return
    with (
        resumable(),
        index.database() as database,
        progress("export", "commits") as update,
    ):
        n_stale = n_stale_blobs(database)
        if n_stale:
            note(
                f"rsidx: another version of rsidx read {counted(n_stale, 'file version')} of the "
                "index; `rsidx backfill` reads them again"
            )
        manifest = run_export(database, destination, config, jobs=jobs, progress=update)
    lines = [*_lines(out, manifest), *(_split_report(manifest) if split_report else [])]
    emit(manifest, lines, as_json=as_json)


def _preview_lines(found: dict[str, Any]) -> list[str]:
    n_files = len(found["replaced_files"])
    what = (
        f"an export of {counted(n_files, 'file')} would be replaced" if n_files else "would be made"
    )
    lines = [f"{found['out']}: {what}"]
    lines += [f"{name:<6}{found['commits'][name]:>10,} commits" for name in SPLITS]
    return [*lines, _left_out(found["dropped"])]


def _left_out(dropped: dict[str, int]) -> str:
    counts = ", ".join(f"{n:,} {reason}" for reason, n in dropped.items())
    return f"left out: {counts or 'nothing'}"


def _lines(out: Path, manifest: dict[str, Any]) -> list[str]:
    counts = manifest["counts"]
    lines = [
        f"{out}: {manifest['tokenizer']['dialect']}, "
        f"{manifest['tokenizer']['n_new_tokens']} new tokens"
    ]
    for name in SPLITS:
        lines.append(
            f"{name:<6}{counts['examples'][name]:>10,} examples{counts['tokens'][name]:>14,} tokens"
            f"{counts['learned_tokens'][name]:>13,} with loss"
        )
    lines.append(f"definitions shown in {counts['context_coverage']:.1%} of the examples")
    lines.append(_left_out(manifest["dropped"]))
    if not sum(counts["examples"].values()):
        is_all_out = any(manifest["dropped"].values())
        reason = "all of it was left out" if is_all_out else "no commit asked for changes Rust code"
        lines.append(f"there are no rows: {reason}")
    return lines


def _split_report(manifest: dict[str, Any]) -> list[str]:
    """Return what is related to an earlier split: what was left out for it, and what is left."""
    lines = [f"{'split':<8}{'commits':>9}{'embargo':>9}  {'from':<12}  to"]
    for name in SPLITS:
        part = manifest["splits"][name]
        first, last = ((part[key] or "-")[:12] for key in ("first_commit", "last_commit"))
        n_out = part["embargo"]["n_commits"]
        lines.append(f"{name:<8}{part['n_commits']:>9,}{n_out:>9,}  {first:<12}  {last}")
    relations = manifest["relations"]
    if "related" in manifest["config"]["keep"]:
        lines.append("related edits were kept, as asked for")
    lines.append(f"{'relation':<16}{'left val':>10}{'left test':>11}{'still across':>14}")
    for reason in REASONS:
        # What a message names is not seen from the edits: nothing is counted anew.
        n_across = relations["across_splits"].get(reason)
        across = "-" if n_across is None else f"{n_across:,}"
        left = [relations["left_out"].get(f"{name}/{reason}", 0) for name in SPLITS[1:]]
        lines.append(f"{reason:<16}{left[0]:>10,}{left[1]:>11,}{across:>14}")
    moved = ", ".join(f"{n:,} of {name}" for name, n in manifest["now_train"].items())
    lines.append(f"rows that were in the export before and are train now: {moved}")
    return lines
