"""What leads up to a later part of new code can be exchanged in a question, whatever is in it."""

import pytest

from rsidx.exporters.rendering.chat import lead_of, with_lead

QUESTION = "Change it.\n\n{lead}It is a part of a longer item.\nAnswer with the new code alone."
FENCED = "The new code so far:\n{fence}rust\n{code}{fence}\n\n"


@pytest.mark.parametrize(
    ("code", "fence"),
    [
        ("fn f() {\n    g();\n", "```"),
        # In documentation a fence stands behind the beginning of a line.
        ("//! ```\n//! x();\n//! ```\n\nuse a;\n", "```"),
        ("```\nx\n```\n\ny\n", "````"),
    ],
)
def test_the_commit_s_own_code_leaves_a_question_whole(code, fence):
    question = QUESTION.format(lead=FENCED.format(fence=fence, code=code))
    assert lead_of(question) == code
    other = "fn own() {}\n"
    expected = QUESTION.format(lead=FENCED.format(fence="```", code=other))
    assert with_lead(question, other) == expected
