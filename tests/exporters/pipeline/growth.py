"""A history that grows by a function with each commit, and what its export holds."""

import json

FUNCTION = """\
/// Number {n}.
pub fn number_{n}(scale: &Scale) -> u64 {{
    let start = scale.factor * {n};
    start + {n} + previous_{n}(start)
}}
"""


def grow(repo, index, n_commits, first=0):
    repo.commits((f"add number {n}", changed(n)) for n in range(first, first + n_commits))
    index.sync()


def changed(n):
    functions = "".join(FUNCTION.format(n=k) for k in range(max(0, n - 3), n + 1))
    text = f"struct Scale {{ factor: u64 }}\n{functions}"
    return {"src/lib.rs": text, f"src/f{n % 5}.rs": f"fn f{n}() {{}}\n"}


def contents(out):
    """Return the bytes of every file, and the manifest without its times and own checksum."""
    files = {path.name: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    manifest = json.loads(files.pop("manifest.json"))
    del manifest["phases_s"], manifest["sha256"]
    return files, manifest
