"""Each kind of fault is counted where it is, and not where a row only looks like it."""

import json

import pytest

from rsidx.__main__ import main
from rsidx.api.data_set import DataSet
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import rows_with_meta
from rsidx.exporters.export import export
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.report.audit import audit
from rsidx.exporters.report.faults import FAULT_KINDS
from rsidx.exporters.report.row_text import row_text
from tests.indexes import Index
from tests.repositories import WORDS, Repo

NAMES = [kind.name for kind in FAULT_KINDS]
LONG = "This sentence says at some length what the change is about and why. " * 4
BLOB, COMMIT = "b" * 40, "c" * 40


def function(name, body):
    return f"pub fn {name}() -> u32 {{\n    {body}\n}}\n"


def long_function(name):
    lines = "".join(f"    let {name}{n} = compute({n}) + {n};\n" for n in range(40))
    return f"pub fn long() {{\n{lines}}}\n"


def changes():
    for n in range(3):
        yield (
            f"Change number {n} of the history",
            {
                "src/lib.rs": f"pub struct S{n};\n\n" + function("first", f"S{n}.take({n})"),
                f"src/m{n}.rs": function(f"only_{n}", f"crate::first() + {n}"),
            },
        )
    yield f"Add what is long\n\n{LONG}", {"src/long.rs": long_function("a")}
    yield "Rename all that is there", {"src/long.rs": long_function("b")}


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    place = tmp_path_factory.mktemp("audited")
    repo = Repo(place / "repo")
    repo.padding = WORDS
    repo.commits(changes())
    index = Index(repo, place / "index.db")
    index.sync()
    yield repo, index
    index.database.close()


@pytest.fixture(scope="module")
def exports(history, tmp_path_factory, tokenizer_file):
    """Return a function that exports the history, once for the same options."""
    made = {}

    def make(**options):
        key = repr(sorted(options.items()))
        if key not in made:
            made[key] = tmp_path_factory.mktemp("export") / "out"
            settings = {"tokenizer": str(tokenizer_file), "split": "1,0,0", **options}
            config = ExportConfig(**settings)
            export(history[1].database, made[key], config)
        return made[key]

    return make


@pytest.fixture
def planted(exports, tmp_path):
    """Return a function that counts the faults of rows, which are given as what differs.

    A row is `modify` of `f`; `front`, `message`, `context`, `old` and `new` are its texts, other
    keys those of its meta line.
    """
    original = exports()
    encoder = Encoder(load(str(original / "tokenizer")), source=str(original / "tokenizer"))
    out = tmp_path / "planted"
    out.mkdir()
    (out / "tokenizer").symlink_to(original / "tokenizer")
    (out / "manifest.json").write_bytes((original / "manifest.json").read_bytes())
    for split in ("val", "test"):
        for ending in ("jsonl", "meta.jsonl"):
            (out / f"{split}.{ending}").write_text("")

    def row(number, front="<|modify|>", message="Say it", context="", old="", new="", **meta):
        place = f"<repo_name>r<file_sep>{meta.get('path', number)}{front}"
        runs = [
            ("prompt", f"{place}<|message|>{message}<|/message|>"),
            ("context", context),
            ("prompt", "<|old_code|>"),
            ("old", old),
            ("prompt", "<|/old_code|><|new_code|>"),
            ("new", new),
        ]
        ids, roles = [], []
        for role, text in runs:
            found, _ = encoder.encode_spelled(text)
            ids += found
            roles.append([role, len(found)])
        line = {"id": f"{number:024}", "commit": COMMIT, "change": "modify", "kind": "fn"}
        line |= {"symbol": "f", "path": "src/a.rs", "old_path": "src/a.rs", "roles": roles}
        blob = BLOB if number else "a" * 40
        line |= {"new": {"blob": blob, "start": 0, "end": len(new)}} | meta
        return {"input_ids": ids}, line

    def count(*rows, git=None):
        made = [row(number, **each) for number, each in enumerate(rows)]
        for place, ending in enumerate(("jsonl", "meta.jsonl")):
            lines = "".join(json.dumps(each[place]) + "\n" for each in made)
            (out / f"train.{ending}").write_text(lines)
        found = audit(out, git)
        assert found.n_rows == len(rows)
        return found

    return count


