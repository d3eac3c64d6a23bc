"""Verifying: a sound export passes, and each kind of damage is named."""

import hashlib
import json
import shutil

import pytest

from rsidx.errors import ExportError
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.dataset.destination import Destination
from rsidx.exporters.dataset.inventory import sealed
from rsidx.exporters.dataset.layout import write_json
from rsidx.exporters.export import export
from rsidx.exporters.verify.dataset import verify
from rsidx.exporters.verify.rows import Checked
from rsidx.indexer.git.blobs import blob_reader
from rsidx.indexer.gitview import GitView

pytestmark = pytest.mark.usefixtures("wordy")

LIB = "use std::fmt;\nmod far;\nuse crate::far::Far;\n\nstruct S {{\n    x: u32,\n}}\n\nimpl S {{\n    fn f(&self, far: Far) -> S {{\n        {}\n    }}\n}}\n"  # noqa: E501


MANIFEST = '[package]\nname = "p"\nedition = "2021"\n'
FAR = "pub struct Far {\n    pub away: u32,\n}\n"


@pytest.fixture(scope="module")
def history(make_history):
    repo, index = history = make_history()
    repo.commit("commit them all", {"Cargo.toml": MANIFEST, "src/far.rs": FAR})
    repo.commits((f"commit {n}", {"src/lib.rs": LIB.format(n)}) for n in range(20))
    index.sync()
    return history


@pytest.fixture(scope="module")
def exports():
    """What was exported of the history, by the options."""
    return {}


@pytest.fixture
def made(history, exports, tokenizer_file, tmp_path, tmp_path_factory):
    """Return a function that exports the history; each time the folder is as it was exported."""

    def make(**options):
        key = repr(options)
        if key not in exports:
            exports[key] = tmp_path_factory.mktemp("export") / "out"
            config = ExportConfig(tokenizer=str(tokenizer_file), **options)
            export(history.index.database, exports[key], config)
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        return shutil.copytree(exports[key], tmp_path / "out")

    return make


@pytest.fixture
def made_own(index, tokenizer_file, tmp_path):
    """Return a function that exports the test's own repository."""

    def make(**options):
        index.sync()
        again = Destination(tmp_path / "out", replace_edited=True)
        export(index.database, again, ExportConfig(tokenizer=str(tokenizer_file), **options))
        return tmp_path / "out"

    return make


@pytest.fixture
def problems(history):
    def check(out):
        checked = Checked()
        repository = history.index.repository
        with blob_reader(repository, max_bytes=1 << 20) as reader:
            found = list(verify(out, lambda _: GitView(repository, reader), checked))
            assert checked.n_files == 12
        return [(p.file, p.row, p.text) for p in found]

    return check


def test_an_edit_in_an_impl_that_a_syntax_error_leaves_open_is_not_in_its_own_outline(
    repo, index, made_own
):
    for n in range(20):
        body = "let wide = [1, 2, 3];\n    let total: u32 = wide.iter().sum();" * (n % 2 + 1)
        impl = f"impl S {{\n  fn f(&self) -> u32 {{\n    {body}\n    total + {n}\n  }}\n"
        repo.commit(f"commit {n}", {"src/lib.rs": f"struct S {{ x: u32 }}\n\n{impl}"})
    assert index.problems(made_own()) == []


def test_an_earlier_edit_of_another_file_may_have_made_the_same_of_it(repo, index, made_own):
    for n in range(20):
        text = LIB.format(n)
        repo.commit(f"commit {n}", {"src/lib.rs": text, "src/copy.rs": text})
    keep = ("duplicates", "near_duplicates", "related")
    assert index.problems(made_own(earlier=("commit",), keep=keep)) == []


@pytest.mark.parametrize(
    "options",
    [{}, {"context_from": "answer"}, {"labels": "all"}, {"pad": True}, {"markers": "native"},
     {"keep": ("deletions",)}, {"max_chars": 200, "max_tokens": 400}],
    ids=str,
)  # fmt: skip
def test_a_sound_export_holds(made, problems, options):
    assert problems(made(**options)) == []


