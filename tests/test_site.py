"""The documentation's site: it builds without a warning, and loads nothing from outside."""

import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click
import pytest

from rsidx.commands.root import root
from rsidx.option import key_of, leaves
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.slow
pytest.importorskip("furo", reason="the `docs` extra is not installed")
ROOT = Path(__file__).parents[1]
BUILT = os.environ.get("RSIDX_TEST_SITE")
"""Where `make docs` has just built the site, so that it is not built again."""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_URL_IN_CSS = re.compile(r"""(?:url\(|@import)\s*["']?([^"')\s]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if BUILT is not None:
        return Path(BUILT)
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", folder / "doctrees",
         ROOT / "docs", folder / "pages"],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "pages"


class Loads(HTMLParser):
    """Collects what a browser fetches for a page by itself; a link that is clicked is none."""

    def __init__(self, page):
        super().__init__()
        self.addresses = []
        self._is_style = False
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        values = {name: value for name, value in attributes if value}
        self._is_style = tag == "style"
        if tag != "a":
            self.addresses += [values[n] for n in ("src", "href", "data", "poster") if n in values]
            self.addresses += [a.split()[0] for a in values.get("srcset", "").split(",") if a]
        self.addresses += in_css(values.get("style", ""))

    def handle_data(self, data):
        if self._is_style:
            self.addresses += in_css(data)


def in_css(text):
    return _URL_IN_CSS.findall(text)


def outside(addresses):
    return [a for a in addresses if re.match(r"(?:https?:)?//", a.strip(), re.IGNORECASE)]


@pytest.mark.parametrize(
    "page",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/a.css">',
        '<img alt="" src="http://example.com/a.png">',
        '<img alt="" srcset="a.png 1x, https://example.com/a.png 2x">',
        "<style>@import 'https://example.com/a.css';</style>",
        '<p style="background: url(https://example.com/a.png)">',
        '<iframe src="HTTPS://example.com"></iframe>',
    ],
)
def test_a_load_from_outside_is_seen(page):
    assert outside(Loads(page).addresses)


def test_a_link_that_a_person_clicks_is_no_load():
    assert not outside(Loads('<a href="https://example.com">here</a>').addresses)


def test_the_pages_load_nothing_from_outside(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        addresses = Loads(page.read_text("utf-8")).addresses
        assert any(address.endswith(".css") or ".css?" in address for address in addresses)
        assert not outside(addresses), page
    for sheet in site.rglob("*.css"):
        assert not outside(in_css(sheet.read_text("utf-8"))), sheet


def test_every_command_and_option_is_on_the_page_of_commands(site):
    ids = set(re.findall(r'id="(cmdoption-[^"]+)"', (site / "cli.html").read_text("utf-8")))
    shared = {"repo", "config", "db", "name", "log-level"}
    assert {f"cmdoption-Shared-options-{key}" for key in shared} <= ids
    expected = {
        "-".join(("cmdoption-rsidx", *names, key_of(option)))
        for names, command in leaves(root, ())
        for option in command.params
        if isinstance(option, click.Option) and not command.hidden
        if key_of(option) not in shared
    }
    assert "cmdoption-rsidx-export-max-tokens" in expected
    assert expected <= ids


@pytest.fixture
def served(site):
    """Give the site's address on a server, as a forge has it: a search reads pages by script."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = partial(Quiet, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.filterwarnings("default")
def test_a_browser_asks_nobody_else_and_reports_no_error(served):
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    complaints = []
    flags = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(
            executable_path=CHROMIUM, args=flags, timeout=PATIENCE_S * 1000
        )
        opened = chromium.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("response", lambda response: complaints.append(response.url)
                  if response.status >= 400 else None)  # fmt: skip
        opened.on("request", lambda request: complaints.append(request.url)
                  if not request.url.startswith((served, "data:")) else None)  # fmt: skip
        opened.set_default_timeout(PATIENCE_S * 1000)
        for page in ("index", "cli", "performance"):
            opened.goto(f"{served}{page}.html")
        opened.goto(f"{served}search.html?q=embargo")
        opened.locator("#search-results a").first.wait_for()
        chromium.close()
    assert complaints == []
