"""Having rustdoc write a crate's source pages, and reading the links in them."""

import html.parser
import os
import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_WORD = re.compile(r"[A-Za-z_]\w*")


def document(crate: dict[str, object], source: Path, out: Path) -> str:
    """Run rustdoc on a crate; return its complaint, empty if there is none."""
    name = str(crate["name"])
    command = ["rustdoc", str(source / str(crate["root"])), "--crate-name", name]
    command += ["--edition", str(crate["edition"]), "--cap-lints", "allow", "-o", str(out)]
    command += ["-Zunstable-options", "--generate-link-to-definition", "--document-private-items"]
    for cfg in crate.get("cfg", ()):  # type: ignore[attr-defined]
        command += ["--cfg", str(cfg)]
    environment = {**os.environ, "RUSTC_BOOTSTRAP": "1", "CARGO_PKG_VERSION": "0.0.0"}
    for part in ("MAJOR", "MINOR", "PATCH", "PRE"):
        environment[f"CARGO_PKG_VERSION_{part}"] = "0"
    environment["CARGO_PKG_NAME"] = environment["CARGO_CRATE_NAME"] = name
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("error")]
    return "" if done.returncode == 0 else (lines or ["rustdoc failed"])[0]


def edition(source: Path, crate: dict[str, object]) -> str:
    """Return the edition that a crate's manifest names, or its workspace's."""
    folder = PurePosixPath(str(crate["root"])).parent.parent
    for manifest in (source / folder / "Cargo.toml", source / "Cargo.toml"):
        if manifest.exists():
            facts = tomllib.loads(manifest.read_text("utf-8"))
            for table in (facts.get("package"), facts.get("workspace", {}).get("package")):
                if table and isinstance(table.get("edition"), str):
                    return str(table["edition"])
    return "2015"


@dataclass(frozen=True)
class Link:
    """An identifier of a page: where it ends in the file's text, and where it leads."""

    end: int
    text: str
    target: str
    first_line: int
    last_line: int


class _Page(html.parser.HTMLParser):
    """Reads the code of a source page: its text, and the ranges that are links."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.length = 0
        self.links: list[tuple[int, int, str]] = []
        self._inside = False
        self._skipping = False
        self._open: list[tuple[int, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "pre" and "rust" in (given.get("class") or ""):
            self._inside = True
        elif tag == "a" and self._inside:
            self._skipping = "data-nosnippet" in given
            if not self._skipping:
                self._open.append((self.length, given.get("href") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "pre":
            self._inside = False
        elif tag == "a" and self._inside:
            if self._skipping:
                self._skipping = False
            elif self._open:
                start, href = self._open.pop()
                self.links.append((start, self.length, href))

    def handle_data(self, data: str) -> None:
        if self._inside and not self._skipping:
            self.parts.append(data)
            self.length += len(data)


def read_page(page: Path, name: str) -> tuple[str, list[Link]]:
    """Return a page's code and its links; `name` is the file's, relative to the crate's root."""
    parser = _Page()
    parser.feed(page.read_text("utf-8"))
    text = "".join(parser.parts)
    links = []
    for start, end, href in parser.links:
        words = list(_WORD.finditer(text, start, end))
        if not words:
            continue
        last = words[-1]
        if href.startswith("http"):
            links.append(Link(last.end(), last.group(), "", 0, 0))
            continue
        address, _, lines = href.partition("#")
        if (address and not address.endswith(".rs.html")) or not re.fullmatch(r"\d+(-\d+)?", lines):
            continue
        first, _, final = lines.partition("-")
        folder = PurePosixPath(name).parent
        target = os.path.normpath(folder / address.removesuffix(".html")) if address else name
        links.append(Link(last.end(), last.group(), target, int(first), int(final or first)))
    return text, links
