"""Meets every pattern of rsidx with texts that are made to keep patterns busy.

`python -m tests.adversarial patterns` or `calls`: prints what takes too long, a line each; a
process that hangs is killed by its limit of CPU time, and its last line says where it was. What
takes longer than a moment must take time in proportion to its text, on whichever machine.
`RSIDX_TEST_CHARS=1000000` is the long run.
"""

import contextlib
import importlib
import os
import pkgutil
import re
import resource
import signal
import sys
import time
import tomllib
from collections import deque
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

N_CHARS = int(os.environ.get("RSIDX_TEST_CHARS", "24000"))
_LIMIT_S, _ALL_S = 3, 600
_MOMENT_S = 0.2
_MOST_GROWTH = 7
"""How much longer a text may take that is four times as long: in quadratic time it is 16."""
_LEAST_ROUNDS, _MOST_ROUNDS = 3, 20
_UNITS = {
    "numbers": "12, ", "digits": "1", "hex list": "0xff, ", "padded numbers": "1" + " " * 50 + ",",
    "spaces": " ", "tabs": "\t", "newlines": "\n", "blank lines": " \r\n", "quotes": '"',
    "backslashes": "\\", "escaped quotes": '\\"', "lifetimes": "'a ", "opening": "([{<",
    "closing": ">}])", "letters": "a", "words": "word ", "slashes": "/", "hex": "0123456789abcdef",
    "escapes": "\\x4f", "base64": "QUJD+/", "urls": "https://user:", "at": "a@", "dots": "a.",
    "dashes": "-", "pem": "-----BEGIN PRIVATE" + " KEY-----\n", "comments": "/*", "docs": "/// a\n",
    "accents": "a\u0301é", "emoji": "\U0001f600", "equals": "a=", "paths": "a::",
    "attributes": "#[", "blank attributes": "#[a]\n\n", "markers": "<<<<<<< a\n",
    "controls": "\x1b[0",
    "nul": "\0", "keywords": "unsafe extern gen const use pub(",
    "empty items": "macro a(trait B<struct C where for<impl<fn(", "tildes": "a!(~",
    "bounds": "fn f<T:,", "errors": "fn f<T:>( #[a] {", "trailers": "signed-off-by: a\n",
}  # fmt: skip


class Text(NamedTuple):
    """A text of any length, which ends with what its pattern does not go on with."""

    name: str
    unit: str
    before: str = ""
    end: str = "\n\x07!"

    def of(self, n_chars):
        """Return it with about `n_chars` between its beginning and its end."""
        return self.before + self.unit * max(1, n_chars // len(self.unit)) + self.end


TEXTS = [Text(name, unit) for name, unit in _UNITS.items()]


def modules():
    """Yield the modules of rsidx whose libraries are there."""
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())
    for package in project["tool"]["setuptools"]["packages"]:
        folder = importlib.import_module(package).__path__
        for info in pkgutil.iter_modules(folder, f"{package}."):
            if info.ispkg or "__main__" in info.name or "migrations" in package:
                continue
            try:
                yield importlib.import_module(info.name)
            except ImportError as error:
                if str(error.name).startswith("rsidx"):
                    raise


def patterns():
    """Return the patterns that modules hold, anywhere in their values, with their names."""
    found = {}

    def look(value, name, depth):
        if isinstance(value, re.Pattern):
            found.setdefault(value, name)
        elif depth and isinstance(value, dict):
            for one in value.values():
                look(one, name, depth - 1)
        elif depth and isinstance(value, (list, tuple, set, frozenset)):
            for one in value:
                look(one, name, depth - 1)
        elif depth and is_dataclass(value) and not isinstance(value, type):
            for field in fields(value):
                look(getattr(value, field.name), name, depth - 1)

    for module in modules():
        for name, value in vars(module).items():
            look(value, f"{module.__name__}.{name}", 4)
    return found


def is_anchored(name):
    """Tell whether a pattern is only ever asked about one place, by the code that names it."""
    source = Path(sys.modules[name.rpartition(".")[0]].__file__).read_text("utf-8")
    used = re.findall(rf"\b{re.escape(name.rpartition('.')[2])}\.(\w+)\(", source)
    return bool(used) and not set(used) - {"match", "fullmatch"}


def pumped(pattern):
    """Yield texts that repeat what the pattern itself repeats."""
    text = (
        pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    )
    tree = re._parser.parse(text, pattern.flags & ~re.UNICODE)
    whole, repeats = _sample(tree, {})
    yield from ((before, unit) for before, unit in repeats if unit)
    yield "", whole or "a"


