"""The markers that the extended dialect adds to a tokenizer; `docs/format.md` lists them."""

MARKERS: dict[str, str] = {
    "repository": "in front of the repository's name, where the model has no token for it",
    "file": "in front of a path, where the model has no token for it",
    "module": "in front of the module's path, as in `sync::mpsc`",
    "modify": "the change: a definition that was there before and is there after",
    "add": "the change: new code",
    "delete": "the change: code that goes",
    "move": "the change: code that came from another place and changed on the way",
    "rename": "the change: the file has a new name; in front of the old path",
    "test_code": "the code that changes is test code",
    "message": "the commit's message begins",
    "/message": "the commit's message ends",
    "imports": "the file's `use` declarations begin",
    "/imports": "the file's `use` declarations end",
    "traits": "traits begin, as headers and signatures",
    "/traits": "traits end",
    "structs": "structs, unions and type aliases begin",
    "/structs": "structs, unions and type aliases end",
    "enums": "enums begin",
    "/enums": "enums end",
    "impls": "impls begin, as headers and the signatures in use",
    "/impls": "impls end",
    "functions": "signatures of functions and methods begin",
    "/functions": "signatures of functions and methods end",
    "macros": "macros begin",
    "/macros": "macros end",
    "constants": "constants and statics begin",
    "/constants": "constants and statics end",
    "outline": "signatures of the neighbours in the file begin",
    "/outline": "signatures of the neighbours in the file end",
    "callers": "code that calls what changes begins",
    "/callers": "code that calls what changes ends",
    "tests": "tests of what changes begin",
    "/tests": "tests of what changes end",
    "edits": "edits that came before begin, each with its path, old and new code",
    "/edits": "edits that came before end",
    "part": "the edit is a part of a longer one",
    "old_code": "the old code begins",
    "/old_code": "the old code ends",
    "new_code": "the new code begins; it ends with the end token",
    "/new_code": "the new code of an edit that came before ends",
}


def token_of(marker: str) -> str:
    """Return the spelling of a marker's token."""
    return f"<|{marker}|>"
