"""Some additions say what is to be written: its name or its signature."""

import json

import pytest

from rsidx.errors import RsidxError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.reader import load_row
from rsidx.exporters.examples.given import Given, given_as
from rsidx.exporters.export import export

pytestmark = pytest.mark.usefixtures("wordy")
N_ADDED = 40


def functions(prefix="f"):
    """Return functions of which each is as long as that of another prefix."""
    return "\n".join(
        f"pub fn {prefix}{n}(\n    a: u{n},\n) -> u{n} {{\n    a + {n}\n}}\n"
        for n in range(N_ADDED)
    )


@pytest.fixture
def rows_of(repo, index, tokenizer_file, tmp_path):
    repo.commit("begin", {"Cargo.toml": '[package]\nname = "p"\n', "src/lib.rs": "mod m;\n"})
    repo.commit("add them all, as somebody asked", {"src/lib.rs": "mod m;\n" + functions()})
    index.sync()

    def do(**options):
        out = tmp_path / "out"
        settings = {"split": "1,0,0", "embargo": "0", "keep": ("near_duplicates",), **options}
        manifest = export(index.database, out, ExportConfig(str(tokenizer_file), **settings))
        assert index.problems(out) == []
        n_rows = manifest["counts"]["examples"]["train"]
        rows = (load_row(out, "train", str(number + 1)) for number in range(n_rows))
        return [row for row in rows if row.meta["symbol"].startswith("f")]

    return do


def prompt(row):
    return "".join(token.text for token in row.tokens if token.role in ("prompt", "context"))


def test_code_that_is_no_more_than_its_signature_is_given_by_its_name(index, repo, rows_of):
    lib = "mod m;\n" + "".join(f"pub struct f{n}(pub u{n}, Vec<u{n}>);\n" for n in range(200, 240))
    repo.commit("add tuples, as somebody asked", {"src/lib.rs": lib})
    index.sync()
    rows = [row for row in rows_of(given=1) if row.meta["kind"] == "struct"]
    assert {kind for row in rows for kind in row.meta["given"]} == {"name"}
    assert len(rows) > N_ADDED / 2


def test_a_share_has_a_name_or_a_signature_and_the_others_nothing(rows_of):
    rows = rows_of(given=0.5)
    kinds = [next(iter(row.meta.get("given", {"": ""}))) for row in rows]
    assert len(kinds) == N_ADDED
    assert {kind: kinds.count(kind) > 4 for kind in kinds} == dict.fromkeys(
        ("", "name", "signature"), True
    )
    for row in rows:
        n, text = row.meta["symbol"][1:], prompt(row)
        assert ("<|name|>" in text, "<|signature|>" in text) == (
            "name" in row.meta.get("given", {}), "signature" in row.meta.get("given", {}),
        )  # fmt: skip
        for kind, said in row.meta.get("given", {}).items():
            whole = {"name": f"f{n}", "signature": f"pub fn f{n}( a: u{n}, ) -> u{n}"}
            assert said == whole[kind]
            assert f"<|{kind}|>{said}<|message|>" in text


def test_the_share_may_be_all_or_none(rows_of):
    assert all("given" not in row.meta for row in rows_of(given=0.0))
    assert all("given" in row.meta for row in rows_of(given=1.0))


@pytest.mark.parametrize("options", [{"level": "file"}, {"kind": "sequence"}])
def test_only_rows_of_edits_say_what_is_added(rows_of, tmp_path, read_jsonl, options):
    rows_of(given=1.0, **options)
    metas = read_jsonl(tmp_path / "out" / "train.meta.jsonl")
    assert {"add"} <= {meta["change"] for meta in metas}
    assert all("given" not in meta for meta in metas)


def test_each_seed_commit_and_file_draws_anew_and_the_same_draw_the_same(
    repo, index, tokenizer_file, tmp_path, read_jsonl
):
    begin = "mod m;\n"
    manifest = '[package]\nname = "p"\n'
    repo.commit("begin", {"Cargo.toml": manifest, "src/lib.rs": begin, "src/m.rs": begin})
    added = {"src/lib.rs": begin + functions("f"), "src/m.rs": begin + functions("g")}
    repo.commit("add them to both, as somebody asked", added)
    in_front = f"{begin}{functions('h')}\n{functions('g')}"
    repo.commit("add more in front, as somebody asked", {"src/m.rs": in_front})
    index.sync()

    def drawn(seed, out):
        options = {"split": "1,0,0", "embargo": "0", "keep": ("near_duplicates",), "given": 0.5}
        config = ExportConfig(str(tokenizer_file), seed=seed, **options)
        export(index.database, tmp_path / out, config)
        kinds = {}
        for meta in read_jsonl(tmp_path / out / "train.meta.jsonl"):
            kind = next(iter(meta.get("given", {"": ""})))
            kinds.setdefault(meta["symbol"][:1], {})[meta["new"]["start"]] = kind
        return {prefix: kinds[prefix] for prefix in "fgh"}

    first, again, other_seed = drawn(1, "first"), drawn(1, "again"), drawn(2, "other")
    assert first == again
    # All stand at the same bytes of a file.
    assert first["f"].keys() == first["g"].keys() == first["h"].keys()
    assert len(first["f"]) == N_ADDED
    draws = (first["f"], first["g"], first["h"], other_seed["f"])
    assert all(one != other for n, one in enumerate(draws) for other in draws[:n])


def test_without_markers_a_comment_says_it(rows_of):
    row = next(r for r in rows_of(given=1.0, markers="native") if "name" in r.meta["given"])
    assert f"// To be added: {row.meta['symbol']}\n" in prompt(row)


def test_verify_sees_a_name_that_is_not_that_of_the_code(rows_of, index, tmp_path):
    rows_of(given=1.0)
    file = tmp_path / "out" / "train.meta.jsonl"
    metas = [json.loads(line) for line in file.read_text().splitlines()]
    one = next(meta for meta in metas if "signature" in meta.get("given", {}))
    one["given"]["signature"] += " where"
    file.write_text("".join(json.dumps(meta) + "\n" for meta in metas))
    assert any("that is given is not" in problem for problem in index.problems(tmp_path / "out"))


def test_what_a_person_says_is_a_name_or_a_signature_on_one_line():
    assert given_as("go", "") == Given("name", "go")
    assert given_as("", "fn go(\n    n: u32,\n)") == Given("signature", "fn go( n: u32, )")
    assert given_as("", "") is None
    with pytest.raises(RsidxError, match="not both"):
        given_as("go", "fn go()")


def test_what_changes_or_has_no_name_has_none(repo, index, tokenizer_file, tmp_path, read_jsonl):
    old = "mod m;\n\npub fn go() -> u32 {\n    1\n}\n"
    repo.commit("begin", {"Cargo.toml": '[package]\nname = "p"\n', "src/lib.rs": old})
    new = "use std::fmt;\n\n" + old.replace("1", "22")
    repo.commit("change it, as somebody asked", {"src/lib.rs": new})
    index.sync()
    config = ExportConfig(str(tokenizer_file), split="1,0,0", embargo="0", given=1.0)
    export(index.database, tmp_path / "out", config)
    metas = read_jsonl(tmp_path / "out" / "train.meta.jsonl")
    found = {(m["kind"], m["change"]): "given" in m for m in metas if m["parent"]}
    assert found == {("imports", "add"): False, ("fn", "modify"): False}