def _sample(tree, groups):
    """Return a text that a pattern matches, and what of it is repeated, behind what."""
    text, repeats = "", []
    for kind, value in tree:
        name = str(kind)
        inside = []
        piece = ""
        if name == "LITERAL":
            piece = chr(value)
        elif name in ("ANY", "NOT_LITERAL"):
            piece = next(c for c in "a1" if name == "ANY" or ord(c) != value)
        elif name == "IN":
            piece = next(
                (c for c in "a1 ,_-A\n\t" + "".join(map(chr, range(256))) if _is_in(c, value)), ""
            )
        elif name == "BRANCH":
            for branch in value[1]:
                piece, more = _sample(branch, groups)
                inside += more
        elif name == "SUBPATTERN":
            piece, inside = _sample(value[-1], groups)
            groups[value[0]] = piece
        elif name == "ATOMIC_GROUP":
            piece, inside = _sample(value, groups)
        elif name == "GROUPREF":
            piece = groups.get(value, "")
        elif name.endswith("REPEAT"):
            least, most, inner = value
            piece, inside = _sample(inner, groups)
            if most > 8:
                inside = [("", piece), *inside]
            piece *= max(1, least)
        repeats += [(text + before, unit) for before, unit in inside]
        text += piece
    return text, repeats


def _is_in(character, items):
    class_ = re._parser.SubPattern(re._parser.State(), [(re._constants.IN, items)])
    return re._compiler.compile(class_).match(character) is not None


class _TooLongError(Exception):
    pass


def _check(name, call, text):
    """Print the name of a call that takes too long with a text, or more than in proportion."""
    print(name, file=sys.stderr, flush=True)
    try:
        if _seconds(call, text.of(N_CHARS)) > _MOMENT_S:
            whole, part = _least(call, text)
            if whole > _MOST_GROWTH * part:
                print(f"{name}: {whole:.2f} s, and {part:.2f} s for a quarter of it", flush=True)
    except _TooLongError:
        print(name, flush=True)


