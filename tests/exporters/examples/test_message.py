"""The message of a row: what a forge and its tools add goes, what a person wrote stays."""

import pytest

from rsidx.exporters.examples.message import (
    CUT_MARK,
    MAX_MESSAGE_CHARS,
    cut,
    holds_target,
    is_noise,
    tidy,
)
from rsidx.exporters.examples.message_numbers import without_numbers
from rsidx.exporters.examples.redaction import EMAIL


def tidied(message):
    return tidy(message, keeps_numbers=False)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Fix it\n\nIt hung.\n\n---------\n\n", "Fix it\n\nIt hung."),
        ("Fix it\n\nWhy?\n====\n\nIt hung.", "Fix it\n\nWhy?\n====\n\nIt hung."),
        ("Fix it\r\n\r\nIt hung.\r\n\r\n\r\nOften.", "Fix it\n\nIt hung.\n\nOften."),
        ("Fix it\n\n<!-- Say why.\n\n# And how. -->\nIt hung.", "Fix it\n\nIt hung."),
        ("Fix it\n\n# Why\n\nIt hung.\n\n# Tests\n\n# After\n", "Fix it\n\n# Why\n\nIt hung."),
        ("Fix it\n\n![image](https://e.x/1.png)\n\nSo.", "Fix it\n\nSo."),
        ("Fix it\n\n---\nupdated-dependencies:\n- dependency-name: a\n...", "Fix it"),
        ("Fix it\n\nChange-Id: I0123\ngit-svn-id: a@b", "Fix it"),
        ("Merge pull request #7 from a/b\n\nFix it", "Fix it"),
        ("Merged in fix (pull request #7)\n\nFix it\n\n* one\n\n* two", "Fix it"),
        ("Fix it\n\nSquashed commit of the following:\n\ncommit 1\nAuthor: A\n\n    fix", "Fix it"),
    ],
)  # fmt: skip
def test_what_a_forge_adds_goes(message, expected):
    assert tidied(message) == expected


def test_of_a_list_of_squashed_commits_stays_what_says_something():
    squashed = "Add a cache (#12)\n\n* add a map\n\nIt is bounded.\n\n* cargo fmt\n\n* oops, a test"
    assert tidied(squashed) == "Add a cache\n\n* add a map\n\nIt is bounded."
    written = "Add a cache (#12)\n\n* add a map\n* bound it"
    assert tidied(written) == "Add a cache\n\n* add a map\n* bound it"
    assert tidied("Add a cache\n\n* add a map\n\n* bound it").count("*") == 2


@pytest.mark.parametrize(
    "item",
    ["Add a cache", "add a cache.", "Add a cache (#11)", "changelog", "Add changelog for the map",
     "fmt", "cargo fmt", "Fix clippy warnings", "Address review", "review comments", "fix typo",
     "Fix typos in docs", "Merge branch 'main' into cache", "wip", "fix tests", "Update the docs",
     "Make clippy happy", "oops", "Fix #11",
     "map: fix typo in its docs", "Silence clippy on the map"],
)  # fmt: skip
def test_a_squashed_commit_that_says_nothing_more_goes(item):
    message = f"Add a cache (#12)\n\n* Bound the map\n\n* {item}\n\nIt is bounded."
    assert tidied(message) == "Add a cache\n\n* Bound the map\n\nIt is bounded."
    message = f"Add a cache (#12)\n\n* {item}\n\nand goes on\n\n* Bound the map"
    if not is_noise(item):
        assert tidied(message) == "Add a cache\n\n* Bound the map"


@pytest.mark.parametrize(
    "item",
    ["Fix the order of layers", "Box the body of `Router`", "Remove the type parameter",
     "Implement `Debug` for the map", "Test that it is bounded"],
)  # fmt: skip
def test_a_squashed_commit_that_says_something_stays_with_its_body(item):
    message = f"Add a cache\n\n* {item}\n\nand it goes on"
    assert tidied(message.replace("cache", "cache (#12)", 1)) == message


