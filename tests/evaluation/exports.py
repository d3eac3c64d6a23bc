"""Data sets for the gate: the files of an export that it reads, for edits that a test names."""

import hashlib
import json

END = "<|endoftext|>"


class Export:
    """A folder with the manifest and the meta lines of an export; `add` adds a row to test."""

    def __init__(self, folder, repo, kind="edit"):
        self.folder = folder
        self.repo = repo
        self.kind = kind
        self.metas = []
        folder.mkdir()
        self.write()

    def write(self):
        lines = ""
        for split in ("train", "val", "test"):
            metas = [meta for name, meta in self.metas if name == split]
            lines = "".join(json.dumps(meta) + "\n" for meta in metas)
            (self.folder / f"{split}.meta.jsonl").write_text(lines)
        manifest = {
            "format": "rsidx-dataset",
            "format_version": 1,
            "rsidx_version": "0.2.0",
            "config": {"kind": self.kind, "format": "jsonl"},
            "tokenizer": {"end_token": END},
            "files": {"test.meta.jsonl": hashlib.sha256(lines.encode()).hexdigest()},
        }
        (self.folder / "manifest.json").write_text(json.dumps(manifest))

    def add(self, commit, path, new, old=None, split="test", **more):
        """Add a row: what `new` is in the commit, and `old` in its parent; return its id."""
        parent = self.repo.git("rev-parse", f"{commit}^") if old is not None else None
        meta = {
            "id": f"{len(self.metas):024x}",
            "commit": commit,
            "parent": parent,
            "time": f"2024-01-{len(self.metas) // 2 + 1:02}T00:00:00+00:00",
            "path": path,
            "symbol": "",
            "kind": "fn",
            "change": "modify" if old is not None else "add",
            "is_test": False,
            "part": [1, 1],
            "old": self.place(parent, path, old) if old is not None else None,
            "new": self.place(commit, path, new) if new is not None else None,
            "needs": {"shown": [], "not_shown": [], "made_shown": [], "made_not_shown": []},
        }
        self.metas.append((split, meta | more))
        self.write()
        return meta["id"]

    def place(self, commit, path, text):
        content = self.repo.blob(commit, path)
        start = content.index(text.encode())
        oid = self.repo.git("rev-parse", f"{commit}:{path}")
        return {"blob": oid, "start": start, "end": start + len(text.encode())}


def predictions(file, *lines):
    """Write predictions: of each an id, a completion, and what else its line has."""
    keys = ("id", "completion")
    texts = []
    for row, completion, *more in lines:
        line = dict(zip(keys, (row, completion), strict=True))
        texts.append(json.dumps(line | (more[0] if more else {})))
    file.write_text("\n".join(texts) + "\n")
    return file