def _least(call, text):
    """Return the least CPU times of a call with a text and a quarter of it, each taken by turns.

    Others slow down any of them, but not the least of many: where these are not in proportion, it
    goes on for a while.
    """
    whole = part = float("inf")
    for number in range(_MOST_ROUNDS):
        whole = min(whole, _seconds(call, text.of(N_CHARS)))
        part = min(part, _seconds(call, text.of(N_CHARS // 4)))
        if number + 1 >= _LEAST_ROUNDS and whole <= _MOST_GROWTH * part:
            break
    return whole, part


def _seconds(call, text):
    """Return the CPU time of a call; raises _TooLongError where it is not back in time."""
    started = time.process_time()

    def stop(*_):
        # The timer may run on while another process has the processor.
        if time.process_time() - started > _LIMIT_S:
            raise _TooLongError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, _LIMIT_S, 1)
    try:
        call(text)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return time.process_time() - started


def _meet(pattern, text, anchored):
    if isinstance(pattern.pattern, bytes):
        text = text.encode()
    if anchored:
        pattern.match(text)
        pattern.match(text, len(text) // 2)
    else:
        deque(pattern.finditer(text), maxlen=0)


def check_patterns():
    """Meet each pattern with each text."""
    for pattern, name in patterns().items():
        anchored = is_anchored(name)
        found = list(TEXTS)
        for number, (before, unit) in enumerate(pumped(pattern)):
            found.append(Text(f"pumped {number}", unit, before, "\x07!"))
            for row in (before + unit * 100, f"{before} {unit} "):
                found.append(Text(f"repeated {number} {len(row)}", row, end="\x07!"))
        for text in {text.of(N_CHARS): text for text in found}.values():
            call = partial(_meet, pattern, anchored=anchored)
            _check(f"{name} {text.name}", call, text)


def _calls(tokenizer):
    """Return what meets a repository's text with more than patterns of ours.

    A tokenizer, the parser and what reads Rust's tokens take time in proportion to a text, but
    seconds for a megabyte; so they get a part of it.
    """
    from tokenizers import Tokenizer  # noqa: PLC0415

    from rsidx.exporters.edits import diff, fingerprint, splitting, tiny  # noqa: PLC0415
    from rsidx.exporters.examples import message, redaction  # noqa: PLC0415
    from rsidx.exporters.filters import commits, globs, hygiene, secrets  # noqa: PLC0415
    from rsidx.exporters.verify import rows  # noqa: PLC0415
    from rsidx.indexer import cargo, gitattributes  # noqa: PLC0415
    from rsidx.indexer.rust.gaps import masked  # noqa: PLC0415
    from rsidx.indexer.rust.parser import parse  # noqa: PLC0415
    from rsidx.output import printable  # noqa: PLC0415

    encoder = Tokenizer.from_file(tokenizer)

    def split(text):
        with contextlib.suppress(splitting.UnsplittableError):
            splitting.split(text.encode(), text[::-1].encode(), [], [], max_chars=4000)

    def compare(text):
        # Time grows with the square up to a limit, which not all of the shorter texts reach.
        text *= max(1, 250_000 // N_CHARS)
        lines = text.splitlines() + text[: len(text) // 10].split(" ")
        diff.opcodes(["a", *lines, "b", *lines], [*lines[::-1], *lines, "c"])

    def tell(text):
        part = text[: len(text) * 20 // 100].encode()
        tiny.tiny_kind(b"#[a\n" + part, b"#[b" + part)

    return {
        "encoded": lambda text: hygiene.is_encoded(text.encode()),
        "long lines": lambda text: hygiene.has_long_lines(text.encode()),
        "letters": lambda text: hygiene.has_few_letters(text.encode()),
        "message": lambda text: commits.is_uninformative(text, 10),
        "row's message": lambda text: message.cut(message.tidy(text, keeps_numbers=False)),
        "names": lambda text: message.tidy(text.replace("@", redaction.EMAIL), keeps_numbers=True),
        "tiny edit": tell,
        "told": lambda text: message.holds_target(text[:1000], "", text),
        "patch": lambda text: fingerprint.PatchFingerprint.of(text.encode(), text[::-1].encode()),
        "attributes": lambda text: gitattributes.read(text.encode()),
        "manifest": lambda text: cargo.read(b'a = "' + text.encode()),
        "pattern": lambda text: globs.matches("*" + text[:2000] + "*z", text[:4000]),
        "stars": lambda text: globs.matches("/".join(f"*{c}" for c in text[:2000]), text[:9000]),
        "placeholders": lambda text: rows._fills(
            [b"", *text.encode().split(), b"z"], b"a" * N_CHARS
        ),
        "secrets": lambda text: secrets.secrets_in(text.encode()),
        "emails": lambda text: deque(redaction._EMAIL.finditer(text.encode()), maxlen=0),
        "parts": split,
        "difference": compare,
        "terminal": printable,
        "tokenizer": lambda text: encoder.encode(text[: len(text) * 6 // 100]).ids,
        "gaps": lambda text: masked(text.encode()),
        "parser": lambda text: parse(text[: len(text) * 3 // 100].encode()),
    }


def check_calls(tokenizer):
    """Give each text to each call."""
    for name, call in _calls(tokenizer).items():
        for text in TEXTS:
            _check(f"{name} {text.name}", call, text)


def files(n_chars, change):
    """Return a repository's files that hold the texts; `change` puts something else in each."""
    found = {"Cargo.toml": '[package]\nname = "p"\nversion = "0.1.0"\nlicense = "MIT"\n'}
    mods = []
    for number, plain in enumerate(text.of(n_chars) for text in TEXTS):
        middle = len(plain) // 2
        text = f"{plain[:middle]}{change}{plain[middle:]}{change}".replace("\0", "\1")
        quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "")
        lines = "\n".join(f"    // {line}" for line in text.splitlines())
        found[f"src/m{number}.rs"] = (
            f"use crate::m0::f0;\n\n/// Says what {number} says.\n"
            f"pub fn f{number}() -> &'static str {{\n"
            f'    let said = "{quoted}";\n{lines}\n    f0();\n    said\n}}\n\n'
            f'macro_rules! m{number} {{\n    ({change}) => {{ "{quoted}" }};\n}}\n'
        )
        found[f"src/raw{number}.rs"] = text[middle - n_chars // 20 : middle + n_chars // 20]
        found[f"a{number}/.gitattributes"] = f"*{text[:999].split()[:1]} linguist-generated\n"
        found[f"c{number}/Cargo.toml"] = f"[package]\nname = '{text[:999]}"
        mods.append(f"mod m{number};\n")
    found["src/lib.rs"] = "".join(mods) + "pub fn all() {}\n" * (n_chars // 100)
    return found


def check_pipeline(folder, tokenizer):
    """Index, export and verify the repository in a folder, with nothing left out."""
    from rsidx.exporters.config import ExportConfig  # noqa: PLC0415
    from rsidx.exporters.export import export  # noqa: PLC0415
    from rsidx.exporters.filters.registry import KEEPABLE  # noqa: PLC0415
    from tests.indexes import Index  # noqa: PLC0415
    from tests.repositories import Repo  # noqa: PLC0415

    index = Index(Repo(Path(folder)), Path(folder, "index.db"))
    index.sync(max_bytes=1 << 22)
    options = (
        {"kind": "edit", "earlier": ("commit", "history"), "no_edit": 0.2},
        {"kind": "edit", "level": "file", "context_with": ("callers", "tests", "names")},
        {"kind": "sequence"},
        {"kind": "fim"},
    )
    for one in options:
        out = Path(folder, f"out {one['kind']} {len(one)}")
        config = ExportConfig(
            tokenizer,
            split="1,0,0",
            keep=tuple(name for name in KEEPABLE if name != "secrets"),
            max_chars=20_000,
            max_tokens=16_384,
            **one,
        )
        started = time.process_time()
        n_rows = export(index.database, out, config)["counts"]["examples"]["train"]
        print(one, n_rows, f"{time.process_time() - started:.1f} s", file=sys.stderr, flush=True)
        problems = index.problems(out)
        if problems or not n_rows:
            print(one, n_rows, problems[:3])


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (_ALL_S, _ALL_S + 1))
    checks = {"patterns": check_patterns, "calls": check_calls, "pipeline": check_pipeline}
    checks[sys.argv[1]](*sys.argv[2:])