def rewrite(out, name, change, line=-1):
    """Change one line of a file and its checksum with it."""
    lines = (out / name).read_text("utf-8").splitlines()
    value = json.loads(lines[line])
    change(value)
    lines[line] = json.dumps(value)
    (out / name).write_text("\n".join(lines) + "\n", "utf-8")
    renew(out)


def renew(out):
    sums = (out / "SHA256SUMS").read_text().splitlines()
    names = [line.split("  ")[1] for line in sums]
    text = "".join(
        f"{hashlib.sha256((out / name).read_bytes()).hexdigest()}  {name}\n" for name in names
    )
    (out / "SHA256SUMS").write_text(text)
    reseal(out)


def reseal(out):
    """Write the manifest as an export does that has these checksums."""
    manifest = json.loads((out / "manifest.json").read_text())
    sums = (out / "SHA256SUMS").read_bytes()
    files = {**manifest["files"], "SHA256SUMS": hashlib.sha256(sums).hexdigest()}
    write_json(out / "manifest.json", sealed(manifest, files))


def of_another_time(meta):
    meta["context"][0]["blob"] = meta["new"]["blob"]


def outside(meta):
    meta["context"][0]["ranges"] = [[0, 10_000]]


def elsewhere(meta):
    meta["context"][0]["ranges"] = [[0, 9]]


def shifted(meta):
    meta["new"]["start"] += 1


def other_old(meta):
    meta["old"]["end"] -= 3


def other_parent(meta):
    meta["parent"] = meta["commit"]


def own_code(meta):
    excerpt = meta["context"][0]
    excerpt.update(path=meta["path"], blob=meta["old"]["blob"])
    excerpt["ranges"] = [[meta["old"]["start"], meta["old"]["end"]]]


def test_a_rename_leaves_no_file_at_the_old_name(repo, index, made_own):
    methods = "".join(f"fn f{n}() {{\n    work({n});\n    more();\n}}\n" for n in range(9))
    repo.commit("start", {"src/a.rs": methods, "src/c.rs": methods.replace("fn f", "fn g")})
    kept, moved = methods.split("fn f8")
    changed = f"fn f8{moved.replace('more', 'less')}"
    renamed = methods.replace("fn f", "fn g").replace("work(3)", "work(33)")
    repo.commit("go on", {
        "src/a.rs": kept, "src/b.rs": changed, "src/c.rs": None, "src/d.rs": renamed,
    })  # fmt: skip
    out = made_own(split="1,0,0")
    assert index.problems(out) == []
    said = []

    def claimed(meta):
        if "is_rename" in meta:
            said.append((meta["old_path"], meta["path"], meta["is_rename"]))
            meta["is_rename"] = True

    for line in range(len((out / "train.meta.jsonl").read_text("utf-8").splitlines())):
        rewrite(out, "train.meta.jsonl", claimed, line)
    assert sorted(said) == [("src/a.rs", "src/b.rs", False), ("src/c.rs", "src/d.rs", True)]
    assert "src/b.rs is no new name of src/a.rs, which is still there" in index.problems(out)


def function(name, n):
    return f"fn {name}(n: u32) -> u32 {{\n    let work = go_{n}(n);\n    {name}_more(work)\n}}\n\n"


def test_what_is_added_to_a_file_that_is_renamed_stands_in_the_file_of_the_old_name(
    repo, index, made_own
):
    known = "".join(function(f"f{n}", n) for n in range(9))
    repo.commit("start", {"src/a.rs": known, "src/gone.rs": "fn gone() {}\n"})
    repo.commit("go on", {"src/a.rs": None, "src/b.rs": known + function("new", 77)})
    out = made_own(split="1,0,0")
    assert index.problems(out) == []

    def claimed(meta):
        gone = repo.git("rev-parse", "HEAD~1:src/gone.rs").strip()
        meta["surroundings"]["before"] = [{"blob": gone, "start": 0, "end": 5}]

    rewrite(out, "train.meta.jsonl", claimed)
    # It is still there, so it cannot be what has a new name.
    assert index.problems(out) == ["the file around the place is no version of src/b.rs"]


