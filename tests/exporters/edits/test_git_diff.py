"""What is new in a text, beside what git says of the same two files."""

import random
import re
import shutil
import subprocess

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.edits.git_diff import LineChanges, LineDiffs

_HUNK = re.compile(rb"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)
LINES = ["fn f() {", "    x();", "    y(1);", "}", "", "    // größe", "\tx();\r", "-- a", "@@ b"]


def said_by_git(folder, old, new):
    """Return the numbers of the added lines, and of those behind which lines were only removed."""
    folder.mkdir(exist_ok=True)
    for name, text in (("a", old), ("b", new)):
        (folder / name).write_bytes(text.encode())
    command = ["git", "diff", "--no-index", "-U0", "--text", "a", "b"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode < 2, done.stderr
    hunks = [(int(at), int(n) if n else 1) for at, n in _HUNK.findall(done.stdout)]
    added = {at + i for at, n in hunks for i in range(n)}
    return added, {at for at, n in hunks if not n}


def said_by_rsidx(changes, new):
    starts = [0]
    starts += [
        at + 1 for at, character in enumerate(new) if character == "\n" and at + 1 < len(new)
    ]
    added = {
        number for number, at in enumerate(starts, 1)
        if any(first <= at < end for first, end in changes.added)
    }  # fmt: skip
    ends = {at: number for number, at in enumerate(starts)} | {len(new): len(starts) if new else 0}
    return added, {ends[at] for at in changes.removed}


def drawn(draw, n):
    """Return pairs of texts that are like each other; every third lacks the last line end."""
    for number in range(n):
        old = draw.choices(LINES, k=draw.randrange(40))
        new = list(old)
        for _ in range(draw.randrange(6)):
            at = draw.randrange(len(new) + 1)
            new[at : at + draw.randrange(4)] = draw.choices(LINES, k=draw.randrange(4))
        end = "" if number % 3 == 0 else "\n"
        yield "\n".join(old) + end, "\n".join(new) + "\n"


def test_changes_of_many_pairs_are_those_that_git_says_of_each(tmp_path):
    pairs = list(drawn(random.Random(7), 60))
    diffs = LineDiffs()
    diffs.warm(pairs)
    for old, new in pairs:
        expected = said_by_git(tmp_path / "git", old, new)
        assert said_by_rsidx(diffs.of(old, new), new) == expected, (old, new)
    assert any(diffs.of(*pair).removed for pair in pairs)


def test_a_pair_that_was_not_prepared_is_compared_by_itself(tmp_path):
    old, new = "a\nb\nc\n", "a\nc\nd\n"
    expected = said_by_git(tmp_path / "git", old, new)
    assert said_by_rsidx(LineDiffs().of(old, new), new) == expected == ({3}, {1})


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("a\n", "a\n", LineChanges(())),
        ("", "a\nb\n", LineChanges(((0, 4),))),
        ("a\n", "", LineChanges((), (0,))),
        ("a\nb\n", "a\n", LineChanges((), (2,))),
        ("a", "a\n", LineChanges(((0, 2),))),
    ],
)
def test_what_is_the_same_or_nothing(old, new, changes):
    assert LineDiffs().of(old, new) == changes


def test_the_first_token_behind_a_removal_has_loss_and_those_that_start_in_an_added_line():
    changes = LineChanges(((4, 8),), (10,))
    assert changes.has_loss([0, 3, 4, 6, 8, 9, 11, 12]) == [
        False, False, True, True, False, False, True, False,
    ]  # fmt: skip
    assert LineChanges((), (5,)).has_loss([0, 2]) == [False, False]


def test_nobody_s_settings_of_git_and_no_repository_change_what_git_says(tmp_path, monkeypatch):
    ran = tmp_path / "ran"
    script = tmp_path / "diff.sh"
    script.write_text(f"#!/bin/sh\ntouch {ran}\n")
    script.chmod(0o755)
    home = tmp_path / "other"
    home.mkdir()
    (home / ".gitconfig").write_text(
        f"[diff]\n\texternal = {script}\n\tnoprefix = true\n\tmnemonicPrefix = true\n"
        "\torderFile = nowhere\n[color]\n\tui = always\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(script))
    # A repository around the folder for temporary files, whose attributes forbid a diff.
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitattributes").write_text("* -diff diff=other\n")
    (tmp_path / ".git" / "config").write_text(f'[diff "other"]\n\tcommand = {script}\n')
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert LineDiffs().of("a\nb\n", "a\nc\n") == LineChanges(((2, 4),))
    assert not ran.exists()


def test_without_git_the_reason_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("git") is None
    with pytest.raises(ExportError, match="--labels changed needs git"):
        LineDiffs().of("a\nb\n", "a\nc\n")
