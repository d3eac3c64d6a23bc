"""Results of the gate as it writes them, for tests that need no compiler."""

import json

from tests.conftest import read_lines

NEEDED = {"repair": {"from_results": ("result",)}, "preference": {"columns": "text"}}
"""What each kind of example needs besides its name."""
FAILED = 'fn failed() -> u32 {\n    "text"\n}\n'


def write_result(folder, out):
    """Write a result that says of each edit of an export that is in one part that it failed."""
    edits, verdicts = [], []
    metas = [meta for split in ("train", "val", "test")
             for meta in read_lines(out / f"{split}.meta.jsonl")]  # fmt: skip
    for meta in metas:
        sides = {"old": meta["old"], "new": meta["new"]}
        if meta["part"] != [1, 1] or "edit" in meta:
            continue
        edits.append(
            {"edit_id": meta["id"], "commit": meta["commit"], "path": meta["path"], **sides}
        )
        verdicts.append(
            {
                "edit_id": meta["id"],
                "sample": 0,
                "verdict": "error",
                "code": FAILED,
                "errors": "error[E0308]: mismatched types",
                "is_redacted": False,
            }
        )
    folder.mkdir()
    header = {"format": "rsidx-result", "format_version": 1, "split": "train", "kind": "edit"}
    (folder / "result.json").write_text(json.dumps(header))
    for name, lines in (("edits", edits), ("verdicts", verdicts)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text)
    return str(folder)
