"""The main job from end to end: backfill, a real commit with the hook on, an export.

Works in the folder `demo/`, on the sample history or on a clone of `--repo`, which stays as it
is. Every step is a command that can be typed; each is shown before it runs.
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "demo"
REPO = DEMO / "repository"
RSIDX = [sys.executable, "-P", "-m", "rsidx"]
IDENTITY = ("-c", "user.name=rsidx demo", "-c", "user.email=demo@example.com")
ADDED = "\n/// Added by the demo.\npub fn added_by_the_demo(x: u32) -> u32 {\n    x + 1\n}\n"


def main() -> int:
    """Run the steps; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", type=Path, help="a repository to clone instead of the sample")
    parser.add_argument("--tokenizer", help="instead of one trained on the index")
    options = parser.parse_args()
    shutil.rmtree(DEMO, ignore_errors=True)
    DEMO.mkdir()
    prepare(options.repo)
    step("backfill")
    step("hooks", "install")
    commit()
    step("status")
    tokenizer = options.tokenizer or str(DEMO / "tokenizer")
    if not options.tokenizer:
        step("tokenizer", "train", tokenizer, "--size", "4096")
    out = DEMO / "dataset"
    step("export", str(out), "--tokenizer", tokenizer)
    step("verify", str(out))
    summary(out)
    return 0


def prepare(repo: Path | None) -> None:
    """Make the repository to work on."""
    if repo is not None:
        run("git", "clone", "--quiet", "--no-hardlinks", str(repo), str(REPO))
        return
    run("git", "init", "--quiet", "--initial-branch=main", str(REPO))
    stream = ROOT / "examples" / "sample-history.fi"
    show("git", "fast-import", "<", str(stream.relative_to(ROOT)))
    with stream.open("rb") as file:
        subprocess.run(["git", "-C", str(REPO), "fast-import", "--quiet"], stdin=file, check=True)
    run("git", "-C", str(REPO), "checkout", "--quiet", "main")


def commit() -> None:
    """Make a real commit and wait until the hook's worker has taken it in."""
    listed = git("ls-files", "-z", "*.rs").split("\0")
    files = [REPO / name for name in listed if name and (REPO / name).is_file()]
    if not files:
        raise SystemExit("there is no Rust file to change")
    file = files[len(files) // 2]
    with file.open("a", encoding="utf-8") as stream:
        stream.write(ADDED)
    start = time.perf_counter()
    run("git", "-C", str(REPO), *IDENTITY, "commit", "--quiet", "-a", "-m", "Add one in the demo")
    committed = time.perf_counter() - start
    while json.loads(output(*RSIDX, "status", "-C", str(REPO), "--json"))["behind"]:
        if time.perf_counter() - start > 60:
            raise SystemExit("the hook did not bring the index up to date within a minute")
    print(f"  committed in {committed * 1000:.0f} ms; the hook brought the index up to date")
    step("show", "HEAD")


def summary(out: Path) -> None:
    """Say what came out, and show one example as the model sees it."""
    from tokenizers import Tokenizer  # noqa: PLC0415  (the other steps do without)

    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    tokenizer = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
    rows = [json.loads(line) for line in (out / "train.jsonl").read_text("utf-8").splitlines()]
    print("\nWhat came out:")
    for path in sorted(out.rglob("*")):
        if path.is_file():
            print(f"  {path.relative_to(ROOT)}  {path.stat().st_size:,} bytes")
    rules = manifest["counts"]["excerpts_by_rule"]
    print(f"Context by rule: {', '.join(f'{n} {rule}' for rule, n in rules.items())}")
    shown = [row for row in rows if len(row["input_ids"]) < 700] or rows
    if shown:
        row = max(shown, key=lambda row: len(row["input_ids"]))
        text = tokenizer.decode(row["input_ids"], skip_special_tokens=False)
        print("An example of train.jsonl, decoded:\n")
        print("\n".join(f"  | {line}" for line in text.splitlines()))


def step(*arguments: str) -> None:
    """Run one rsidx command on the demo's repository."""
    command, *rest = arguments
    group = [command, rest.pop(0)] if command in ("hooks", "tokenizer") else [command]
    show("rsidx", *group, "-C", str(REPO.relative_to(ROOT)), *rest)
    subprocess.run([*RSIDX, *group, "-C", str(REPO), *rest], check=True)


def run(*command: str) -> None:
    """Run a command, showing it."""
    show(*command)
    subprocess.run(command, check=True, env={**os.environ, "GIT_TERMINAL_PROMPT": "0"})


def git(*arguments: str) -> str:
    """Return what git prints about the demo's repository."""
    return output("git", "-C", str(REPO), *arguments)


def output(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def show(*command: str) -> None:
    """Show a command as it would be typed."""
    print(f"\n$ {' '.join(word if word == '<' else shlex.quote(word) for word in command)}")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
