"""The schemas: they describe all that an export writes and nothing else, and only grow."""

import json
import re
from copy import deepcopy
from pathlib import Path

import pytest
from jsonschema_rs import Draft202012Validator, meta
from tokenizers import Tokenizer

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.context.builder import RULES, SECTIONS
from rsidx.exporters.context.forms import FORMS
from rsidx.exporters.dataset.destination import Destination
from rsidx.exporters.dataset.schema import (
    MANIFEST_SCHEMA,
    META_SCHEMA,
    load_schema,
    open_to_more,
    schema_of_kind,
)
from rsidx.exporters.examples.fim import MIDDLES
from rsidx.exporters.export import export
from rsidx.exporters.kinds import KINDS
from tests.results import NEEDED, write_result

pytestmark = pytest.mark.usefixtures("wordy")
RELEASED = Path(__file__).parents[2] / "fixtures"
SCHEMAS = (MANIFEST_SCHEMA, META_SCHEMA)
EVERY_OPTION = {"text": True, "half_life": 30.0, "context_with": ("callers", "tests", "names")}
OPTIONS = {
    "edit": {
        "earlier": ("commit", "history"),
        "no_edit": 0.2,
        "given": 1.0,
        "max_chars": 200,
        "max_tokens": 4096,
        "context_tokens": 3000,
        "pack": 4096,
    },
    "fim": {"markers": "native", "columns": "both"},
    "sequence": {"max_chars": 200},
    "repair": {"earlier": ("commit", "history"), "context_tokens": 3000},
    "preference": {
        "earlier": ("commit", "history"),
        "given": 1.0,
        "seed": 1,
        "context_tokens": 3000,
    },
}
LIB = """\
use std::fmt;

mod far;
mod numbers;

use crate::numbers::{{double, Half}};

/// A pair of numbers.
pub struct Pair {{
    left: u32,
    right: u32,
}}

impl Pair {{
    /// Adds the two numbers, and {n}.
    pub fn sum(&self) -> u32 {{
        let first = Half::of(self.left) + {n};
        let second = self.right * first + constant();
        let third = double(first) + Half::of(second);
        first + second + third
    }}
}}

fn constant() -> u32 {{
    {n}
}}
"""
MANIFEST = '[package]\nname = "p"\nedition = "2021"\n'
NUMBERS = """\
pub fn double(value: u32) -> u32 {{
    value * 2
}}

pub struct Half;

impl Half {{
    pub fn of(value: u32) -> u32 {{
        value / 2
    }}

    pub fn unused() {{}}
}}

fn new{n}() {{}}
"""
DOS = 5
"""The version of the numbers that has other line ends."""


@pytest.fixture
def exported(repo, index, tokenizer_file, tmp_path):
    def run(kind):
        steps = "    let step = some_other_function(step);\n" * 30
        far = f"pub fn far(step: u32) -> u32 {{\n    before();\n{steps}    behind();\n    7\n}}\n"
        repo.commit("Begin with a package", {"Cargo.toml": MANIFEST, "src/far.rs": far})
        repo.commits(
            (f"Change the functions for the time {n}",
             {"src/lib.rs": LIB.format(n=n),
              "src/numbers.rs": NUMBERS.format(n=n).replace("\n", "\r\n" if n == DOS else "\n")})
            for n in range(12)
        )  # fmt: skip
        calls = "double(1) + crate::far::far() + later()\n}\n\nfn later() -> u32 {\n    far()\n}"
        last = LIB.format(n=12).replace("    12\n}", f"    {calls}")
        files = {"src/lib.rs": last, "src/far.rs": far.replace("be", "have_been_be")}
        repo.commit("Call what is there, and what comes", files)
        renamed = NUMBERS.format(n=99)
        repo.commit("Rename the numbers", {"src/numbers.rs": None, "src/figures.rs": renamed})
        index.sync()
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
        tokenizer.add_special_tokens(["<fim_prefix>", "<fim_middle>", "<fim_suffix>"])
        tokenizer.save(str(tmp_path / "fim.json"))
        tokenizer = str(tmp_path / "fim.json")
        needed = dict(NEEDED.get(kind, {}))
        if needed:
            export(index.database, tmp_path / "edits", ExportConfig(tokenizer))
            needed["from_results"] = (write_result(tmp_path / "result", tmp_path / "edits"),)
        config = ExportConfig(tokenizer, kind=kind, **EVERY_OPTION, **OPTIONS[kind], **needed)
        export(index.database, Destination(tmp_path / kind), config)
        return tmp_path / kind

    return run


