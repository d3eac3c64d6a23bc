"""Whether search/replace blocks of a real history make of git's old files git's new ones.

    python benchmarks/apply_blocks.py REPO OUT [--rows 200]

OUT is an export of REPO's history with `--target blocks`. Of each row whose target is blocks, and
whose edit is all that its commit changes in the file, the answer is put into the parent's file by
`rsidx apply --write`, in a clone that stands at the parent, and the file compared with git's. An
item that is renamed is refused with 17, and put there with `--delete`. Then one line that the
first block searches for is changed, and the same command must refuse it.
"""

import argparse
import io
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from rsidx.__main__ import main as main_of_rsidx
from rsidx.exporters.dataset.format import read_manifest
from rsidx.exporters.dataset.reader import rows_with_meta
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.splits.split import SPLITS
from rsidx.exporters.verify.labels import ids_of_role

_NOT_THE_SYMBOL = 17


def git(repo: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(repo), *arguments], check=True, stdout=-1).stdout


def is_whole_change(repo: Path, meta: dict[str, Any]) -> bool:
    """Tell whether the file differs from the parent's by this edit alone."""
    old, new = meta["old"], meta["new"]
    if not old or not new or meta["part"] != [1, 1] or meta["old_path"] != meta["path"]:
        return False
    before, after = (git(repo, "cat-file", "blob", side["blob"]) for side in (old, new))
    code = after[new["start"] : new["end"]]
    return after == before[: old["start"]] + code + before[old["end"] :]


def answers(repo: Path, out: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the meta lines of rows to apply, and their blocks."""
    encoder = Encoder(load(str(out / "tokenizer")), source=str(out / "tokenizer"))
    file_format = read_manifest(out)["config"]["format"]
    for split in SPLITS:
        for row, meta in rows_with_meta(out, split, file_format):
            is_here = meta.get("is_blocks") and not meta["is_redacted"] and meta["place"]
            if is_here and is_whole_change(repo, meta):
                yield meta, encoder.decode(ids_of_role(row["input_ids"], meta, "new"))


def apply(clone: Path, meta: dict[str, Any], answer: str, *more: str) -> int:
    """Run `rsidx apply`, in this process, and return its exit status."""
    file = clone.parent / "answer"
    file.write_bytes(answer.encode())
    place, *rest = meta["place"]
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        return main_of_rsidx(["apply", place, str(file), *rest, *more, "--write", "-C", str(clone)])


def with_other_anchor(answer: str) -> str:
    """Change a line that the first block searches for."""
    mark, first, rest = answer.split("\n", 2)
    return f"{mark}\n{first} // of another file\n{rest}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("repo", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--rows", type=int, default=200)
    options = parser.parse_args()
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", "-n", options.repo.resolve(), clone], check=True)
        for meta, answer in answers(options.repo, options.out):
            git(clone, "checkout", "-q", "-f", meta["parent"])
            status = apply(clone, meta, answer)
            how = "applied"
            if status == _NOT_THE_SYMBOL:
                how, status = "applied with --delete", apply(clone, meta, answer, "--delete")
            new = git(clone, "cat-file", "blob", meta["new"]["blob"])
            if status:
                how = f"refused with {status}"
            elif (clone / meta["path"]).read_bytes() != new:
                how += ", not git's new file"
            else:
                how += ", git's new file"
            found[how] += 1
            git(clone, "checkout", "-q", "-f", meta["parent"])
            status = apply(clone, meta, with_other_anchor(answer))
            found[f"with another anchor line: status {status}"] += 1
            if sum(found.values()) == 2 * options.rows:
                break
    for what, n in sorted(found.items()):
        print(f"{n:6,} {what}")


if __name__ == "__main__":
    main()
