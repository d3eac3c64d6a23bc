"""What of a model's answer is code: one rule, for whoever puts an answer into a file.

1. End tokens at the end of the answer are left out, with the blanks behind them.
2. The first line that is not blank is left out if it begins with a fence, three or more backticks,
   and the last one if it is the same fence, where no other line begins with as many.

Anything else is code: prose around it is refused by the parser, not guessed at.
"""

import re
from dataclasses import dataclass

END_TOKENS = (
    "<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eos|>", "<EOT>", "<|im_end|>",
    "<|eot_id|>", "<file_sep>", "<|file_sep|>", "<|file_separator|>",
    "<\uff5cend\u2581of\u2581sentence\uff5c>",
)  # fmt: skip
"""What models end an answer with, of all families that rsidx writes rows for."""
_END_TOKENS = tuple(token.encode() for token in END_TOKENS)
_BLANK = b" \t\r\n"
_FENCE = re.compile(r"\s*+(`{3,})")
_FENCE_BYTES = re.compile(rb"\s*+(`{3,})")
_SHORTEST = "```"


@dataclass(frozen=True, slots=True)
class Answer:
    """The code of an answer, and in words what was left out of it."""

    code: bytes
    left_out: tuple[str, ...] = ()


def read_answer(text: bytes) -> Answer:
    """Return the code of an answer."""
    code, token = _without_end_tokens(text)
    left_out = [f"the end token {token}"] if token else []
    lines = code.splitlines(keepends=True)
    filled = [number for number, line in enumerate(lines) if line.strip()]
    runs = {number: n for number in filled if (n := _n_backticks(lines[number]))}
    opens = bool(runs) and filled[0] in runs
    length = runs[filled[0]] if opens else runs.get(filled[-1], 0) if filled else 0
    fences = [number for number, n in runs.items() if n >= length]
    closes = fences[-1:] == filled[-1:] != filled[:1] and lines[filled[-1]].strip() == b"`" * length
    if fences and len(fences) == opens + closes:
        start, end = filled[0] + 1 if opens else 0, filled[-1] if closes else len(lines)
        code = b"".join(lines[start:end])
        left_out.append("the lines of ```" if len(fences) > 1 else "a line of ```")
    return Answer(code, tuple(left_out))


def _n_backticks(line: bytes) -> int:
    """Return how many backticks a line begins with, if they are a fence; else 0."""
    found = _FENCE_BYTES.match(line)
    return len(found[1]) if found else 0


def fence_for(*texts: str) -> str:
    """Return a fence that none of some texts has at the beginning of a line."""
    runs = (_FENCE.match(line) for text in texts if _SHORTEST in text for line in text.split("\n"))
    longest = max((len(run[1]) for run in runs if run), default=0)
    return "`" * max(len(_SHORTEST), longest + 1)


def _without_end_tokens(text: bytes) -> tuple[bytes, str]:
    """Return an answer up to the end tokens that it ends with, and the first of these."""
    end, found = len(text), b""
    while True:
        last = end
        while last and text[last - 1] in _BLANK:
            last -= 1
        token = next((one for one in _END_TOKENS if text.endswith(one, 0, last)), None)
        if token is None:
            return (text[:end], found.decode()) if found else (text, "")
        end, found = last - len(token), token