def test_what_is_said_of_a_long_addition_holds_in_each_of_its_parts(repo, index, made_own):
    body = "".join(f"    let value_{n} = compute_{n}(seed, {n});\n" for n in range(40))
    new = f"fn first() {{}}\n\nfn new_one(seed: u32) {{\n{body}}}\n"
    repo.commit("start", {"src/a.rs": "fn first() {}\n"})
    repo.commit("go on", {"src/a.rs": new})
    out = made_own(split="1,0,0", given=1.0, max_chars=600)
    lines = (out / "train.meta.jsonl").read_text("utf-8").splitlines()
    last = json.loads(lines[-1])
    assert last["part"][0] == last["part"][1] > 1
    assert index.problems(out) == []

    def claimed(meta):
        [kind] = meta["given"]
        meta["given"][kind] = "first"

    rewrite(out, "train.meta.jsonl", claimed)
    [problem] = index.problems(out)
    assert problem.endswith("that is given is not that of the new code")


def test_a_part_of_code_from_another_file_is_shown_the_rest_of_it(repo, index, made_own):
    body = [f"    let value_{n} = compute_{n}(seed, {n});\n" for n in range(60)]
    long = "fn long(seed: u32) {\n" + "".join(body) + "}\n"
    repo.commit("start", {"src/a.rs": f"fn first() {{}}\n\n{long}"})
    moved = long.replace("compute_1(seed, 1)", "compute_1(seed + 1, 1)")
    repo.commit("go on", {"src/a.rs": "fn first() {}\n", "src/b.rs": moved})
    out = made_own(split="1,0,0", max_chars=600)
    meta = json.loads((out / "train.meta.jsonl").read_text("utf-8").splitlines()[-1])
    assert meta["change"] == "move"
    assert meta["edit"]["old"] != meta["old"]
    assert index.problems(out) == []


def test_a_note_in_an_excerpt_is_part_of_what_is_shown_and_says_a_number_alone(
    repo, index, made_own
):
    large = (
        "pub struct S {\n    pub x: u32,\n" + "    y: Vec<Option<Result<u32, u32>>>,\n" * 30 + "}\n"
    )
    for n in range(20):
        impl = f"impl S {{\n    fn f(&self) -> u32 {{\n        self.x + {n}\n    }}\n}}\n\n\n"
        lib = f"mod s;\nuse s::S;\n\nfn g(s: S) {{\n    s.f();\n}}\n\n{impl}"
        repo.commit(f"commit {n}", {"src/s.rs": large, "src/lib.rs": lib})
    out = made_own()
    metas = map(json.loads, (out / "train.meta.jsonl").read_text("utf-8").splitlines())
    [place] = [i for i, one in enumerate(list(metas)[-1]["context"]) if one["symbol"] == "S"
               and one["section"] == "structs"]  # fmt: skip
    assert index.problems(out) == []

    def say(note):
        def change(meta):
            assert meta["context"][place]["note"] == "    // 30 more fields\n"
            meta["context"][place]["note"] = note

        return change

    rewrite(out, "train.meta.jsonl", say("    // 29 more fields\n"))
    [text] = index.problems(out)
    assert "the prompt does not have the excerpt" in text
    out = made_own()
    rewrite(out, "train.meta.jsonl", say("    // all of it\n"))
    assert any("a note that says more" in text for text in index.problems(out))


def of_a_stranger(excerpt):
    excerpt["frames"][0]["head"]["blob"] = "0" * 40


def of_the_foot(excerpt):
    excerpt["frames"][0]["head"] |= {"start": 0, "end": 40}


def without_the_gap(excerpt):
    del excerpt["gaps"]