class FakeGit:
    """What git says of one commit and one blob."""

    def __init__(self, paths=(), message="", errors=(), n_bytes=1000):
        self._tree = dict.fromkeys(paths, BLOB)
        self._message = message
        self._found = errors, n_bytes

    def tree(self, commit):
        return self._tree if commit == COMMIT else {}

    def message(self, commit):
        return self._message if commit == COMMIT else ""

    def syntax_errors(self, blob):
        return self._found if blob == BLOB else None


def numbers(found):
    return {fault.name: fault.n_rows for fault in found.faults if fault.n_rows}


def structs(text):
    return {"context": f"<|structs|>{text}<|/structs|>"}


def impls(text):
    return {"context": f"<|impls|>{text}<|/impls|>"}


PART = {"edit": {"old": None, "new": {"blob": BLOB, "start": 0, "end": 999}}}
RENAMED = {"old_path": "src/old.rs", "is_rename": True, "front": "<|rename|>src/old.rs<|modify|>"}
ORIGIN = {"old_path": "src/old.rs", "is_rename": False, "front": "<|origin|>src/old.rs<|move|>"}
HEADER = {"change": "add", "kind": "impl", "new": "impl Debug for X {\n"}
WHOLE = "impl Debug for X {\n    fn fmt() {}\n}\n"
CUT = LONG + "It stops in the middle of"


@pytest.mark.parametrize(
    ("name", "row", "git"),
    [
        ("emptied", structs("pub struct Config {\n}\n"), {}),
        ("emptied", structs("/// It says so.\n    pub(crate) enum Of<T> {\n    }\n"), {}),
        ("headless", impls("    fn first(&self);\n}\n"), {}),
        ("headless", structs("    pub a: u32,\n}\nstruct B {\n    b: u8,\n}\n"), {}),
        ("headless", impls("    fn first(&self);\n}\nimpl B {\n"), {}),
        ("unmarked_part", PART, {}),
        ("open_header", HEADER, {}),
        ("open_header", HEADER | {"kind": "impl_header", "new": "impl A for B {}\n"}, {}),
        ("wrong_rename", RENAMED, {"paths": ["src/old.rs", "src/a.rs"]}),
        ("wrong_rename", RENAMED | {"is_rename": False}, {}),
        ("wrong_rename", RENAMED | {"front": "<|modify|>"}, {}),
        ("not_rust", {"kind": "error"}, {}),
        ("not_rust", {"new": "fn f() {\n<<<<<<< HEAD\n}\n"}, {}),
        ("not_rust", {"new": "fn f( {}\n"}, {"errors": [(4, 6)]}),
        ("not_rust", {"new": "fn f() {}\n"}, {"errors": [(500, 601)]}),
        ("cut_message", {"message": CUT}, {"message": f"{CUT} the sentence.\n"}),
        ("cut_message", {"message": CUT}, {"message": f"{CUT}\nthe sentence.\n"}),
    ],
)
def test_a_row_with_a_fault_is_counted(planted, name, row, git):
    found = planted({}, row, git=FakeGit(**git))
    assert numbers(found) == {name: 1}
    [fault] = [fault for fault in found.faults if fault.name == name]
    assert (fault.share, fault.example) == (0.5, f"{1:024}")
    assert found.n_faulty == 1


