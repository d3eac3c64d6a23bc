"""Parity: a prompt is, token for token, what its row has in front of the loss span.

`benchmarks/parity.py` asks for every row of a real export.
"""

import json
from collections import Counter
from functools import partial
from itertools import product

import pytest
from planted import PLANTED
from tokenizers import Tokenizer

from rsidx.__main__ import main
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export
from tests.conftest import History, Index, Repo, read_lines
from tests.exporters.growth import GROWTH, Tree, edits_of

KEY = next(planted for planted in PLANTED if planted.name == "github_classic").code
LIB = """\
//! Shapes.
use std::fmt;

mod unit;

/// A shape.
pub struct Square {{
    side: f64,
}}

impl Square {{
    /// Returns the area.
    pub fn area(&self) -> f64 {{
        let size = {area};
        unit::scale(size) * self.side
    }}

    pub fn name(&self) -> &'static str {{
        let größe = "{name}";
        größe
    }}
}}

pub fn log_in() -> String {{
    connect("{key}", {port})
}}

impl fmt::Display for Square {{
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {{
        write!(f, "{{}} of {{}}", self.name(), {shown})
    }}
}}
"""
LONG = "".join(f"    let step_{n} = compute({{{n}}}, step_{max(n - 1, 0)});\n" for n in range(90))
LONG = f"use std::fmt;\n\npub fn long(step_0: u32) -> u32 {{{{\n{LONG}    step_89\n}}}}\n"
UNIT = "pub fn scale(size: f64) -> f64 {\n    size * 2.0\n}\n"


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """Commits that change some functions of one file, one with a key, and a long function."""
    repo = Repo(tmp_path_factory.mktemp("shapes") / "repo")
    for n in range(14):
        files = {"src/lib.rs": LIB.format(
            area=f"self.side + {n}.0", name=f"square {n // 2}", key=KEY, port=n // 3,
            shown="self.area()" if n % 2 else "self.side",
        )}  # fmt: skip
        if n % 5 == 0:
            files["src/unit.rs"] = UNIT + f"\npub fn extra_{n}() -> u32 {{\n    {n}\n}}\n"
        if n == 0:
            files["Cargo.toml"] = '[package]\nname = "shapes"\nedition = "2021"\n'
        repo.commit(f"Change the shapes, number {n}", files)
    # A function that is too long for one row.
    numbers = list(range(90))
    for n in range(5):
        for at in range(n * 7, 90, 31):
            numbers[at] += 100
        extra = f"use crate::added_{n};\n" if n % 2 else ""
        message = f"Change the long function, number {n}"
        repo.commit(message, {"src/long.rs": extra + LONG.format(*numbers)})
    return repo


@pytest.fixture
def repo(shapes):
    """The repository, which later tests find as it was."""
    yield shapes
    shapes.git("checkout", "-q", "-f", "main")
    shapes.git("clean", "-q", "-f", "-d")


@pytest.fixture(scope="module")
def history(shapes, tmp_path_factory):
    index = Index(shapes, tmp_path_factory.mktemp("index") / "index.db")
    index.sync()
    yield index
    index.database.close()


@pytest.fixture(scope="module")
def export_of(tmp_path_factory):
    """Return a function that exports, and yields what stands before each row's target."""
    made = {}

    def do(index, tokenizer, **options):
        given = {"text": True, "split": "1,0,0", "embargo": "0", "earlier": ("none",), **options}
        key = (index.file, tokenizer, *options.items())
        out = made.get(key)
        if out is None:
            out = tmp_path_factory.mktemp("export") / "out"
            export(index.database, out, ExportConfig(str(tokenizer), **given))
            assert index.problems(out) == []
            made[key] = out
        pairs = zip(
            read_lines(out / "train.jsonl"), read_lines(out / "train.meta.jsonl"), strict=True
        )
        for row, meta in pairs:
            n_prompt = meta["n_tokens"]["total"] - meta["n_tokens"]["new"] - 1
            yield out, row["input_ids"][:n_prompt], meta

    return do


@pytest.fixture(scope="module")
def exported(history, export_of):
    return partial(export_of, history)


def is_asked(number, meta):
    """Tell whether a row is asked for where only its spelling differs from another test's."""
    return meta["is_redacted"] or number % 3 == 0


@pytest.fixture
def ask_of(capsys):
    """Return the ids of the prompt that the command writes."""

    def do(index, out, *arguments):
        place = ("-C", index.repository.worktree, "--db", index.file, "--like", out, "--json")
        assert main([str(one) for one in ("prompt", *place, *arguments)]) == 0
        return json.loads(capsys.readouterr().out)["input_ids"]

    return do


