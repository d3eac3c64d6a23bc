"""`rsidx export`."""

import os
from pathlib import Path
from typing import Any

import click

from rsidx.commands.context_options import context_with_option
from rsidx.commands.options import Index, index_options, json_option
from rsidx.exporters.config import KINDS, LEVELS, Config
from rsidx.exporters.dataset.destination import Destination
from rsidx.exporters.dataset.formats.registry import FORMATS
from rsidx.exporters.dataset.order import ORDERS
from rsidx.exporters.dedup.leakage import REASONS
from rsidx.exporters.edits.earlier import SOURCES
from rsidx.exporters.examples.fim import MIDDLES
from rsidx.exporters.export import export as run_export
from rsidx.exporters.export import preview
from rsidx.exporters.filters.registry import FILTERS
from rsidx.exporters.rendering.encoder import cached_file, is_hub_name
from rsidx.exporters.rendering.families import DIALECTS
from rsidx.exporters.splits.split import SPLITS
from rsidx.indexer.refresh import n_stale_blobs
from rsidx.option import option, size_option
from rsidx.output import counted, emit, note, progress, resumable

_DEFAULTS = Config(tokenizer="")


def _tokenizer_of_repository(source: str, root: Path) -> str:
    """Return a tokenizer that a repository may choose: its own, or one that is here already."""
    path = root / source
    try:
        file = path / "tokenizer.json" if path.is_dir() else path
        if file.exists():
            # A link must not lead out of the repository.
            if not file.resolve().is_relative_to(root.resolve()):
                raise ValueError(source)
            return str(path)
    except OSError as error:
        raise ValueError(source) from error
    if not is_hub_name(source) or cached_file(source) is None:
        raise ValueError(source)
    return source