@pytest.mark.parametrize(
    ("change", "says"),
    [(of_a_stranger, "from a blob that the commit does not know"),
     (of_the_foot, "does not have a container in src/far.rs"),
     (without_the_gap, "the prompt does not have the excerpt of src/far.rs")],
)  # fmt: skip
def test_the_containers_and_gaps_of_an_excerpt_are_checked(repo, index, made_own, change, says):
    steps = "".join(f"        let step_{n} = some_other_function(first);\n" for n in range(30))
    for n in range(20):
        far = f"pub struct Far;\n\nimpl Far {{\n    pub fn go(&self) {{\n        at_{n}();\n{steps}"
        far += f"        then_{n}();\n    }}\n}}\n"
        lib = f"mod far;\n\nfn g(far: far::Far) {{\n    far.go(at_{n});\n}}\n"
        repo.commit(f"commit {n}", {"src/far.rs": far, "src/lib.rs": lib})
    out = made_own()
    assert index.problems(out) == []

    def rewritten(meta):
        [place] = [at for at, one in enumerate(meta["context"]) if "frames" in one]
        change(meta["context"][place])

    rewrite(out, "train.meta.jsonl", rewritten)
    assert any(says in text for text in index.problems(out))


@pytest.mark.parametrize(
    ("change", "says"),
    [(of_another_time, "from a blob that"), (outside, "outside of its blob"),
     (elsewhere, "the prompt does not have the excerpt"),
     (shifted, "the new code is not what src/lib.rs has there"),
     (other_old, "the prompt does not have the old code"),
     (other_parent, "is not the first parent"), (own_code, "shows the edit's own code")],
)  # fmt: skip
def test_a_false_word_about_a_row_is_named(made, problems, change, says):
    out = made()
    rewrite(out, "train.meta.jsonl", change)
    n_rows = len((out / "train.jsonl").read_text().splitlines())
    found = problems(out)
    assert {(file, row) for file, row, _ in found} == {("train.jsonl", n_rows)}
    assert any(says in text for _, _, text in found)


@pytest.mark.parametrize("at", [-3, -5, -2])
def test_a_label_that_is_not_where_git_says_is_named(made, problems, at):
    out = made(labels="changed")
    assert problems(out) == []

    def turn(row):
        row["labels"][at] = -100 if row["labels"][at] >= 0 else row["input_ids"][at]

    rewrite(out, "val.jsonl", turn)
    assert [text for _, _, text in problems(out)] == [
        "its labels are not what changed in the new code and the end token"
    ]


def test_a_changed_target_label_or_mask_is_named(made, problems):
    out = made()
    rewrite(out, "val.jsonl", lambda row: row["input_ids"].__setitem__(-3, 5))
    assert any("the new code is not" in text for _, _, text in problems(out))
    out = made()
    rewrite(out, "val.jsonl", lambda row: row["labels"].__setitem__(0, 5))
    assert [text for _, _, text in problems(out)] == [
        "its labels are not the new code and the end token"
    ]
    out = made()
    rewrite(out, "val.jsonl", lambda row: row["attention_mask"].__setitem__(0, 0))
    assert len(problems(out)) == 1


def test_a_test_row_older_than_a_train_row_is_named(made, problems):
    out = made()
    for kind in ("jsonl", "meta.jsonl"):
        train, test = out / f"train.{kind}", out / f"test.{kind}"
        lines = train.read_text().splitlines()
        test.write_text(lines[3] + "\n" + test.read_text())
        train.write_text("\n".join(lines[:3] + lines[4:]) + "\n")
    renew(out)
    found = problems(out)
    assert ("test.jsonl", 1) in {(file, row) for file, row, _ in found}
    assert any("older than a row of an earlier split" in text for _, _, text in found)


def test_a_file_that_was_changed_added_or_lost_is_named(made, problems):
    out = made()
    (out / "README.md").write_text("other")
    (out / "extra.txt").write_text("new")
    (out / "tokenizer" / ".DS_Store").write_text("of a desktop")
    (out / "link").symlink_to(out / "README.md")
    (out / "tokenizer/special_tokens_map.json").unlink()
    assert [(file, text) for file, _, text in problems(out)] == [
        ("extra.txt", "has no checksum"), ("link", "has no checksum"),
        ("README.md", "its checksum does not hold"),
        ("tokenizer/special_tokens_map.json", "is missing"),
    ]  # fmt: skip


