"""The configuration of an export: what it refuses, and what follows from its declarations."""

from dataclasses import fields, replace
from pathlib import Path

import click
import pytest

from rsidx import DataSet
from rsidx.__main__ import main
from rsidx.commands.export import export
from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.export import export as make
from rsidx.exporters.pipeline.cache_key import shared_key
from rsidx.exporters.pipeline.commit import writing_tools
from rsidx.option import key_of
from rsidx.setting import declared
from rsidx.store import queries
from rsidx.store.reader import Reader
from tests.results import write_result

OPTIONS = declared(ExportConfig)
OTHER = {
    "seed": 1, "no_edit": 0.1, "split": "1,0,0", "embargo": "0", "boundaries": "earlier",
    "licenses": ("MIT",), "earlier": ("none",), "context_with": ("tests",), "keep": ("bulk",),
    "kind": "fim", "pack": 4096, "since": "2018-12-06", "half_life": 3.0, "columns": "both",
    "from_results": (),  # Of kinds that are made of them: see the next test.
}  # fmt: skip


def test_every_field_but_two_is_an_option_of_the_command():
    names = {field.name for field in fields(ExportConfig)}
    assert names - OPTIONS.keys() == {"revisions", "name"}
    by_name = {option.name: option for option in export.params if isinstance(option, click.Option)}
    for name, field in OPTIONS.items():
        option = by_name[name]
        expected = field.setting.flag or f"--{name.replace('_', '-')}"
        assert (f"--{key_of(option)}", option.help) == (expected, field.setting.help)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"kind": "edits"}, "kind: 'edits' is not one of edit, fim, sequence"),
        ({"format": "csv"}, "format: 'csv' is not one of jsonl, "),
        ({"keep": ("bulk", "all")}, "keep: 'all' is not one of merges, "),
        ({"keep": "bulk"}, "keep: 'bulk' is no list of values"),
        ({"keep": (1,)}, "keep: 1 is no text"),
        ({"max_chars": 199}, "max_chars: 199 is less than 200"),
        ({"max_tokens": 64.5}, "max_tokens: 64.5 is no whole number"),
        ({"max_tokens": True}, "max_tokens: True is no whole number"),
        ({"max_tokens": "2048"}, "max_tokens: '2048' is no whole number"),
        ({"max_tokens": None}, "max_tokens: None is no whole number"),
        ({"no_edit": 0.95}, "no_edit: 0.95 is more than 0.9"),
        ({"no_edit": float("nan")}, "no_edit: nan is less than 0"),
        ({"stride": 0}, "stride: 0.0 is not more than 0"),
        ({"half_life": 0.0}, "half_life: 0.0 is not more than 0"),
        ({"pad": 1}, "pad: 1 is no truth value"),
        ({"tokenizer": 5}, "tokenizer: 5 is no text"),
        ({"boundaries": 5}, "boundaries: 5 is no text"),
        ({"kind": "fim", "level": "file"}, "--level, --no-edit and --earlier are for edits"),
        ({"kind": "sequence", "no_edit": 0.1}, "--level, --no-edit and --earlier are for edits"),
        ({"level": "file", "no_edit": 0.1}, "--no-edit is for items"),
        ({"kind": "sequence", "columns": "text"}, "a sequence has none"),
        ({"columns": "text", "pad": True}, "--columns text has no ids to pad or pack"),
        ({"format": "bin"}, "--format bin has no place for which tokens have loss"),
        ({"format": "ds", "pad": True}, "--format ds has no place for padding"),
        ({"pack": 1024}, "a packed row of 1024 tokens has no room"),
    ],
)  # fmt: skip
def test_a_wrong_value_or_a_contradiction_is_refused_in_a_line(values, says):
    with pytest.raises(ExportError) as caught:
        ExportConfig(**{"tokenizer": "tokenizer.json", **values})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_value_gets_the_type_that_a_manifest_has():
    config = ExportConfig(Path("a/tokenizer.json"), keep=["bulk"], no_edit=0, boundaries=Path("b"))
    assert config == ExportConfig("a/tokenizer.json", keep=("bulk",), no_edit=0.0, boundaries="b")
    assert type(config.no_edit) is float