@pytest.mark.parametrize(
    ("row", "git"),
    [
        (structs("pub struct Config {\n    // 7 more fields\n}\n"), {}),
        (structs("pub struct Config {}\npub struct Unit;\n"), {}),
        (structs("pub struct Config {\n    pub a: u32,\n}\n"), {}),
        # In the code of the row itself.
        ({"old": "pub struct Config {\n}\n", "new": "pub struct Config {\n}\n"}, {}),
        (impls("impl A {\n    fn first(&self);\n}\n"), {}),
        (structs("const A: (&str, char) = (\"}\", '}'); // }\n/* } */\n"), {}),
        ({"context": "<|outline|>    fn first(&self);\n}\n<|/outline|>"}, {}),
        (PART | {"front": "<|modify|><|part|>"}, {}),
        (PART | {"front": "<|modify|>// Part of a longer item\n"}, {}),
        (HEADER | {"new": WHOLE}, {}),
        (HEADER | {"change": "modify", "kind": "impl_header"}, {}),
        (HEADER | PART | {"front": "<|add|><|part|>"}, {}),
        (RENAMED, {"paths": ["src/a.rs"]}),
        (ORIGIN, {"paths": ["src/old.rs", "src/a.rs"]}),
        ({"new": "/// <<<<<<< HEAD\n/// =======\nfn f() {}\n"}, {}),
        ({"new": "fn f() {}\n"}, {"errors": [(500, 600)]}),
        ({"change": "delete", "old": "fn f() {}\n"}, {}),
        ({"message": CUT}, {"message": CUT}),
        ({"message": LONG}, {"message": f"{LONG}And on it goes.\n"}),
        ({"message": CUT}, {"message": f"{CUT}\n\nSigned-off-by: A <a@b.c>\n"}),
        ({"message": CUT}, {"message": f"{CUT}\nCloses: the issue\n"}),
        ({"message": f"{LONG}As it is said"}, {"message": f"{LONG}As it is said in #12\n"}),
        ({"message": f"{CUT}\n\n…"}, {"message": f"{CUT} the sentence.\n"}),
        ({"message": "Stop in the"}, {"message": "Stop in the middle.\n"}),
    ],
)  # fmt: skip
def test_a_row_that_only_looks_like_it_is_not(planted, row, git):
    assert numbers(planted({}, row, git=FakeGit(**git))) == {}


def test_rows_with_one_prompt_and_several_targets_are_counted_all(planted):
    ask = {"path": "src/a.rs", "old": "fn f() {}\n"}
    other = {"path": "src/a.rs", "old": "fn g() {}\n"}
    rows = [ask | {"new": "fn f() { 1 }\n"}, other | {"new": "fn g() { 1 }\n"}]
    assert numbers(planted(*rows, rows[0])) == {}
    found = planted(*rows, rows[0], ask | {"new": "fn f() { 2 }\n"})
    assert numbers(found) == {"same_prompt": 3}
    assert found.n_faulty == 3


DEFINES = {"symbol": "helper", "new": "fn helper() {}\n"}
USES = {"new": "fn f() { helper() }\n"}