def test_a_changed_manifest_or_list_of_checksums_is_named(made, problems):
    out = made()
    for name in ("manifest.json", "SHA256SUMS"):
        text = (out / name).read_text()
        (out / name).write_text(text.replace("README.md", "readme.md"))
    text = "its checksum does not hold"
    assert [(file, row, text) for file, row, text in problems(out)] == [
        ("manifest.json", None, text), ("SHA256SUMS", None, text),
        ("README.md", None, "has no checksum"), ("readme.md", None, "is missing"),
    ]  # fmt: skip


def test_rows_that_were_cut_off_are_named(made, problems):
    out = made()
    for kind in ("jsonl", "meta.jsonl"):
        path = out / f"train.{kind}"
        path.write_text("".join(line + "\n" for line in path.read_text().splitlines()[:-1]))
    renew(out)
    assert [text for _, _, text in problems(out)] == ["16 rows, the manifest says 17"]


def test_a_folder_that_is_no_export_is_a_clear_error(tmp_path, problems):
    with pytest.raises(ExportError, match="is no export"):
        problems(tmp_path)


def with_another_key(meta):
    meta["colour"] = "red"


def with_a_surrogate(meta):
    meta["\ud800"] = 1


def with_many_levels(meta):
    for _ in range(900):
        meta["part"] = [meta["part"]]


def without_a_key(meta):
    del meta["roles"]


def of_another_type(meta):
    meta["path"] = {"a secret": "hunter2"}


@pytest.mark.parametrize(
    ("change", "says"),
    [(with_a_surrogate, "breaks the schema: it has half a surrogate pair"),
     (with_many_levels, "breaks the schema: it has half a surrogate pair, or too many levels"),
     (with_another_key, "breaks the schema: Unevaluated properties are not allowed ('colour' "),
     (without_a_key, 'breaks the schema: "roles" is a required property'),
     (of_another_type, 'breaks the schema at path: this is not of type "string"')],
)  # fmt: skip
def test_a_meta_line_that_breaks_its_schema_is_a_problem_of_its_row(made, problems, change, says):
    out = made()
    rewrite(out, "val.meta.jsonl", change)
    n_rows = len((out / "val.jsonl").read_text().splitlines())
    ((file, row, text),) = problems(out)
    assert (file, row) == ("val.meta.jsonl", n_rows)
    assert text.startswith(says)


def change_manifest(out, change):
    manifest = json.loads((out / "manifest.json").read_text())
    change(manifest)
    write_json(out / "manifest.json", sealed(manifest, manifest["files"]))


def without_counts(manifest):
    del manifest["counts"]


def with_another_option(manifest):
    manifest["config"]["colour"] = "red"


@pytest.mark.parametrize(
    ("change", "says"),
    [(with_another_key, "Additional properties are not allowed ('colour' was unexpected)"),
     (with_another_option, "at config: Additional properties are not allowed ('colour' was "),
     (without_counts, '"counts" is a required property')],
)  # fmt: skip
def test_a_manifest_that_breaks_its_schema_is_a_problem(made, problems, change, says):
    out = made()
    change_manifest(out, change)
    ((file, row, text),) = problems(out)
    assert (file, row) == ("manifest.json", None)
    assert says in text


def test_a_later_minor_release_may_have_added_keys_and_names(made, problems):
    def of_a_later_release(manifest):
        with_another_key(manifest)
        with_another_option(manifest)
        manifest["rsidx_version"] = "99.1.0"

    def with_another_rule(meta):
        with_another_key(meta)
        meta["context"][0]["rule"] = "guess"

    out = made()
    rewrite(out, "train.meta.jsonl", with_another_rule)
    change_manifest(out, of_a_later_release)
    assert problems(out) == []
    rewrite(out, "train.meta.jsonl", without_a_key)
    assert len(problems(out)) == 1


def test_a_kind_that_a_later_release_added_is_named(made, problems):
    def of_another_kind(manifest):
        manifest["config"]["kind"] = "review"
        manifest["rsidx_version"] = "99.1.0"

    out = made()
    change_manifest(out, of_another_kind)
    with pytest.raises(ExportError, match="of kind review, by a later release; upgrade rsidx"):
        problems(out)
