"""Take `docs/report.png` and `docs/inspect.svg`, the pictures of `docs/inspecting.md`.

They show what `make demo` made:

    make demo && python docs/pictures.py

Needs chromium; nothing else does.
"""

import os
import pty
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).parent
DEMO = DOCS.parent / "demo"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
_N_LINES = 36


def main() -> None:
    """Take them."""
    subprocess.run(rsidx("report", str(DEMO / "dataset"), "--to", str(DEMO / "r.html")), check=True)
    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = chromium.new_page(viewport={"width": 1100, "height": 1000})
        page.goto((DEMO / "r.html").as_uri())
        page.evaluate("document.querySelector('#rows').scrollIntoView()")
        page.get_by_label("Change", exact=True).select_option("modify")
        page.locator("details.row:not([hidden]) summary").first.click()
        page.screenshot(path=str(DOCS / "report.png"))
        chromium.close()
    lines = in_terminal(rsidx("inspect", str(DEMO / "dataset"), "9")).splitlines()[:_N_LINES]
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=110, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi("\n".join(lines)))
    picture = console.export_svg(title="rsidx inspect dataset 9", unique_id="rsidx")
    # No font is fetched: the reader's own will do.
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)
    (DOCS / "inspect.svg").write_text(picture)


def in_terminal(command: list[str]) -> str:
    """Return what a command prints on a terminal, with its colours."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdout=theirs) as process:
        os.close(theirs)
        read = []
        with suppress(OSError):  # The end of a terminal that is gone.
            while data := os.read(ours, 1 << 16):
                read.append(data)
        process.wait()
    os.close(ours)
    return b"".join(read).decode().replace("\r\n", "\n")


def rsidx(*arguments: str) -> list[str]:
    """Return the command."""
    return [sys.executable, "-P", "-m", "rsidx", *arguments]


if __name__ == "__main__":
    main()