@pytest.mark.parametrize(
    "line",
    ["wip", "[WIP]", "fixup", "fixup! Add a cache", "Apply suggestions from code review",
     "* Apply suggestion from @some-one", "Address review comments", "- address PR comments.",
     "Addressed the reviewer's feedback (#12)", "Addressed the rest of @a-b's review",
     "review comments", "Update src/lib.rs",
     "oops", "-"],
)  # fmt: skip
def test_a_line_that_says_nothing_of_the_change_goes(line):
    assert is_noise(line)
    assert tidied(f"Add a cache\n\n{line}\n\nIt is bounded.") == "Add a cache\n\nIt is bounded."
    assert tidied(line) == ""


@pytest.mark.parametrize(
    "line",
    ["WIP: add a cache", "Apply clippy's suggestions", "Address the leak in `drop`",
     "Fix up borders", "Apply suggestions from code review: order the options",
     "Review the order of locks", "Update lib.rs to the new API"],
)  # fmt: skip
def test_a_line_that_says_something_stays(line):
    assert tidied(line) == line


def test_code_in_a_message_stays_as_it_is():
    message = "Fix it\n\n```\n# a\n\n* b (#1)\n---\n```\nand\n\n    wip\n    #12"
    assert tidied(message) == message


@pytest.mark.parametrize("fence", ["", "```diff\n"])
def test_a_message_ends_where_a_diff_begins(fence):
    message = f"Fix it\n\nAs here:\n\n{fence}diff --git a/x b/x\n@@ -1 +1 @@\n-a\n+b\n"
    assert tidied(message) == "Fix it\n\nAs here:"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (f"Fix it\n\nFound by Ann Lee <{EMAIL}>, thanks.", f"Fix it\n\nFound by {EMAIL}, thanks."),
        (f"Fix it\n\nThanks to kim <{EMAIL}>.", f"Fix it\n\nThanks to {EMAIL}."),
        (f"Fix it\n\n- Ann van Lee <{EMAIL}>\n- kim {EMAIL}", "Fix it"),
        (f"Fix it\n\nTripped-over: Ann Lee <{EMAIL}>\nRefs: abc", "Fix it\n\nRefs: abc"),
        (f"Write to {EMAIL} only", f"Write to {EMAIL} only"),
    ],
)
def test_names_beside_an_address_go(message, expected):
    assert tidied(message) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fix the lock (#12)", "Fix the lock"),
        ("Fix the lock (fixes #12, #13)", "Fix the lock"),
        ("Fix the lock, closes #12", "Fix the lock"),
        ("Fix the lock. Fixes #12.", "Fix the lock."),
        ("Closes #12\nCloses: owner/repo#13", ""),
        ("Related to https://github.com/a/b/issues/12#issuecomment-1.", ""),
        ("See [#12](https://github.com/a/b/pull/12).", ""),
        ("As discussed in #12, the lock waits.", "the lock waits."),
        ("This was removed in #12, but the lock stayed", "This was removed, but the lock stayed"),
        ("Now that PR #12 adds a way, use it", "Now that PR adds a way, use it"),
        ("#12 introduced a hang", "The issue introduced a hang"),
        ("This fixes #12, where it hung", "This fixes an issue, where it hung"),
        ("#12: wait for the lock", "wait for the lock"),
        ('Revert "Fix the lock (#12)" (#13)', 'Revert "Fix the lock"'),
        ("Wait for the lock\nthat came with\n#12.", "Wait for the lock\nthat came."),
        ("rust-lang/rust#123456 broke it", "The issue broke it"),
        ("Merge request team/lock!12 (!13)", ""),
        ("Handle issue 451 in PR 77", "Handle issue"),
        ("Use `#12` and #123456 as colours of C#7", "Use `#12` and #123456 as colours of C#7"),
        ("Read &#39; and a#1", "Read &#39; and a#1"),
        ("Use the parser. Turns out #408 fixed #380.", "Use the parser."),
        ("#408 fixed the parser", "Another change fixed the parser"),
        ("The new parser fixed #380.", "The new parser fixed an issue."),
        ("Wait for the lock fixes #12", "Wait for the lock"),
        ("Wait for the lock, see #12, closes #13", "Wait for the lock"),
        (
            "Wait for the lock, that will hopefully fix #13",
            "Wait for the lock, that will hopefully fix an issue",
        ),
        ("Try again to fix #12.", "Try again to fix an issue."),
        ("Wait for the lock, fix #12", "Wait for the lock"),
        ("The problem here is #12, again", "The problem here is an issue, again"),
        (
            "The default background is #000, not #123456",
            "The default background is #000, not #123456",
        ),
        ("Change the color from #333 to #444", "Change the color from #333 to #444"),
        ("Set `a` to #000", "Set `a` to #000"),
        ("color: #123", "color: #123"),
        ("Fix the background (#123)", "Fix the background"),
        ("Change colors as in #1234", "Change colors"),
        ("Wait for it.\nPart-of: #7422.", "Wait for it."),
        ("Wait for it.\nTracking-issue: #7422, #12", "Wait for it."),
        ("Wait for the lock (c.f. #628)", "Wait for the lock"),
        ("Wait (for the lock,\nc.f. #628) and go", "Wait (for the lock) and go"),
        ("Wait, if need be (e.g. #12).", "Wait, if need be."),
    ],
)
def test_numbers_of_issues_go_with_what_leads_to_them(text, expected):
    assert without_numbers(text) == expected