def test_a_value_that_has_another_name_now_is_taken_with_a_warning(repo, tokenizer_file, capsys):
    with pytest.warns(DeprecationWarning, match="it is called 'answer' now"):
        config = ExportConfig("t", context_from="both")
    assert config == ExportConfig("t", context_from="answer")
    package = '[package]\nname = "p"\nlicense = "MIT"\n'
    repo.commit("one", {"Cargo.toml": package, "src/lib.rs": "fn f() {}\n"})
    place = ["-C", str(repo.path), "--db", str(repo.path.parent / "index.db")]
    assert main(["backfill", *place]) == 0
    out = repo.path.parent / "out"
    given = [str(out), *place, "--tokenizer", str(tokenizer_file), "--context-from", "both"]
    given += ["--license", "MIT", "--keep", "messages"]
    assert main(["export", *given]) == 0
    said = capsys.readouterr().err
    assert "rsidx: --context-from both will be refused; it is called answer now\n" in said
    assert DataSet(out).config.context_from == "answer"
    assert "by looking at the answer" in (out / "README.md").read_text("utf-8")
    manifest = out / "manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"answer"', '"both"'), "utf-8")
    assert DataSet(out).config.context_from == "answer"
    assert DataSet(out).config.licenses == ("MIT",)
    asked = ["prompt", "src/lib.rs:f", "--message", "m", *place, "--like", str(out)]
    assert main(asked) == 0
    assert "has seen context that no prompt has" in capsys.readouterr().err


def test_a_copy_is_checked_too():
    with pytest.raises(ExportError, match="kind: 'x'"):
        replace(ExportConfig("tokenizer.json"), kind="x")


def other(name):
    """Another value of a field than its default."""
    field = OPTIONS[name]
    if name in OTHER:
        return OTHER[name]
    if field.kind is bool:
        return not field.default
    choices = field.setting.choices
    if choices:
        value = next(one for one in choices if field.default not in (one, (one,)))
        return (value,) if field.is_multiple else value
    return field.default + 1 if field.kind is int else field.default / 2


def test_the_cache_key_covers_what_is_declared_to_decide_rows(repo, index, tokenizer_file):
    repo.commit("one", {"src/lib.rs": "fn one() {}\n"})
    index.sync()
    usual = ExportConfig(str(tokenizer_file))
    encoder, dialect, _ = writing_tools(usual)
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        plain = shared_key(usual, encoder, dialect, reader)
        assert (
            shared_key(replace(usual, name="x", revisions=("y",)), encoder, dialect, reader)
            == plain
        )
        for name in OPTIONS.keys() - {"tokenizer"}:
            changed = replace(usual, **{name: other(name)})
            is_other = shared_key(changed, encoder, dialect, reader) != plain
            assert is_other == OPTIONS[name].setting.in_cache_key, name


def test_the_cache_key_covers_what_a_result_says(repo, index, tokenizer_file, tmp_path):
    repo.commit("one", {"src/lib.rs": "fn one() {}\n"})
    index.sync()
    edits = tmp_path / "edits"
    make(index.database, edits, ExportConfig(str(tokenizer_file)))
    result = write_result(tmp_path / "result", edits)
    config = ExportConfig(str(tokenizer_file), kind="repair", from_results=(result,))
    encoder, dialect, _ = writing_tools(config)
    with index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))
        before = shared_key(config, encoder, dialect, reader)
        assert shared_key(config, encoder, dialect, reader) == before
        with (tmp_path / "result" / "verdicts.jsonl").open("a") as file:
            file.write("{}\n")
        assert shared_key(config, encoder, dialect, reader) != before
