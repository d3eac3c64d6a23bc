"""Of a large commit so many edits stay, spread over its files, whatever their code is."""

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.dropped import FILE
from rsidx.exporters.dataset.layout import write_checksums
from rsidx.exporters.export import export


def function(name, n):
    terms = f"{name}_{n}({n}) + other_{name}({n})\n        + another_{name}({n}) + last_{name}({n})"
    return f"pub fn {name}() -> usize {{\n    {terms}\n}}\n\n"


def file(number, n_functions, n=1):
    return "".join(function(f"of_{number}_{each}", n) for each in range(n_functions))


N_FUNCTIONS = (9, 1, 5, 2)
ONE_EACH = 200
"""So short is an edit of one function of a new file, and not of two."""
FILES = {f"src/f{number}.rs": file(number, many) for number, many in enumerate(N_FUNCTIONS)}


@pytest.fixture
def exported(index, tokenizer_of, tmp_path, read_jsonl):
    def do(name="out", **options):
        index.sync()
        settings = {"split": "1,0,0", "keep": ("near_duplicates",), "max_chars": ONE_EACH}
        settings.update(options)
        out = tmp_path / name
        manifest = export(
            index.database, out, ExportConfig(str(tokenizer_of("starcoder2")), **settings)
        )
        assert index.problems(out) == []
        return read_jsonl(out / "train.meta.jsonl"), manifest, out

    return do


@pytest.fixture
def large(repo):
    repo.commit("Add many functions at once", FILES)


def names(metas):
    return [meta["symbol"] for meta in metas]


@pytest.mark.usefixtures("large")
def test_files_take_turns_and_the_others_are_listed(exported, read_jsonl):
    metas, manifest, out = exported(max_edits_per_commit=9)
    n_of = [sum(meta["path"] == path for meta in metas) for path in FILES]
    assert n_of == [3, 1, 3, 2]
    every = names(exported("all", max_edits_per_commit=0)[0])
    assert len(every) == sum(N_FUNCTIONS)
    # In the order of the code.
    assert names(metas) == [name for name in every if name in names(metas)]
    assert manifest["dropped"]["edits_over_limit"] == 8
    beyond = [line["symbol"] for line in read_jsonl(out / FILE)]
    assert sorted([*beyond, *names(metas)]) == sorted(every)


@pytest.mark.usefixtures("large")
def test_a_smaller_limit_keeps_some_of_what_a_larger_one_does_and_not_the_first(exported):
    large, small = (names(exported(str(limit), max_edits_per_commit=limit)[0]) for limit in (12, 6))
    assert set(small) < set(large)
    of_first = [name for name in large if name.startswith("of_0")]
    assert of_first != [f"of_0_{number}" for number in range(len(of_first))]


@pytest.mark.usefixtures("large")
def test_a_commit_with_as_many_edits_as_the_limit_keeps_all(exported):
    metas, manifest, _ = exported(max_edits_per_commit=sum(N_FUNCTIONS))
    assert len(metas) == sum(N_FUNCTIONS)
    assert "edits_over_limit" not in manifest["dropped"]


def test_no_op_edits_come_on_top(repo, exported):
    repo.commit("Add many functions at once", FILES)
    changed = {"src/f0.rs": file(0, 9).replace("+ other_of_0_0(", "- other_of_0_0(")}
    repo.commit("Change one of them, and no other", changed)
    metas, _, _ = exported(max_edits_per_commit=1, no_edit=0.5)
    assert [meta["change"] for meta in metas] == ["add", "modify", "none"]


@pytest.mark.parametrize("options", [{"kind": "sequence"}, {"level": "file"}, {"kind": "fim"}])
@pytest.mark.usefixtures("large")
def test_other_kinds_have_the_limit_too(exported, options):
    metas, _, _ = exported(max_edits_per_commit=2, max_chars=4000, **options)
    assert len({str(meta.get("edit", meta)["new"]) for meta in metas}) == 2


def test_which_edits_stay_does_not_depend_on_their_code(index, repo):
    from rsidx.exporters.edits.pairing import commit_edits  # noqa: PLC0415
    from rsidx.exporters.filters.limit import within_limit  # noqa: PLC0415
    from rsidx.store import queries  # noqa: PLC0415
    from rsidx.store.reader import Reader  # noqa: PLC0415

    kept = []
    for n in (1, 2):
        files = {name: text.replace("_1(1)", f"_{n}({n})") for name, text in FILES.items()}
        oid = repo.commit("Add many functions at once", files)
        repo.commit("Begin anew", dict.fromkeys(FILES))
        index.sync()
        with index.database.reading() as connection:
            reader = Reader(connection, queries.indexed_repository(connection, None))
            commit = reader.commit(bytes.fromhex(oid))
            edits = commit_edits(reader, reader.changes(commit.id), max_bytes=4000).edits
            stay, beyond = within_limit(edits, 9, "the same commit", reader.path)
            assert len(stay) + len(beyond) == sum(N_FUNCTIONS)
            kept.append([edit.name for edit in stay])
    assert kept[0] == kept[1]


@pytest.mark.usefixtures("large")
def test_verify_reports_rows_beyond_the_limit_and_reasons_that_do_not_hold(exported, index):
    _, _, out = exported(max_edits_per_commit=9)
    manifest = out / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace('"max_edits_per_commit": 9', '"max_edits_per_commit": 8'))
    [_, problem] = index.problems(out)
    assert problem.endswith("has more than 8 edits")
    manifest.write_text(text.replace('"max_edits_per_commit": 9', '"max_edits_per_commit": 0'))
    problems = index.problems(out)
    assert problems.count("it is beyond a limit, and the export has none") == 8
    manifest.write_text(text.replace("edits_over_limit", "edits_foreign"))
    dropped = out / FILE
    lines = dropped.read_text()
    dropped.write_text(lines.replace("edits_over_limit", "edits_conflict_copies"))
    write_checksums(out)
    [problem] = {p for p in index.problems(out) if "conflict" in p and "has no copy" in p}
    assert problem.endswith("has no copy of a conflict's side")


def test_verify_reports_a_foreign_file_that_was_there_before(repo, exported, index):
    repo.commit("Add many functions at once", FILES)
    repo.commit("Change many functions at once", {"src/f0.rs": file(0, 9, n=2)})
    _, _, out = exported(max_edits_per_commit=8)
    dropped = out / FILE
    dropped.write_text(dropped.read_text().replace("edits_over_limit", "edits_foreign"))
    [problem] = {p for p in index.problems(out) if "is no file that" in p}
    assert problem.startswith("src/f0.rs is no file that ")
