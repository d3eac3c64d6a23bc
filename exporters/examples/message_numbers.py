"""Numbers of issues and pull requests in a message: nobody who asks for a change knows them.

`Fix the lock (#12)` becomes `Fix the lock`, a sentence such as `Closes #12.` goes as a whole, and
`as said in #12, the lock` becomes `as said, the lock`. Code in a message keeps its numbers.
"""

import re

_REF = "\ue0fd"
"""Stands for a number, or several in a row."""
_GONE = "\ue0fc"
"""Stands where something was removed; what is around it is joined afterwards."""
_ADDRESS = re.compile(
    r"https?://[^\s()<>\[\]]{1,200}?/(?:issues|pulls?|pull-requests|merge_requests|discussions)/"
    r"\d{1,7}+(?:[/#?][\w/#?=&.%-]*\w)?+"
)
_NUMBER = re.compile(
    r"(?<![\w/&#.!-])(?:[A-Za-z][\w-]{1,40}+(?:/[\w.-]{1,100}+)?)?#(?P<digits>\d{1,6})(?![\w#])"
    r"|(?<![\w/&#.!-])[\w-]{1,40}+/[\w.-]{1,100}+!\d{1,6}+(?!\w)"
    r"|(?<=\()!\d{1,6}+(?=\))"
    r"|\bGH-\d{1,6}+(?!\w)"
    r"|(?:(?<=\bissue )|(?<=\bIssue )|(?<=\bPR ))\d{2,6}+(?![\w.]\w)(?!\w)"
)
_MAX_DIGITS = 5
"""Six digits behind a `#` are a colour, unless a repository or a word for a number is in front."""
_BEFORE_A_NUMBER = frozenset(
    "fix fixes fixed close closes closed resolve resolves resolved see issue pr refs".split()
)
_COLOUR = re.compile(
    r"\b(?:background|foreground|colou?r|hex|rgb|css)(?:s|ed)?"
    r"(?:\s{1,3}(?:is|was|are|were|be|to|of|from|as|with|the|like|default|now)\b"
    r"|\s{1,3}\#[0-9A-Fa-f]{3,6}\b|\s{0,3}[:=])*+\s{0,3}[\"']?\Z",
    re.IGNORECASE,
)
_DIGITS_OF_A_COLOUR = (3, 6)
_LINK = re.compile(rf"\[{_REF}\](?:\([^()\s]{{0,300}}\)|:)?")
_SEVERAL = re.compile(rf"{_REF}(?:(?:[\s,;&/]|and\b|or\b){{1,6}}{_REF})+")
_IN_BRACKETS = re.compile(
    rf"[(\[](?P<words>[^()\[\]{_REF}]{{0,60}}{_REF}[^()\[\]{_REF}]{{0,20}})[)\]]"
)
_SENTENCE_END = re.compile(r"(?<=[.!?;])(?<!\b[A-Za-z]\.[A-Za-z]\.)(?<!\bcf\.)[ \t]+")
_ENDS = (".", "!", "?", ":", ";")
_ITEM = re.compile(r"[ \t]{0,12}+(?:[*+-]|\d{1,3}[.)])[ \t]")
_KEYWORD = re.compile(
    r"\W{0,8}(?:and )?(?:fix|clos|resolv|address|see|ref|relat|part|pr\b|issue|merge|cc\b)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]++(?:'[^\W\d_]++)*+")