def lines_of(out):
    for split in ("train", "val", "test"):
        text = (out / f"{split}.meta.jsonl").read_text("utf-8")
        yield from map(json.loads, text.splitlines())


def keys(value, at=""):
    """Yield the places of all keys in a value; entries of a list count as one."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield f"{at}/{name}"
            yield from keys(inside, f"{at}/{name}")
    if isinstance(value, list):
        for inside in value:
            yield from keys(inside, f"{at}[]")


def described(schema, definitions, at=""):
    """Yield the places of all keys that a schema describes."""
    if "$ref" in schema:
        inside = definitions[schema["$ref"].rpartition("/")[2]]
        yield from described(inside, definitions, at)
    for part in schema.get("anyOf", ()):
        yield from described(part, definitions, at)
    for name, part in schema.get("properties", {}).items():
        yield f"{at}/{name}"
        yield from described(part, definitions, f"{at}/{name}")
    if isinstance(schema.get("items"), dict):
        yield from described(schema["items"], definitions, f"{at}[]")


def objects(value):
    """Yield every object in a value."""
    if isinstance(value, dict):
        yield value
    for inside in value.values() if isinstance(value, dict) else value:
        if isinstance(inside, dict | list):
            yield from objects(inside)


def problems(schema, value):
    validator = Draft202012Validator(schema, validate_formats=True)
    return [error.message for error in validator.iter_errors(value)]


@pytest.mark.parametrize("kind", KINDS)
def test_meta_lines_have_the_keys_of_their_schema_and_no_others(exported, kind):
    lines = list(lines_of(exported(kind)))
    schema = schema_of_kind(kind)
    for line in lines:
        assert problems(schema, line) == []
    # Repositories are named in data sets of many alone, blocks in those of --target blocks.
    elsewhere = {"/repository", "/is_blocks"}
    places = set(described(schema, schema["$defs"])) - elsewhere
    if not KINDS[kind].is_edit:  # They show nothing of what earlier edits made.
        places = {place for place in places if "/frames" not in place}
    assert {place for line in lines for place in keys(line)} == places
    # Any line is described by the schema as a whole, too, and as one kind alone.
    assert problems(load_schema(META_SCHEMA), lines[0]) == []
    fullest = max(lines, key=lambda line: len(set(keys(line))))
    n_objects = sum(1 for _ in objects(fullest))
    for number in range(n_objects):
        changed = deepcopy(fullest)
        list(objects(changed))[number]["colour"] = "red"
        assert problems(schema, changed), number


@pytest.mark.parametrize("kind", KINDS)
def test_a_manifest_has_the_keys_of_its_schema_and_no_others(exported, kind):
    manifest = json.loads((exported(kind) / "manifest.json").read_text("utf-8"))
    schema = load_schema(MANIFEST_SCHEMA)
    assert problems(schema, manifest) == []
    # The names of what is counted are open, and so are those of files, tips and libraries.
    places = set(described(schema, schema["$defs"]))
    without = {place for place in places if place.startswith("/counts/packed_rows/")}
    without.add("/config/context_at")  # Of an option that is gone.
    without.add("/tokenizer/chat_template")  # Of rows that are messages.
    of_many = ("/shards", "/repositories", "/corpus")
    without |= {place for place in places if place.startswith(of_many)}
    assert places - without <= set(keys(manifest))
    for at in ("", "config", "counts", "tokenizer", "splits", "relations", "now_train"):
        changed = deepcopy(manifest)
        (changed[at] if at else changed)["colour"] = "red"
        assert problems(schema, changed), at


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_valid_and_describes_each_key(name):
    schema = load_schema(name)
    meta.validate(schema)
    for part in objects(schema):
        for key, value in part.get("properties", {}).items():
            described_by = value.get("description") or value.get("$ref")
            assert described_by, key


def test_the_names_that_a_schema_lists_are_those_of_the_code():
    definitions = load_schema(META_SCHEMA)["$defs"]
    excerpt = definitions["excerpt"]["properties"]
    assert excerpt["section"]["enum"] == list(SECTIONS)
    assert excerpt["rule"]["enum"] == list(RULES)
    assert excerpt["form"]["enum"] == list(FORMS)
    around = definitions["fim"]["properties"]["around"]["properties"]
    assert around["middle"]["enum"] == list(MIDDLES)


def demands(schema, at=""):
    """Yield what a schema asks of a value, each with the place that asks for it."""
    if isinstance(schema, list):
        for number, part in enumerate(schema):
            yield from demands(part, f"{at}/{number}")
    elif isinstance(schema, dict):
        is_keyword = not at.endswith(("/properties", "/$defs"))
        for key, value in schema.items():
            if is_keyword and key in ("enum", "required"):
                yield f"{at}/{key}", frozenset(value)
            elif not (is_keyword and key in ("title", "description", "default")):
                yield from demands(value, f"{at}/{key}")
    else:
        yield at, schema


def broken(released, current):
    """Yield where a schema breaks the contract: a key went, or asks for something else.

    More names in an enumeration, new keys that may be missing and new kinds break nothing.
    """
    before, now = dict(demands(released)), dict(demands(current))
    for place, value in before.items():
        has_more = place.endswith("/enum") and value <= now.get(place, frozenset())
        if now.get(place) != value and not has_more:
            yield place
    for place in now.keys() - before.keys():
        key = re.match(r".*/(?:properties|\$defs)/[^/]+|/oneOf/\d+", place)
        if key is None or any(known.startswith(f"{key[0]}/") for known in before):
            yield place


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_only_adds_to_the_released_one(name):
    released = json.loads((RELEASED / name).read_text("utf-8"))
    assert list(broken(released, load_schema(name))) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda row: row["properties"]["path"].update(type="integer"), "properties/path/type"),
        (lambda row: row["properties"].pop("path"), "properties/path/type"),
        (lambda row: row["properties"]["path"].update(maxLength=9), "properties/path/maxLength"),
        (lambda row: row["properties"]["change"]["enum"].remove("move"), "properties/change/enum"),
        (lambda row: row["required"].append("weight"), "required"),
        (lambda row: row["required"].remove("license"), "required"),
        (lambda row: row.update(maxProperties=99), "maxProperties"),
    ],
)
def test_what_a_minor_release_may_not_change_is_noticed(change, place):
    released, current = load_schema(META_SCHEMA), load_schema(META_SCHEMA)
    change(current["$defs"]["row"])
    assert list(broken(released, current)) == [f"/$defs/row/{place}"]


def test_what_a_minor_release_may_add_is_no_change_of_the_contract():
    released, current = load_schema(META_SCHEMA), load_schema(META_SCHEMA)
    row = current["$defs"]["row"]["properties"]
    row["colour"] = {"description": "The colour.", "type": "string"}
    row["change"]["enum"].append("split")
    row["path"]["description"] = "Where it is."
    current["$defs"]["comment"] = {"$ref": "#/$defs/row"}
    current["oneOf"].append({"$ref": "#/$defs/comment"})
    assert list(broken(released, current)) == []


def test_a_schema_that_is_open_to_more_takes_new_keys_and_names_alone():
    schema = open_to_more(schema_of_kind("edit"))
    range_ = {"blob": "0" * 40, "start": 0, "end": 1, "line": 7}
    excerpt = {
        "path": "a", "blob": "0" * 40, "ranges": [[0, 1]], "section": "aliases", "symbol": "",
        "rule": "guess", "form": "short", "n_tokens": 1, "colour": "red",
    }  # fmt: skip
    n_tokens = dict.fromkeys(("prompt", "context", "old", "lead", "new", "total", "plan"), 0)
    line = {
        "id": "0" * 24, "commit": "0" * 40, "parent": None, "time": "2026-01-01T00:00:00+00:00",
        "path": "a", "old_path": None, "symbol": "", "container": "", "kind": "fn",
        "change": "split", "is_test": False, "license": None, "part": [1, 1], "old": None,
        "new": range_, "context": [excerpt], "n_excerpts_left_out": 0, "n_tokens": n_tokens,
        "roles": [["plan", 1]], "is_redacted": False, "enum": ["a key called as a keyword"],
    }  # fmt: skip
    assert problems(schema, line) == []
    assert problems(schema_of_kind("edit"), line)
    assert problems(schema, {**line, "path": 1})
