"""Make a change in three layers: a large model plans, a small local one writes, cargo judges.

    python examples/patch.py "Refuse transfers of nothing" --like ../data \
        --planner https://api.example.com/v1 --writer http://127.0.0.1:8000/v1

1. The planner, a large model, is asked what to edit: it names places and says what is to be done.
2. The writer, a small model that was trained on this repository, is asked for each edit in its turn
   (`rsidx.complete`): an answer that does not compile is asked for again with its errors.
3. Where the writer gives up, the planner is shown the errors and asked for the code itself, which
   must pass the same check.

What passes is committed. Where one edit does not, all are taken back, nothing is committed, and the
status is 10: it is a person's turn. The planner is sent whole files as they are, secrets included.
Its key is taken from PLANNER_API_KEY, the writer's from OPENAI_API_KEY.
"""

import argparse
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rsidx

PLAN = (
    "You plan an edit of a Rust repository, which another model carries out place by place, in "
    'your order. Answer with JSON alone: [{"place": "FILE:SYMBOL", "after": null, "message": '
    '"..."}]. For new code name the FILE alone, and in `after` the symbol that it comes behind. A '
    "message says what the edit does, as a commit's does."
)
CODE = (
    "Write the new code of one item of a Rust file. Answer with the whole item, and nothing else. "
    "It must compile in its place."
)
GIVEN_UP = 10


@dataclass(frozen=True)
class Step:
    """An edit of the plan."""

    address: rsidx.Address
    message: str


class EscalationError(Exception):
    """Nobody but a person can go on."""


@dataclass(frozen=True)
class Layers:
    """The three layers: who plans, who writes, and what judges."""

    planner: str
    writer: rsidx.Server
    check: rsidx.Check
    like: Path

    def plan(self, task: str, files: Sequence[str]) -> list[Step]:
        """Ask the planner what to edit."""
        said = chat(self.planner, PLAN, f"Task: {task}\n\nFiles:\n" + "\n".join(files))
        try:
            steps = json.loads(said[said.index("[") : said.rindex("]") + 1])
            return [
                Step(rsidx.Address.parse(one["place"], one.get("after")), one["message"])
                for one in steps
            ]
        except (ValueError, LookupError, TypeError, rsidx.RsidxError) as error:
            raise EscalationError(f"the plan cannot be read: {error}") from error

    def make(self, index: rsidx.Index, step: Step) -> bool:
        """Have an edit written, by the writer or else by the planner; tell if that changed a file.

        Only what did may be undone: the write before it was somebody else's.
        """
        address = step.address
        request = rsidx.EditRequest(address.path, address.symbol, step.message, **address.place)
        done = rsidx.complete(
            index, request, self.writer, like=self.like, check=self.check, write=True
        )
        print(f"{step.message}: {done.outcome} after {len(done.attempts)} answers", flush=True)
        if done.applied is not None:
            return done.applied.is_written
        assert index.worktree is not None
        last = done.attempts[-1]
        question = (
            f"{step.message}\n\nPlace: {address}\n\nAn answer that is wrong:\n{last.code}\n\n"
            f"Why:\n{last.errors or last.reason}\n\nThe file:\n{text_of(index.worktree, address)}"
        )
        code = chat(self.planner, CODE, question)
        found = rsidx.check_code(
            index.worktree,
            address.path,
            address.symbol,
            code,
            **address.place,
            settings=self.check.settings,
            scratch=self.check.scratch,
        )
        print(f"{step.message}: {found.outcome}, by the planner", flush=True)
        if found.outcome != "compiles":
            raise EscalationError(found.feedback or found.reason)
        applied = index.apply(address.path, address.symbol, code, write=True, **address.place)
        return applied.is_written


def chat(url: str, system: str, user: str) -> str:
    """Ask a server that answers as OpenAI's does; return what it says."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    body = {"model": os.environ.get("PLANNER_MODEL", "planner"), "messages": messages}
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("PLANNER_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(
        f"{url.rstrip('/')}/chat/completions", json.dumps(body).encode(), headers
    )
    try:
        with urllib.request.build_opener(NoRedirects).open(request, timeout=600) as answer:
            found: Any = json.load(answer)
        return str(found["choices"][0]["message"]["content"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise EscalationError(f"{url} gives no answer: {error}") from error


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows none: the key and the code are for the address that was given alone."""

    def redirect_request(self, *_: Any) -> None:
        """Return no request to make instead."""


def text_of(worktree: Path, address: rsidx.Address) -> str:
    """Return the file of an address as it is on disk; nothing for one that is new."""
    file = worktree / address.path
    return file.read_text("utf-8", "replace") if file.is_file() else ""


def git(worktree: Path, *arguments: str) -> str:
    """Run git in the worktree."""
    command = ["git", "-C", str(worktree), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise EscalationError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def carry_out(index: rsidx.Index, layers: Layers, task: str) -> str:
    """Make and commit a change; return the commit. Nothing stays of one that fails."""
    assert index.worktree is not None
    worktree = index.worktree
    if git(worktree, "status", "--porcelain"):
        raise EscalationError("commit or stash what differs on disk first")
    made: list[str] = []
    try:
        for step in layers.plan(task, git(worktree, "ls-files", "*.rs").splitlines()):
            if layers.make(index, step):
                made.append(step.address.path)
        if not made:
            raise EscalationError("the code is there already")
        git(worktree, "add", "--", *dict.fromkeys(made))
        git(worktree, "commit", "--quiet", "-m", task)
    except BaseException:
        git(worktree, "reset", "--quiet")
        for path in reversed(made):
            try:
                index.undo(path, write=True)
            except rsidx.RsidxError as error:  # A hook that formats files changed it, too.
                print(f"not taken back: {error}", file=sys.stderr)
        raise
    return git(worktree, "rev-parse", "HEAD")


def main() -> int:
    """Read the arguments and carry the task out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task")
    parser.add_argument("--repo", type=Path, default=Path())
    parser.add_argument("--like", type=Path, required=True)
    parser.add_argument("--planner", required=True)
    parser.add_argument("--writer", required=True)
    parser.add_argument("--scratch", type=Path)
    given = parser.parse_args()
    check = rsidx.Check(scratch=given.scratch)
    layers = Layers(given.planner, rsidx.Server(given.writer), check, given.like)
    try:
        with rsidx.open(given.repo) as index:
            index.update()
            print(f"committed {carry_out(index, layers, given.task)[:12]}")
    except EscalationError as error:
        print(f"escalate: {error}\nnothing is committed", file=sys.stderr)
        return GIVEN_UP
    except (rsidx.RsidxError, OSError) as error:
        print(f"patch.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