@pytest.fixture
def ask(history, repo, ask_of):
    assert repo.path == history.repository.worktree
    return partial(ask_of, history)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tokenizer", "options"),
    [
        ("tokenizer_file", {"markers": "extended"}),
        ("tokenizer_file", {"markers": "native", "earlier": ("history",)}),
        ("qwen_file", {"markers": "native"}),
        ("starcoder_file", {"markers": "native", "earlier": ("history",)}),
        ("plain_file", {"markers": "native"}),
        ("plain_file", {"markers": "extended", "earlier": ("history",)}),
    ],
)
def test_an_edit_is_asked_for_as_its_row_is_written(
    request, exported, ask, repo, tokenizer, options
):
    asked = Counter()
    is_first = (tokenizer, options) == ("tokenizer_file", {"markers": "extended"})
    tokenizer = request.getfixturevalue(tokenizer)
    for number, (out, ids, meta) in enumerate(exported(tokenizer, **options)):
        if meta["change"] != "modify" or meta["path"] == "src/long.rs":
            continue
        if not (is_first or is_asked(number, meta)):
            continue
        owner = meta["container"].split(" ")[-1]
        symbol = f"{owner}::{meta['symbol']}" if owner else meta["symbol"]
        if meta["symbol"] not in meta["text"]["old"]:
            # It had another name.
            old = repo.blob(meta["parent"], meta["path"])[: meta["old"]["end"]]
            symbol = old.rstrip().count(b"\n") + 1
        message = meta["text"]["message"]
        place = ("--at", meta["parent"], "--message", message, f"{meta['path']}:{symbol}")
        assert ask(out, *place) == ids, meta
        asked[meta["is_redacted"]] += 1
    assert asked.total() > (15 if is_first else 5)
    assert asked[True] > 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "tokenizer", ["tokenizer_file", "qwen_file", "starcoder_file", "plain_file"]
)
def test_a_part_is_asked_for_by_its_lines_as_its_row_is_written(
    request, exported, ask, repo, tokenizer
):
    file = request.getfixturevalue(tokenizer)
    is_first = tokenizer == "tokenizer_file"
    markers, said = (
        ("extended", "<|part|>") if is_first else ("native", "// Part of a longer item\n")
    )
    asked = Counter()
    for out, ids, meta in exported(file, markers=markers, context_tokens=100):
        decoder = Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json"))
        is_part = said in decoder.decode(ids, skip_special_tokens=False)
        assert is_part == ("edit" in meta)
        if meta["change"] != "modify" or meta["path"] != "src/long.rs":
            continue
        old, at = repo.blob(meta["parent"], meta["path"]), meta["old"]
        for line in (old.count(b"\n", 0, at["start"]) + 1, old.count(b"\n", 0, at["end"])):
            place = ("--at", meta["parent"], "--message", meta["text"]["message"])
            assert ask(out, *place, f"{meta['path']}:{line}") == ids, (line, meta)
        asked["part" if is_part else meta["kind"]] += 1
    assert asked["part"] > 5
    assert asked["imports"] > 1


@pytest.fixture(scope="module")
def growth(tmp_path_factory):
    """Commits that add to several files at once, change and take away; with an index."""
    repo = Repo(tmp_path_factory.mktemp("growth") / "repo")
    for n, files in enumerate(GROWTH):
        repo.commit(f"Let the plan grow, number {n}", files)
    index = Index(repo, tmp_path_factory.mktemp("index") / "index.db")
    index.sync()
    yield History(repo, index)
    index.database.close()