def test_a_sentence_on_numbers_that_lacks_its_end_goes():
    text = "Big clean-up. Closes #34 The unwraps were replaced.\nFixes #12 It hung.\n"
    assert without_numbers(text) == "Big clean-up. The unwraps were replaced.\nIt hung.\n"
    # What stands behind the number may be what is fixed.
    assert "Windows" in without_numbers("Fixes #12 Windows builds hang.")
    assert without_numbers("Fixes #12 Windows builds hang.").startswith("Fixes")


def test_numbers_stay_by_choice():
    message = "Fix the lock (#12)\n\nCloses #13"
    assert tidy(message, keeps_numbers=True) == message


def test_a_message_of_the_most_characters_is_whole():
    assert cut("a" * MAX_MESSAGE_CHARS) == ("a" * MAX_MESSAGE_CHARS, False)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Subject\n\n" + "A sentence. " * 30 + "\n\nAn example:\n\n" + "b " * 500,
         "Subject\n\n" + ("A sentence. " * 30).rstrip()),
        ("Subject\n\n" + "A sentence. " * 90, "Subject\n\n" + ("A sentence. " * 82).rstrip()),
        ("word " * 300, ("word " * 199).rstrip()),
        ("Subject\n\nA text of\n\n" * 20 + "```\n" + "code\n\n" * 200 + "```",
         ("Subject\n\nA text of\n\n" * 20).rstrip()),
        ("Subject\n\n" + "Measured on a machine. " * 12 + "By input:\n\n```\n" + "sort: 12\n" * 99,
         "Subject\n\n" + "Measured on a machine. " * 12 + "By input:"),
        ("Subject\n\n```\n" + "sort: 12\n" * 199, "Subject\n\n```" + "\nsort: 12" * 109),
        ("a" * 2000, "a" * 997),
    ],
)  # fmt: skip
def test_a_longer_one_is_cut_at_a_paragraph_or_else_a_sentence_and_says_so(message, expected):
    shown, is_cut = cut(message)
    assert is_cut
    assert shown == f"{expected}\n\n{CUT_MARK}"
    assert len(shown) <= MAX_MESSAGE_CHARS


BODY = (
    "fn wait(&self) {\n    let guard = self.lock.lock();\n"
    "    self.wake_all(guard, Reason::Timeout);\n}\n"
)


@pytest.mark.parametrize(
    ("message", "holds"),
    [
        ("Wait\n\n" + BODY, True),
        ("Wait\n\n```diff\n" + "".join(f"+{line}\n" for line in BODY.splitlines()) + "```", True),
        ("Wait\n\nCall `let guard = self.lock.lock();` first", False),
        ("Wait for the lock in `wait`", False),
    ],
)
def test_a_message_that_spells_out_most_of_the_new_code_holds_the_target(message, holds):
    assert holds_target(message, "fn wait(&self) {}\n", BODY) is holds


def test_what_stood_there_before_is_no_target():
    assert not holds_target(BODY, BODY, BODY + "fn other() {\n    unrelated();\n}\n")


def test_a_short_line_may_be_asked_for_by_name():
    assert not holds_target("Add\n#[non_exhaustive]", "enum E {}", "#[non_exhaustive]\nenum E {}")