_TRAILER = re.compile(rf"[A-Za-z][\w-]{{1,40}}+:\s*+{_REF}[\s,;.{_REF}]*+")
_NOUN = r"(?:\b(?P<noun>issues?|prs?|pull requests?|tickets?|bugs?)\s{1,3})?"
_COMPARE = r"c\.?\s?f\.?"
_CLAUSE = re.compile(
    rf"(?P<link>(?:[,;:(\u2013-]|\band|(?<!{_REF}))\s{{1,3}}"
    r"(?:(?:also|which|this|that|partially|hopefully|should)\s)?)"
    r"(?:(?P<verb>close[sd]?|closing|fix(?:es|ed|ing)?|resolve[sd]?|address(?:es|ed)?)"
    rf"|see(?: also)?|refs?|re|{_COMPARE}):?\s{{1,3}}{_NOUN}{_REF}"
    rf"(?=[.!,]?[\s{_GONE}]{{0,3}}(?:\n|\Z))",
    re.IGNORECASE,
)
_NO_STOP = re.compile(
    rf"(?P<begin>\A|\n|[.!?]\s{{1,3}})(?:close[sd]?|fix(?:es|ed)|resolve[sd]?):?\s{{1,3}}{_NOUN}{_REF}"
    r"\s{1,3}(?=(?-i:The|This|That|These|Those|It|I|We|An?|And|Also|Now|When|If|There)\b)",
    re.IGNORECASE,
)
"""`Closes #12 The lock …`, a sentence that lacks its end."""
_END_OF_BRACKETS = re.compile(
    rf"[,;]?\s{{1,3}}(?:see(?: also)?|refs?|re|{_COMPARE}|[ei]\.?[ge]\.?|fixes|closes):?\s{{1,3}}"
    rf"{_NOUN}{_REF}(?=\s{{0,3}}\))",
    re.IGNORECASE,
)
_DETERMINER = re.compile(
    r"\s{0,3}(?:[*+-]\s)?(?:the|this|that|these|those|it|an?|our|my|your|i|we|he|she|they|turns)\b",
    re.IGNORECASE,
)
"""What a sentence with a subject of its own begins with; `Wait for the lock` has none."""
_SENTENCE_BEGIN = re.compile(r"[.!?:;]\s|\n\n")
_OBJECT = re.compile(
    r"\b(?P<verb>(?:close[sd]?|closing|fix(?:es|ed|ing)?|(?:re)?solve[sd]?"
    rf"|address(?:es|ed|ing)?)\s{{1,3}})(?:the\s{{1,3}})?{_NOUN}{_REF}(?=,|\s{{1,3}}[a-z]|[.!)]?\s*(?:\n|\Z))",
    re.IGNORECASE,
)
_CONNECTOR = (
    r"(?:because|as (?:a )?part|on top|in favou?r) of|(?:due|thanks|similar) to"
    r"|(?:same |such )?as(?: (?:per|in|of|by|(?:said|seen|discussed|described|reported|mentioned"
    r"|noted|suggested|requested|explained) in))?"
    r"|in|by|from|of|with|for|at|see|via|since|after|before|to|per|on|like"
)
_VERB = (
    r"is|was|were|are|has|had|have|does|did|will|would|can|could|should|may|might|found|adds?"
    r"|added|introduce[sd]?|broke|change[sd]?|made|makes|lands?|landed|gets?|got|needs?|wants?"
    r"|show(?:s|ed)|remove[sd]|reported|mentions|describes|asks|says|also|already|accidentally"
    r"|only|moved|switched"
)
_DEED = r"fix(?:es|ed)|close[sd]|resolve[sd]|solve[sd]|address(?:es|ed)"
_COPULA = re.compile(r"\b(?:is|was|are|were|be|than|not)\s{1,3}\Z")
_INLINE = re.compile(
    rf"(?:\b(?P<connector>{_CONNECTOR})\s{{1,3}})?"
    rf"(?P<object>(?:\b(?:the|this|that)\s{{1,3}}(?=[a-z]{{2,7}}(?: requests?)?\s))?{_NOUN}{_REF})"
    rf"(?:(?P<verb>(?=\s(?:{_VERB})\b))|(?P<deed>(?=\s(?:{_DEED})\b)))?",
    re.IGNORECASE,
)
_SUBJECT, _BEGINNING, _OBJECT_OF = "the issue", "The issue", "an issue"
_DOER, _DOER_BEGINNING = "another change", "Another change"
"""What stands for a number that a verb needs."""
_BEFORE_A_SENTENCE = (". ", ".\n", "! ", "? ", "- ", "* ")
_LEADING = re.compile(r"[ \t]*+(?:[:,;.\u2013-]++[ \t]++)?")
_STOPS = (".", ",", ";", ":", "!", "?")
_CLOSES = frozenset(",.;:!?)]}\n")
_ABOUT_NUMBERS = frozenset(
    "fix fixes fixed fixing close closes closed closing resolve resolves resolved resolving "
    "solve solves address addresses addressed addressing ref refs reference references "
    "related relates relate to see also part of issue issues pr prs pull request requests "
    "partially partly should this that it is was supersedes supercedes superseded replaces "
    "merge merges merged follow followup follow-up follows up in from for on by via at and or "
    "the a an with bug bugs ticket tickets tracking cc re implements implement implementing "
    "hopefully probably possibly may might could would will can previous earlier above "
    "mentioned discussed discussion comment comments more information info details detail "
    "context background similar same as continuation continues continue towards toward "
    "progress backport backports depends requires due because revert reverts reverted "
    "upstream github refer link links task inspired reported found suggested noticed caused "
    "missed broken introduced requested seen based alternative preparation prepares step "
    "needed were been helps contributes builds top before after prior corresponding partial "
    "obsoleted initially c f cf e g i turns out commit commits patch".split()
)
"""Words of sentences that only name numbers."""


def without_numbers(text: str) -> str:
    """Return a paragraph of a message without numbers of issues and pull requests.

    Sentences and lines that say nothing else go as a whole, so it may come back empty.
    """
    marked = _marked(text)
    if _REF not in marked:
        return text
    lines: list[str] = []
    for line in _IN_BRACKETS.sub(_bracket, marked).split("\n"):
        if _REF not in line:
            lines.append(line)
            continue
        begins = not lines or lines[-1].endswith(_ENDS) or _ITEM.match(line) or _KEYWORD.match(line)
        is_trailer = (begins or line[:1].isupper()) and _TRAILER.fullmatch(line)
        if not (is_trailer or (begins and _says_only_numbers(line))):
            lines.append(_without_sentences(line))
    rest = _END_OF_BRACKETS.sub(_GONE, "\n".join(lines))
    rest = _NO_STOP.sub(r"\g<begin>", rest)
    # Once more for a clause that only another one stands behind.
    rest = _CLAUSE.sub(_without_clause, _CLAUSE.sub(_without_clause, rest))
    rest = _OBJECT.sub(rf"\g<verb>{_OBJECT_OF}", rest)
    return _joined(_INLINE.sub(_connected, rest))