EARLIER = [("none",), ("commit",), ("commit", "history")]
CASES = [
    *product(["growth"], EARLIER, ["extended", "native"]),
    # Each of the options once: there is nothing in these edits that both of two could change.
    *zip(["shapes"] * 3, EARLIER, ["native", "extended", "native"], strict=True),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_row_is_asked_for_by_its_place(
    request, export_of, ask_of, tmp_path, tokenizer_file, case
):
    made_up, earlier, markers = case
    given = request.getfixturevalue(made_up)
    repo, index = given if made_up == "growth" else (given, request.getfixturevalue("history"))
    options = {"earlier": earlier, "markers": markers, "context_tokens": 400}
    options["keep"] = ("duplicates", "near_duplicates")
    asked = Counter()
    patch = tmp_path / "made.patch"
    rows = export_of(index, tokenizer_file, **options)
    for of_commit in edits_of(row for row in rows if row[2]["parent"]):
        tree = Tree(repo, of_commit[0][0][2]["parent"])
        for of_edit in of_commit:
            patch.write_text(tree.patch())
            for out, ids, meta in of_edit:
                place = meta["place"]
                if place is None:
                    asked[f"no {meta['change']}"] += 1
                    continue
                made = () if earlier == ("none",) else ("--after-edits", patch)
                given = ("--at", meta["parent"], "--message", meta["text"]["message"], *made)
                assert ask_of(index, out, *given, *place) == ids, (place, meta)
                asked[meta["change"]] += 1
            if earlier != ("none",):
                tree.make(of_edit[0][2])
    assert asked["modify"] > 5
    assert asked["add"] > 3 or made_up == "shapes"
    assert asked["no modify"] == 0


def test_a_long_item_is_asked_for_by_a_line(exported, tokenizer_file, refused):
    [(out, _, _), *_] = exported(tokenizer_file)
    status, said = refused(out, "--message", "Change it", "src/long.rs:long")
    assert (status, said.count("\n")) == (1, 1)
    assert "long is too long for one prompt; name the line" in said
    assert "as in src/long.rs:49" in said
    assert refused(out, "--message", "Change it", "src/long.rs:49")[0] == 0


def test_a_line_that_has_no_item_is_refused(exported, tokenizer_file, refused):
    [(out, _, _), *_] = exported(tokenizer_file)
    lines = LIB.format(area=1, name=2, key=3, port=4, shown=5).split("\n")
    for line in (lines.index("}", 20) + 1, len(lines) + 5):
        status, said = refused(out, "--message", "x", f"src/lib.rs:{line}")
        assert (status, f"src/lib.rs:{line} has no item" in said) == (1, True)


@pytest.mark.slow
def test_a_hole_is_asked_for_as_its_row_is_written(exported, ask, repo, tokenizer_of, family):
    asked = Counter()
    options = {"fim_spm": 0.0} if family == "deepseek" else {}
    is_first = family == "starcoder2"
    rows = enumerate(exported(tokenizer_of(family), kind="fim", **options))
    for number, (out, ids, meta) in rows:
        if not (is_first or is_asked(number, meta)):
            continue
        files = repo.git("ls-tree", "-r", "--name-only", meta["parent"] or meta["commit"])
        if meta["parent"] is None or meta["path"] not in files.split("\n"):
            continue
        asked["long"] += meta["path"] == "src/long.rs"
        repo.git("checkout", "-q", "-f", meta["parent"])
        file, new = repo.blob(meta["commit"], meta["path"]), meta["new"]
        left = file[: new["start"]] + file[new["end"] :]
        repo.write({meta["path"]: left})
        line = left.count(b"\n", 0, new["start"]) + 1
        column = new["start"] - left.rfind(b"\n", 0, new["start"])
        spm = ["--suffix-first"] if meta["around"]["is_suffix_first"] else []
        assert ask(out, "--fim", *spm, f"{meta['path']}:{line}:{column}") == ids, meta
        asked["redacted" if meta["is_redacted"] else "plain"] += 1
        asked["suffix first"] += len(spm)
    assert asked["plain"] + asked["redacted"] > (20 if is_first else 8)
    assert asked["redacted"] > 2
    assert asked["long"]
    assert asked["suffix first"] > (2 if is_first else 0) or family == "deepseek"


@pytest.fixture
def refused(history, repo, capsys):
    """Return what the command says that it refuses, and its exit status."""

    def do(out, *arguments):
        place = ("prompt", "-C", repo.path, "--db", history.file, "--like", out)
        return main([str(one) for one in (*place, *arguments)]), capsys.readouterr().err

    return do


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fim", "src/lib.rs"], "name a place"),
        (["--fim", "--message", "x", "src/lib.rs:1:1"], "--message is for an edit"),
        (["--suffix-first", "--message", "x", "src/lib.rs:log_in"], "--suffix-first is for --fim"),
        (["src/lib.rs:log_in"], "--message is missing"),
    ],
)
def test_arguments_that_contradict_each_other_are_a_usage_error(
    exported, tokenizer_file, refused, arguments, says
):
    [(out, _, _), *_] = exported(tokenizer_file)
    status, said = refused(out, *arguments)
    assert status == 2
    assert says in said


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("src/lib.rs:999:1", "no line 999"),
        ("src/lib.rs:1:99", "no column 99"),
        ("src/lib.rs:1:0", "no column 0"),
        ("src/lib.rs:{ö}:16", "inside of a character"),
        ("src/none.rs:1:1", "no file src/none.rs"),
    ],
)
def test_a_place_that_is_not_there_is_one_line(exported, tokenizer_of, refused, place, says):
    [(out, _, _), *_] = exported(tokenizer_of("qwen"), kind="fim")
    line = next(n for n, line in enumerate(LIB.split("\n"), 1) if "ö" in line)
    status, said = refused(out, "--fim", place.replace("{ö}", str(line)))
    assert status == 1
    assert says in said
    assert said.count("\n") == 1