def _kept_harmlessly(names: tuple[str, ...], _root: Path) -> tuple[str, ...]:
    if "secrets" in names:
        raise ValueError("secrets")
    return names


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("revisions", metavar="[REF]...", nargs=-1)
@option(
    "--tokenizer",
    required=True,
    metavar="PATH_OR_NAME",
    harmless=_tokenizer_of_repository,
    harmless_if="to a path inside the repository, or a name that is in the local cache",
    help="A tokenizer.json, a folder with one, or a name on the hub.",
)
@option(
    "--kind",
    type=click.Choice(KINDS),
    default=_DEFAULTS.kind,
    show_default=True,
    harmless=True,
    help="Edits, holes in the edited code that are to be filled in, or sequences: windows over the "
    "files that each commit changed.",
)
@option(
    "--level",
    type=click.Choice(LEVELS),
    default=_DEFAULTS.level,
    show_default=True,
    harmless=True,
    help="Edits of items (functions, structs and so on), or of files; long ones come in parts.",
)
@click.option(
    "--no-edit",
    type=click.FloatRange(0, 0.9),
    default=_DEFAULTS.no_edit,
    show_default=True,
    help="The share of examples whose code is to stay as it is.",
)
@option(
    "--fim-middle",
    "fim_middles",
    multiple=True,
    type=click.Choice(MIDDLES),
    default=_DEFAULTS.fim_middles,
    show_default=True,
    harmless=True,
    help="What a hole is: lines that the commit added, whole statements or items, some lines, some "
    "characters; may be given more than once.",
)
@option(
    "--fim-spm",
    type=click.FloatRange(0, 1),
    default=_DEFAULTS.fim_spm,
    show_default=True,
    harmless=True,
    help="The share of holes whose suffix comes first.",
)
@click.option(
    "--stride",
    type=click.FloatRange(0, 1, min_open=True),
    default=_DEFAULTS.stride,
    show_default=True,
    help="How far a sequence's next window begins behind the last, as a share of --max-chars.",
)
@option(
    "--seed",
    type=int,
    default=_DEFAULTS.seed,
    show_default=True,
    harmless=True,
    help="For what is drawn: holes, code that stays as it is, a random order.",
)
@option(
    "--markers",
    type=click.Choice(["extended", "native"]),
    default=_DEFAULTS.markers,
    show_default=True,
    harmless=True,
    help="Add the documented markers to the tokenizer, or use only its own tokens.",
)
@option(
    "--dialect",
    type=click.Choice(DIALECTS),
    default=_DEFAULTS.dialect,
    show_default=True,
    harmless=True,
    help="The model family; `auto` goes by the tokens that the tokenizer has.",
)
@option(
    "--split",
    default=_DEFAULTS.split,
    show_default=True,
    harmless=True,
    help="Three shares of the commits, or two dates or two commits at which val and test begin.",
)
@option(
    "--embargo",
    default=_DEFAULTS.embargo,
    show_default=True,
    harmless=True,
    help="What is left out between two splits: a share of the commits (0.005), a number of commits "
    "(20) or of days (7d).",
)
@click.option(
    "--boundaries",
    metavar="EXPORT",
    type=click.Path(exists=True),
    help="Keep the splits of an earlier export (its folder or manifest): each of its rows stays "
    "where it was.",
)
@option(
    "--new-commits",
    type=click.Choice(["test", "out"]),
    default=_DEFAULTS.new_commits,
    show_default=True,
    harmless=True,
    help="With --boundaries: whether commits that came since go to test or stay out.",
)
@click.option("--split-report", is_flag=True, help="Print what is related across the splits.")
@option(
    "--keep",
    multiple=True,
    type=click.Choice(FILTERS),
    harmless=_kept_harmlessly,
    harmless_if="without `secrets`",
    help="Export what is left out by default; may be given more than once.",
)
@size_option(
    "--max-chars",
    type=click.IntRange(min=200),
    default=_DEFAULTS.max_chars,
    help="Longer code is split between statements.",
)
@size_option(
    "--max-tokens",
    type=click.IntRange(min=64),
    default=_DEFAULTS.max_tokens,
    help="The length of an example.",
)
@size_option(
    "--context-tokens",
    type=click.IntRange(min=0),
    default=_DEFAULTS.context_tokens,
    help="The share of an example that context may take.",
)
@size_option(
    "--max-files",
    type=click.IntRange(min=1),
    default=_DEFAULTS.max_files,
    help="Commits with more changed Rust files are bulk commits.",
)
@size_option(
    "--min-message",
    type=click.IntRange(min=0),
    default=_DEFAULTS.min_message,
    help="Commits whose message has fewer characters are left out.",
)
@click.option(
    "--license",
    "licenses",
    multiple=True,
    metavar="SPDX",
    help="Export only code whose crate was under one of these at its commit; may be given more "
    "than once.",
)
@click.option(
    "--context-at",
    type=click.Choice(["parent", "commit"]),
    default=_DEFAULTS.context_at,
    show_default=True,
    help="Show definitions as before the commit or as of it (never the edit's own new code).",
)
@click.option(
    "--context-from",
    type=click.Choice(["both", "old"]),
    default=_DEFAULTS.context_from,
    show_default=True,
    help="Look for the names that both sides of an edit mention, or the old code alone.",
)
@context_with_option
@click.option(
    "--earlier",
    multiple=True,
    type=click.Choice(SOURCES),
    help="Show edits that came before: of the same commit, definitions before uses, or the last "
    "ones of the file; may be given more than once.",
)
@option(
    "--labels",
    type=click.Choice(["target", "all"]),
    default=_DEFAULTS.labels,
    show_default=True,
    harmless=True,
    help="Loss on the new code and the end token, or everywhere.",
)
@click.option(
    "--format",
    type=click.Choice(list(FORMATS)),
    default=_DEFAULTS.format,
    show_default=True,
    help="What the rows are written as: ds is datatrove's and nanotron's, bin Megatron's, mds "
    "MosaicML's; these and parquet need an extra (rsidx[datatrove], megatron, mds, parquet). "
    "Packed rows, and the texts of --columns both, are JSON lines in any case.",
)
@click.option(
    "--columns",
    type=click.Choice(["ids", "text", "both"]),
    default=_DEFAULTS.columns,
    show_default=True,
    help="Ids, or prompt and completion as text, or both: the texts in files of their own "
    "(.text.jsonl).",
)
@click.option(
    "--pack",
    type=click.IntRange(min=64),
    metavar="LENGTH",
    help="Also pack rows into longer ones (.packed.jsonl): none is cut, each has positions of its "
    "own.",
)
@option(
    "--order",
    type=click.Choice(ORDERS),
    default=_DEFAULTS.order,
    show_default=True,
    harmless=True,
    help="The order of train: by history, the fewest tokens with loss first, or by the seed.",
)
@click.option(
    "--half-life",
    type=click.FloatRange(min=0, min_open=True),
    metavar="DAYS",
    help="Weigh train's rows in their meta file: half for each so many days before the newest.",
)
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
@click.option("--pad", is_flag=True, help="Pad every example to --max-tokens.")
@click.option("--text", is_flag=True, help="Put the texts into the meta files, too.")
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
    tokenizer: str,
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
    config = Config(tokenizer=tokenizer, name=index.name, **options)
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