def _marked(text: str) -> str:
    """Return a text with `_REF` in place of each number outside of code."""
    pieces = text.replace(_REF, "").replace(_GONE, "").split("`")
    if len(pieces) % 2 == 0:
        # A backtick without its partner begins no code.
        pieces[-2:] = ["`".join(pieces[-2:])]
    for at in range(0, len(pieces), 2):
        piece = _NUMBER.sub(_referred, _ADDRESS.sub(_REF, pieces[at]))
        if _REF in piece:
            pieces[at] = _SEVERAL.sub(_REF, _LINK.sub(_REF, piece))
    return "`".join(pieces)


def _referred(match: "re.Match[str]") -> str:
    if match[0].startswith("#") and _is_colour(match):
        return match[0]
    if len(match["digits"] or "") <= _MAX_DIGITS or not match[0].startswith("#"):
        return _REF
    before = match.string[max(0, match.start() - 20) : match.start()]
    word = before.rstrip(" \t:").rpartition(" ")[2].casefold()
    return _REF if before.endswith("(") or word in _BEFORE_A_NUMBER else match[0]


def _is_colour(match: "re.Match[str]") -> bool:
    """Tell whether digits behind a `#` are a colour: no issue has a number that begins with 0."""
    if match["digits"].startswith("0"):
        return True
    before = match.string[max(0, match.start() - 60) : match.start()]
    return len(match["digits"]) in _DIGITS_OF_A_COLOUR and _COLOUR.search(before) is not None


def _without_clause(match: "re.Match[str]") -> str:
    """Return what is left of a clause on what a change closes: a sentence keeps its verb."""
    if (match["verb"] or "").casefold() == "fix" and match["link"][:1].isspace():
        return match[0]
    if match["verb"] and not match["link"].strip():
        sentence = _SENTENCE_BEGIN.split(match.string[: match.start()])[-1]
        if _DETERMINER.match(sentence):
            return match[0]
    return _GONE


def _bracket(match: "re.Match[str]") -> str:
    inside = match["words"]
    return _GONE if _says_only_numbers(inside) else match[0]


def _says_only_numbers(text: str) -> bool:
    return "`" not in text and _ABOUT_NUMBERS.issuperset(_WORD.findall(text.casefold()))


def _without_sentences(line: str) -> str:
    item = _ITEM.match(line)
    begin = item.end() if item else 0
    sentences = _SENTENCE_END.split(line[begin:])
    if len(sentences) == 1:
        return line
    kept = [one for one in sentences if _REF not in one or not _says_only_numbers(one)]
    return line[:begin] + " ".join(kept)


def _connected(match: "re.Match[str]") -> str:
    """Return what is left of a number in a sentence, and of the words that lead to it."""
    if match["verb"] is not None or match["deed"] is not None:
        before = match[0][: match.start("object") - match.start()]
        names = (_SUBJECT, _BEGINNING) if match["deed"] is None else (_DOER, _DOER_BEGINNING)
        subject = names[_begins_sentence(match)]
        return before + (match["object"].replace(_REF, _GONE) if match["noun"] else subject)
    if not (match["connector"] or match["noun"]) and _COPULA.search(
        match.string, max(0, match.start() - 10), match.start()
    ):
        return _OBJECT_OF
    if match["connector"] or not match["noun"]:
        return _BEGINNING if _begins_sentence(match) else _GONE
    return match["object"].replace(_REF, _GONE)


def _begins_sentence(match: "re.Match[str]") -> bool:
    """Tell whether a number alone is what a sentence begins with, and a word goes on."""
    text, start, end = match.string, match.start(), match.end()
    if match["connector"] or not (text[end : end + 1] == " " and text[end + 1 : end + 2].islower()):
        return False
    return not start or text[max(0, start - 2) : start] in _BEFORE_A_SENTENCE


def _joined(text: str) -> str:
    """Return a text with what is around each removed place joined."""
    first, *others = text.split(_GONE)
    pieces = [first]
    for piece in others:
        before = pieces[-1].rstrip(" \t")
        if before.endswith("\n") and before.strip() and piece[:1] in _STOPS:
            # The end of a sentence that goes back to the line before.
            pieces[-1] = before.rstrip()
            pieces.append(piece)
            continue
        begins = not before.strip() if len(pieces) == 1 else not before
        if begins or before.endswith("\n") or _ITEM.fullmatch(f"{before.rpartition(chr(10))[2]} "):
            after = piece[_LEADING.match(piece).end() :]  # type: ignore[union-attr]
            before = pieces[-1]
        else:
            after = piece.lstrip(" \t")
            if after and after != piece and after[0] not in _CLOSES:
                after = f" {after}"
        pieces[-1] = before
        pieces.append(after)
    return "\n".join(line.rstrip() for line in "".join(pieces).split("\n"))