def test_an_export_of_edits_has_no_holes(exported, tokenizer_file, refused):
    [(out, _, _), *_] = exported(tokenizer_file)
    status, said = refused(out, "--fim", "src/lib.rs:1:1")
    assert status == 1
    assert "has no holes" in said


def _offset_of(text):
    """Return line and column of a text in the newest version of src/lib.rs, both from 1."""
    before = LIB.format(
        area="self.side + 13.0", name="square 6", key=KEY, port=4, shown="self.area()"
    ).partition(text)[0]
    return before.count("\n") + 1, len(before.rpartition("\n")[2].encode()) + 1


def test_a_hole_inside_of_a_secret_is_refused(exported, tokenizer_of, refused):
    [(out, _, _), *_] = exported(tokenizer_of("qwen"), kind="fim")
    line, column = _offset_of(KEY)
    status, said = refused(out, "--fim", f"src/lib.rs:{line}:{column + 9}")
    assert (status, "inside of a secret" in said) == (1, True)
    assert KEY[:9] not in said
    for edge in (column, column + len(KEY)):
        assert refused(out, "--fim", f"src/lib.rs:{line}:{edge}")[0] == 0


@pytest.mark.parametrize("path", [".git/config", "Cargo.toml"])
def test_a_hole_is_in_a_rust_file(exported, tokenizer_of, refused, path):
    [(out, _, _), *_] = exported(tokenizer_of("qwen"), kind="fim")
    status, said = refused(out, "--fim", f"{path}:1:1")
    assert (status, f"{path} is no Rust file" in said) == (1, True)


@pytest.mark.parametrize("path", ["./src/lib.rs", "src/../src/lib.rs", "{root}/src/lib.rs"])
def test_a_file_is_named_as_git_names_it(exported, tokenizer_of, refused, repo, path):
    [(out, _, _), *_] = exported(tokenizer_of("qwen"), kind="fim")
    status, said = refused(out, "--fim", f"{path.replace('{root}', str(repo.path))}:1:1")
    assert (status, "from the top of the repository" in said) == (1, True)


def test_lines_end_as_rustc_ends_them(exported, tokenizer_of, ask, repo):
    [(out, _, _), *_] = exported(tokenizer_of("qwen"), kind="fim")
    repo.write({"src/unit.rs": b"// one\rstill one\r\nfn two() {}\r\n"})
    ids = [ask(out, "--fim", f"src/unit.rs:{place}") for place in ("2:10", "1:17", "3:1")]
    texts = [Tokenizer.from_file(str(out / "tokenizer" / "tokenizer.json")).decode(
        one, skip_special_tokens=False
    ) for one in ids]  # fmt: skip
    assert "fn two() <|fim_suffix|>{}\r\n" in texts[0]
    assert "still one<|fim_suffix|>\r\nfn two" in texts[1]
    assert "{}\r\n<|fim_suffix|><|fim_middle|>" in texts[2]


@pytest.mark.parametrize("content", [b"", b"fn broken( {\n"])
def test_a_file_may_be_empty_or_broken(exported, tokenizer_of, ask, repo, content):
    [(out, _, _), *_] = exported(tokenizer_of("qwen"), kind="fim")
    repo.write({"src/fresh.rs": content})
    assert ask(out, "--fim", "src/fresh.rs:1:1")
    assert ask(out, "--fim", "--at", "worktree", "src/fresh.rs:1:1")


@pytest.mark.parametrize("content", [b'fn a() { "\xff" }\n', b"fn a() {}\0\n"])
def test_a_file_that_is_no_text_is_refused(exported, tokenizer_of, refused, repo, content):
    [(out, _, _), *_] = exported(tokenizer_of("qwen"), kind="fim")
    repo.write({"src/fresh.rs": content})
    status, said = refused(out, "--fim", "src/fresh.rs:1:1")
    assert (status, "cannot be parsed: not_text" in said) == (1, True)