@pytest.mark.parametrize(
    ("defines", "uses", "n"),
    [
        (DEFINES, USES, 1),
        ({"symbol": "S", "kind": "struct", "new": "struct S {\n    pub helper: u8,\n}\n"}, USES, 1),
        ({"symbol": "E", "kind": "enum", "new": "enum E {\n    helper(u8),\n}\n"}, USES, 1),
        # The prompt shows it, in whatever place.
        (DEFINES, USES | {"message": "Call helper"}, 0),
        (DEFINES, USES | {"context": "<|functions|>fn helper();\n<|/functions|>"}, 0),
        (DEFINES, USES | {"old": "fn f() { helper }\n"}, 0),
        # It was there before, is of another commit, or is no name.
        (DEFINES | {"old": "fn helper(a: u8) {}\n"}, USES, 0),
        (DEFINES | {"commit": "d" * 40}, USES, 0),
        (DEFINES, {"new": "fn f() { \"helper\"; 'h'; } // helper\n"}, 0),
        (DEFINES, USES | {"symbol": "helper"}, 0),
        # A use is no definition.
        ({"symbol": "g", "new": "fn g() { helper() }\n"}, USES, 0),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_name_that_another_row_of_the_commit_defines_and_nothing_shows(
    planted, defines, uses, n, is_first
):
    rows = [defines, uses] if is_first else [uses, defines]
    assert numbers(planted(*rows)) == ({"unseen": n} if n else {})


def test_a_row_that_defines_a_name_itself_need_not_be_shown_it(planted):
    own = {"symbol": "f", "new": "fn f() {}\nfn helper() { helper() }\n"}
    assert numbers(planted(own, DEFINES)) == {}
    assert numbers(planted(own, DEFINES, USES)) == {"unseen": 1}


def test_the_commits_with_most_rows_are_named(planted):
    rows = [{"commit": f"{n:040}", "old": f"fn f{n}() {{}}\n"} for n in range(200)]
    found = planted(*rows, *[{"commit": "d" * 40, "old": f"fn g{n}() {{}}\n"} for n in range(50)])
    assert found.largest_commit == "d" * 40
    assert (found.largest_share, found.top_share) == (0.2, 51 / 250)
    assert planted().largest_commit is None


def test_what_takes_a_repository_is_not_counted_without(planted):
    found = planted({"message": CUT}, RENAMED)
    counted = {fault.name: fault.n_rows for fault in found.faults}
    assert counted == dict.fromkeys(NAMES, 0) | {"cut_message": None}
    assert not found.has_repository


def texts_of(out):
    encoder = Encoder(load(str(out / "tokenizer")), source=str(out / "tokenizer"))
    for row, meta in rows_with_meta(out, "train", "jsonl"):
        yield row_text(row, meta, encoder)


@pytest.mark.parametrize("options", [{}, {"markers": "native"}], ids=str)
def test_rows_of_text_are_read_as_those_of_ids(exports, options):
    as_text, as_ids = exports(columns="text", **options), exports(**options)
    assert audit(as_text) == audit(as_ids)
    read = list(texts_of(as_text))
    assert read == list(texts_of(as_ids))
    assert any(row.context for row in read)
    assert any(row.old for row in read)


@pytest.mark.parametrize(
    ("tokenizer", "markers", "dialect"),
    [
        ("tokenizer_file", "extended", "extended-starcoder2"),
        ("tokenizer_file", "native", "starcoder2"),
        ("starcoder_file", "native", "starcoder"),
        ("plain_file", "native", "generic"),
    ],
)
def test_messages_and_parts_are_read_in_every_dialect(
    request, exports, tokenizer, markers, dialect
):
    file = str(request.getfixturevalue(tokenizer))
    out = exports(tokenizer=file, markers=markers, max_chars=400, text=True)
    assert DataSet(out).manifest["tokenizer"]["dialect"] == dialect
    read = list(texts_of(out))
    for row in read:
        assert row.message == row.meta["text"]["message"]
        assert row.new == row.meta["text"]["new"]
    assert sum(row.is_part for row in read) > 1
    assert {fault.name: fault.n_rows for fault in audit(out).faults}["unmarked_part"] == 0


def test_holes_and_sequences_have_no_faults_of_edits(exports, tokenizer_of):
    for kind in ("fim", "sequence"):
        found = audit(exports(kind=kind, tokenizer=str(tokenizer_of("starcoder2"))))
        counted = {fault.name for fault in found.faults if fault.n_rows is not None}
        expected = {"emptied", "headless", "not_rust"}
        assert counted == expected | ({"same_prompt"} if kind == "fim" else set())


def test_git_is_asked_for_trees_messages_and_files(history, exports):
    found = DataSet(exports()).audit(history[0].path)
    assert found.has_repository
    counted = {fault.name: fault.n_rows for fault in found.faults}
    assert counted["cut_message"] == counted["not_rust"] == counted["wrong_rename"] == 0
    assert found.n_rows > 0


def test_the_command_prints_and_writes_them(history, exports, tmp_path, capfd):
    pytest.importorskip("jinja2", reason="the `report` extra is not installed")
    pytest.importorskip("matplotlib", reason="the `report` extra is not installed")
    out, page = exports(), tmp_path / "page.html"
    options = ["--to", str(page), "--samples", "0", "-C", str(history[0].path)]
    assert main(["report", str(out), *options, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    expected = DataSet(out).audit(history[0].path)
    assert found["page"] == str(page)
    assert found["audit"]["n_faulty"] == expected.n_faulty
    assert [fault["name"] for fault in found["audit"]["faults"]] == NAMES
    html = page.read_text("utf-8")
    assert "without their repository" not in html
    assert all(f"<td>{name}</td>" in html for name in NAMES)
    assert main(["report", str(out), "--to", str(page), "--samples", "0"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == str(page)
    assert [line.split()[0] for line in lines[2:-2]] == NAMES
    assert lines[2 + NAMES.index("cut_message")].split() == ["cut_message", "-", "-", "-"]
    assert "without their repository" in page.read_text("utf-8")
