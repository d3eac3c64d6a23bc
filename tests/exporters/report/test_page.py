"""The report: what is in it, and that a person can use it in a real browser."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from tokenizers import Tokenizer

from rsidx.__main__ import main
from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from rsidx.exporters.report.audit import audit
from rsidx.exporters.report.page import write_report as write_page
from tests.indexes import Index
from tests.patience import PATIENCE_S
from tests.repositories import WORDS, Repo

pytestmark = pytest.mark.usefixtures("wordy")
pytest.importorskip("jinja2", reason="the `report` extra is not installed")
pytest.importorskip("matplotlib", reason="the `report` extra is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
EVIL = '<img src=x onerror="document.title=1"></pre><script>document.title="evil"</script>'


def write_report(out, to, *, n_samples):
    write_page(out, to, n_samples=n_samples, faults=lambda: audit(out))


@pytest.fixture(scope="module")
def exported(tmp_path_factory, tokenizer_file):
    place = tmp_path_factory.mktemp("exported")
    repo = Repo(place / "repo")
    repo.padding = WORDS
    index = Index(repo, place / "index.db")
    for n in range(40):
        repo.time += 20 * 86_400
        repo.commit(f"commit number {n} {EVIL if n == 3 else ''}", {
            "src/lib.rs": f"pub struct S{n};\n\npub fn f{n}(s: S{n}) -> &str {{ \"{n}{EVIL}\" }}\n",
            f"src/m{n % 3}.rs": f"fn only_{n}() {{}}\n",
        })  # fmt: skip
    index.sync()
    config = ExportConfig(tokenizer=str(tokenizer_file), keep=("related",), embargo="0")
    export(index.database, place / "out", config)
    index.database.close()
    return place / "out"


@pytest.fixture(scope="module")
def drawn():
    """The charts that were drawn so far, by their numbers."""
    return {}


@pytest.fixture
def charts_drawn_once(monkeypatch, drawn):
    """Charts take most of the time of a report, and those of the same numbers are the same."""
    from rsidx.exporters.report import charts  # noqa: PLC0415  (needs matplotlib)

    def kept(name, draw):
        def chart(*numbers):
            key = name, repr(numbers)
            if key not in drawn:
                drawn[key] = draw(*numbers)
            return drawn[key]

        return chart

    for name in ("over_time", "lengths", "coverage"):
        monkeypatch.setattr(charts, name, kept(name, getattr(charts, name)))


@pytest.fixture
def out(exported, tmp_path):
    return shutil.copytree(exported, tmp_path / "out")


@pytest.fixture(scope="module")
def reports():
    """The pages that were written so far, by their options."""
    return {}


@pytest.fixture
def report(out, tmp_path, reports):
    """Write the report, where the same was not written before."""

    def make(**options):
        to = tmp_path / "report.html"
        key = tuple(options.items())
        if key not in reports:
            write_report(out, to, **{"n_samples": 200, **options})
            reports[key] = to.read_bytes()
        to.write_bytes(reports[key])
        return to

    return make


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.mark.slow
def test_it_needs_nothing_but_itself_and_is_the_same_each_time(report, out):
    text = report().read_text("utf-8")
    elements = Elements()
    elements.feed(text)
    for tag, attributes in elements.found:
        assert tag not in ("img", "link", "iframe", "object")
        assert "src" not in attributes
        assert not any(name.startswith("on") for name in attributes if name != "onsubmit")
    assert not re.search(r"https?://(?!www\.w3\.org)", text)
    assert "default-src 'none'" in text
    assert [tag for tag, _ in elements.found].count("script") == 1
    again = out.with_name("again.html")
    write_report(out, again, n_samples=200)
    assert again.read_text("utf-8") == text


@pytest.mark.usefixtures("charts_drawn_once")
def test_its_numbers_are_the_manifest_s(report, out):
    text = report().read_text("utf-8")
    manifest = json.loads((out / "manifest.json").read_text())
    for split in ("train", "val", "test"):
        assert f"{manifest['counts']['examples'][split]:,}</td>" in text
    for reason in manifest["dropped"]:
        assert f">{reason}</td>" in text
    assert text.count("<svg") == 4
    assert text.count('<details class="row"') == min(
        200, sum(manifest["counts"]["examples"].values())
    )


@pytest.mark.usefixtures("charts_drawn_once")
def test_samples_are_as_many_as_asked_for_of_every_split(report):
    text = report(n_samples=12).read_text("utf-8")
    splits = re.findall(r'data-split="(\w+)"', text)
    assert 10 <= len(splits) <= 12
    assert set(splits) == {"train", "val", "test"}
    assert 'class="row"' not in report(n_samples=0).read_text("utf-8")


def test_holes_are_shown_with_what_is_around(repo, index, tmp_path, plain_file):
    tokenizer = Tokenizer.from_file(str(plain_file))
    tokenizer.add_special_tokens(["<fim_prefix>", "<fim_middle>", "<fim_suffix>"])
    tokenizer.save(str(tmp_path / "fim.json"))
    for n in range(6):
        body = (
            f"fn before_{n}() {{}}\n\nfn f() {{\n    one({n});\n    two();\n}}\n\nfn after() {{}}\n"
        )
        repo.commit(f"commit number {n}", {"src/lib.rs": body})
    index.sync()
    config = ExportConfig(tokenizer=str(tmp_path / "fim.json"), kind="fim", split="1,0,0")
    export(index.database, tmp_path / "out", config)
    write_report(tmp_path / "out", tmp_path / "r.html", n_samples=10)
    text = (tmp_path / "r.html").read_text("utf-8")
    assert '<pre class="prefix">' in text
    assert '<pre class="suffix">' in text


def shown(file):
    """Return split, number and text of each row of a page, as a browser has it."""

    class Rows(HTMLParser):
        def __init__(self):
            super().__init__()
            self.rows, self.in_code = [], False

        def handle_starttag(self, tag, attributes):
            if tag == "details":
                self.rows.append([dict(attributes)["data-split"], []])
            self.in_code = self.in_code or tag == "pre"
            self.is_first = tag == "pre"

        def handle_endtag(self, tag):
            self.in_code = self.in_code and tag != "pre"

        def handle_data(self, data):
            if self.in_code:
                # The parser of a browser leaves out a line end behind the tag.
                self.rows[-1][1].append(data[self.is_first and data.startswith("\n") :])
            self.is_first = False

    rows = Rows()
    rows.feed(file.read_text("utf-8"))
    return [(split, "".join(texts)) for split, texts in rows.rows]


def assert_shows_what_the_model_sees(out, page, read_jsonl):
    tokenizer = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
    rows = [
        (split, tokenizer.decode(row["input_ids"], skip_special_tokens=False))
        for split in ("train", "val", "test")
        for row in read_jsonl(out / f"{split}.jsonl")
    ]
    assert shown(page) == rows


@pytest.mark.usefixtures("charts_drawn_once")
def test_rows_are_what_the_model_sees_in_its_order(report, out, read_jsonl):
    assert_shows_what_the_model_sees(out, report(n_samples=1000), read_jsonl)


@pytest.mark.parametrize("suffix_first", [0, 1])
def test_holes_are_shown_in_the_order_of_their_tokens(
    repo, index, tmp_path, plain_file, read_jsonl, suffix_first
):
    tokenizer = Tokenizer.from_file(str(plain_file))
    tokenizer.add_special_tokens(["<fim_prefix>", "<fim_middle>", "<fim_suffix>"])
    tokenizer.save(str(tmp_path / "fim.json"))
    for n in range(4):
        body = f"fn f() {{\n    one({n});\n    two();\n}}\n\nfn after_{n}() {{}}\n"
        repo.commit(f"commit number {n}", {"src/lib.rs": body})
    index.sync()
    config = ExportConfig(
        tokenizer=str(tmp_path / "fim.json"), kind="fim", split="1,0,0", fim_spm=suffix_first
    )
    export(index.database, tmp_path / "out", config)
    write_report(tmp_path / "out", tmp_path / "r.html", n_samples=100)
    assert_shows_what_the_model_sees(tmp_path / "out", tmp_path / "r.html", read_jsonl)
    text = (tmp_path / "r.html").read_text("utf-8")
    is_behind = text.index('<pre class="prefix">') > text.index('<pre class="suffix">')
    assert is_behind == bool(suffix_first)


@pytest.mark.usefixtures("charts_drawn_once")
def test_a_report_replaces_a_report_and_nothing_else(report, out, tmp_path):
    page = report()
    page.chmod(0o640)
    write_report(out, page, n_samples=1)
    assert page.stat().st_mode & 0o777 == 0o640
    (tmp_path / "empty.html").touch()
    write_report(out, tmp_path / "empty.html", n_samples=1)
    (tmp_path / "link.html").symlink_to(page)
    write_report(out, tmp_path / "link.html", n_samples=1)
    assert (tmp_path / "link.html").is_symlink()
    for name, content in (("main.rs", b"fn main() {}\n"), ("other.db", b"SQLite format 3\0")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ExportError, match=f"{name} is not a report by rsidx"):
            write_report(out, tmp_path / name, n_samples=1)
        assert (tmp_path / name).read_bytes() == content
    for to in (out / "report.html", out / "README.md", out / "tokenizer" / "x.html"):
        with pytest.raises(ExportError, match="a report goes beside it"):
            write_report(out, to, n_samples=1)
    with pytest.raises(ExportError, match="is not a report"):
        write_report(out, tmp_path, n_samples=1)


@pytest.mark.usefixtures("charts_drawn_once")
def test_the_command_writes_beside_the_data_set(out, capfd):
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert main(["report", str(out)]) == 0
    assert capfd.readouterr().out.startswith(f"{out}.report.html\nfault ")
    assert (out.parent / "out.report.html").read_text("utf-8").startswith("<!doctype html>")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_what_is_no_export_and_what_cannot_be_written_are_one_line(report, tmp_path, monkeypatch):
    with pytest.raises(ExportError, match="no export"):
        write_report(tmp_path / "home", tmp_path / "r.html", n_samples=1)
    target = report()
    with pytest.raises(ExportError, match="cannot write"):
        write_report(tmp_path / "out", target / "x", n_samples=1)
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    with pytest.raises(ExportError, match=r"pip install 'rsidx\[report\]'"):
        write_report(tmp_path / "out", target, n_samples=1)


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    flags = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
             "--disable-component-update", "--disable-sync", "--disable-quic")  # fmt: skip
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(
            executable_path=CHROMIUM, args=flags, timeout=PATIENCE_S * 1000
        )
        yield chromium
        chromium.close()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_person_searches_filters_and_reads_in_a_browser(report, browser):
    file = report(n_samples=60)
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.set_default_timeout(PATIENCE_S * 1000)
    complaints = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda request: complaints.append(request.url)
              if not request.url.startswith("file:") else None)  # fmt: skip
    opened.goto(file.as_uri())
    visible = opened.locator("details.row:not([hidden])")
    total = opened.locator("details.row").count()
    assert visible.count() == 20
    opened.get_by_role("button", name="Show more").click()
    assert visible.count() == 40
    assert opened.locator("#found").inner_text() == f"{total} rows"
    opened.get_by_label("Split", exact=True).select_option("test")
    in_test = visible.count()
    assert 0 < in_test < total
    assert set(visible.evaluate_all("rows => rows.map(row => row.dataset.split)")) == {"test"}
    opened.get_by_label("Split", exact=True).select_option("")
    name = visible.first.locator("b").inner_text()
    opened.get_by_label("Search", exact=True).fill(f"{name} src/")
    assert 0 < visible.count() < total
    texts = visible.evaluate_all("rows => rows.map(row => row.textContent.toLowerCase())")
    assert all(name.lower() in text and "src/" in text for text in texts)
    visible.first.locator("summary").click()
    assert visible.first.locator("pre.new").is_visible()
    opened.get_by_label("Search", exact=True).fill("nothing has these words")
    assert visible.count() == 0
    assert opened.locator("#found").inner_text() == "0 rows"
    assert "evil" not in opened.title()
    assert complaints == []


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_can_be_read_in_both_modes(report, browser, scheme):
    opened = browser.new_page(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    opened.set_default_timeout(PATIENCE_S * 1000)
    opened.goto(report(n_samples=60).as_uri())
    for row in opened.locator("details.row:not([hidden])").all()[:10]:
        row.locator("summary").click()
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
    contrasts = opened.evaluate(CONTRAST)
    assert min(contrasts.values()) >= 4.5, contrasts


# Contrast as WCAG has it, of text against what is behind it.
CONTRAST = """() => {
  const luminance = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const numbers = text => text.match(/[\\d.]+/g).map(Number);
  const behind = node => {
    for (let at = node; at; at = at.parentElement) {
      const parts = numbers(getComputedStyle(at).backgroundColor);
      if (parts.length < 4 || parts[3] > 0) return parts.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const found = {};
  const selectors = "h1,header p,td,summary,pre.new,pre.prompt,h3,select,svg text";
  for (const selector of selectors.split(",")) {
    const node = document.querySelector(selector);
    const style = getComputedStyle(node);
    const ink = selector === "svg text" ? style.fill : style.color;
    const [a, b] = [luminance(numbers(ink)), luminance(behind(node))].sort((x, y) => y - x);
    found[selector] = (a + 0.05) / (b + 0.05);
  }
  return found;
}"""
