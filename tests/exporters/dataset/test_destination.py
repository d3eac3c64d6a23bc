"""An export replaces what an export wrote, as it wrote it, and nothing else ever."""

import json
import os
import shutil
from pathlib import Path

import pytest

from rsidx.__main__ import main
from rsidx.errors import ExportError
from rsidx.exporters.dataset import destination as module
from rsidx.exporters.dataset import staging as staging_module
from rsidx.exporters.dataset.destination import Destination
from rsidx.exporters.dataset.inventory import sealed
from rsidx.exporters.dataset.layout import write_checksums, write_json
from rsidx.exporters.dataset.staging import staging


def export_to(folder, **more):
    """Write what has the shape of an export; return all its files."""
    (folder / "tokenizer").mkdir(parents=True)
    for name in ("train.jsonl", "README.md", "tokenizer/tokenizer.json"):
        (folder / name).write_text(f"{name} of an export")
    files = write_checksums(folder)
    write_json(
        folder / "manifest.json", sealed({"rsidx_version": "0", "config": {}, **more}, files)
    )
    return contents(folder)


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def out(tmp_path):
    export_to(tmp_path / "place" / "out")
    return tmp_path / "place" / "out"


def replace(out, **options):
    """Export to a folder as far as the destination allows."""
    with staging(Destination(out, **options)) as folder:
        (folder / "README.md").write_text("the new one")
        write_json(folder / "manifest.json", sealed({}, write_checksums(folder)))


def assert_replaced(out):
    assert (out / "README.md").read_text() == "the new one"
    assert {path.name for path in out.iterdir()} == {"README.md", "SHA256SUMS", "manifest.json"}
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def assert_refused(out, says, **options):
    before = contents(out.parent)
    with pytest.raises(ExportError, match=says):
        Destination(out, **options)
    assert contents(out.parent) == before


def test_a_new_an_empty_and_an_exported_folder_are_replaced(tmp_path):
    out = tmp_path / "place" / "out"
    replace(out)
    assert_replaced(out)
    replace(out)
    assert_replaced(out)
    shutil.rmtree(out)
    out.mkdir()
    replace(out)
    assert_replaced(out)


def test_what_desktops_leave_does_not_count(out):
    for name in (".DS_Store", "tokenizer/.DS_Store", "Thumbs.db", "desktop.ini", "._train.jsonl"):
        (out / name).write_bytes(b"\0")
    replace(out)
    assert_replaced(out)
    other = out.with_name("other")
    other.mkdir()
    (other / ".DS_Store").write_bytes(b"\0")
    (out / ".DS_Store").mkdir()
    assert_refused(out, r"holds an export and other files \(.DS_Store/\)")
    shutil.rmtree(out)
    replace(other)
    assert_replaced(other)


@pytest.mark.parametrize(
    "manifest",
    ["{}", "[]", "null", "not JSON", '{"short_name": "site"}', '{"rsidx_version": "0.1.0"}',
     '{"format": "rsidx-dataset", "format_version": 1}',
     '{"format": "rsidx-dataset", "format_version": 1, "files": ["page.html"]}',
     '{"format": "other", "rsidx_version": "0.1.0", "files": {}}', "[" * 100_000],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_a_folder_with_any_manifest_is_no_export(tmp_path, manifest):
    site = tmp_path / "site"
    site.mkdir()
    (site / "manifest.json").write_text(manifest)
    (site / "page.html").write_text("mine")
    says = r"holds no export \(manifest.json, page.html\); name another folder"
    assert_refused(site, says)
    assert_refused(site, says, replace_edited=True)


def test_a_manifest_that_is_a_link_makes_no_export(out):
    (out / "manifest.json").rename(out.parent / "manifest.json")
    (out / "manifest.json").symlink_to(out.parent / "manifest.json")
    assert_refused(out, "holds no export", replace_edited=True)


@pytest.mark.parametrize("edited", [False, True], ids=["plain", "replace-edited"])
@pytest.mark.parametrize("inside", ["", "tokenizer/"])
@pytest.mark.parametrize("kind", ["file", "folder", "empty", "link", "folder link", "pipe"])
def test_what_rsidx_did_not_write_is_named_and_stays(out, kind, inside, edited):
    place = out / f"{inside}mine"
    elsewhere = out.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "notes.txt").write_text("mine")
    make = {
        "file": lambda: place.write_text("mine"),
        "folder": lambda: shutil.copytree(elsewhere, place),
        "empty": place.mkdir,
        "link": lambda: place.symlink_to(elsewhere / "notes.txt"),
        "folder link": lambda: place.symlink_to(elsewhere),
        "pipe": lambda: os.mkfifo(place),
    }
    make[kind]()
    assert_refused(out, rf"an export and other files \({inside}mine/?\)", replace_edited=edited)


def test_a_folder_of_ours_behind_a_link_is_not_ours(out):
    (out / "tokenizer").rename(out.parent / "mine")
    (out / "tokenizer").symlink_to(out.parent / "mine")
    assert_refused(out, r"other files \(tokenizer\)", replace_edited=True)


def test_five_files_are_named(out):
    for n in range(9):
        (out / f"note{n}").write_text("mine")
    assert_refused(out, r"\(note0, note1, note2, note3, note4 and 4 more\)")


def edit(out):
    (out / "train.jsonl").write_text("edited")


def lose(out):
    (out / "train.jsonl").unlink()


def annotate(out):
    manifest = json.loads((out / "manifest.json").read_text())
    write_json(out / "manifest.json", {**manifest, "note": "mine"})


def reformat(out):
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps(manifest))


def shorten(out):
    lines = (out / "SHA256SUMS").read_text().splitlines(keepends=True)
    (out / "SHA256SUMS").write_text("".join(lines[1:]))


@pytest.mark.parametrize(
    ("change", "name"),
    [(edit, "train.jsonl"), (lose, "train.jsonl"), (annotate, "manifest.json"),
     (reformat, "manifest.json"), (shorten, "SHA256SUMS")],
)  # fmt: skip
def test_an_export_that_was_changed_is_replaced_only_if_asked(out, change, name):
    change(out)
    assert_refused(out, rf"was changed since it was exported \({name}\).* --replace-edited")
    replace(out, replace_edited=True)
    assert_replaced(out)


@pytest.mark.parametrize("change", [edit, lose])
def test_an_export_of_version_0_1_0_is_known_by_its_checksums(out, change):
    write_json(out / "manifest.json", {"rsidx_version": "0.1.0", "config": {}})
    Destination(out)
    change(out)
    assert_refused(out, r"was changed since it was exported \(train.jsonl\)")
    (out / "notes.txt").write_text("mine")
    assert_refused(out, r"other files \(notes.txt\)", replace_edited=True)
    (out / "notes.txt").unlink()
    replace(out, replace_edited=True)
    assert_replaced(out)


def test_an_export_of_a_later_version_is_left_alone(out):
    manifest = json.loads((out / "manifest.json").read_text())
    write_json(out / "manifest.json", {**manifest, "format_version": 2})
    assert_refused(out, "format version 2 .* reads versions up to 1", replace_edited=True)


@pytest.mark.parametrize("name", ["../../mine/file", "{}/mine/file", "tokenizer/../../../mine/x"])
def test_a_manifest_that_lists_files_elsewhere_is_no_exports(out, tmp_path, name):
    (tmp_path / "mine").mkdir()
    manifest = json.loads((out / "manifest.json").read_text())
    write_json(
        out / "manifest.json", sealed(manifest, {**manifest["files"], name.format(tmp_path): "0"})
    )
    assert_refused(out, "holds no export")
    assert_refused(out, "holds no export", replace_edited=True)
    assert (tmp_path / "mine").is_dir()


def test_a_manifest_that_cannot_be_encoded_is_an_edited_one(out):
    (out / "manifest.json").write_text(
        (out / "manifest.json").read_text().replace('"rsidx_version": "0"', r'"x": "\ud800"')
    )
    assert_refused(out, "was changed")


def test_a_file_that_comes_into_an_empty_folder_survives_a_kill_at_the_exchange(out):
    export_files = contents(out)
    work = out.parent / f".rsidx-{out.name}-abcdefgh"
    (work / "new").mkdir(parents=True)
    (work / staging_module._MARK).write_text("")
    (work / "new" / "notes.txt").write_text("mine")
    replace(out)
    assert (work / "new" / "notes.txt").read_text() == "mine"
    assert contents(out) != export_files


def repository(out, make_repo):
    make_repo(out.name)


def linked_worktree(out, _make_repo):
    (out / ".git").write_text("gitdir: elsewhere\n")


def bare_repository(out, make_repo):
    shutil.rmtree(out)
    make_repo("bare", "--bare").path.rename(out)


def current_folder(out, _make_repo):
    os.chdir(out / "tokenizer")


def home(out, _make_repo):
    os.environ["HOME"] = str(out / "tokenizer")


def mounted(out, _make_repo):
    module._mount_points = lambda: {str(out)}


@pytest.mark.parametrize("edited", [False, True], ids=["plain", "replace-edited"])
@pytest.mark.parametrize(
    ("make", "says"),
    [(repository, "is a git repository"), (linked_worktree, "is a git repository"),
     (bare_repository, "is a git repository"), (current_folder, "holds, the current folder"),
     (home, "holds, a home folder"), (mounted, "is a mount point")],
)  # fmt: skip
def test_some_folders_are_refused_whatever_they_hold(
    make_repo, tmp_path, monkeypatch, make, says, edited
):
    monkeypatch.setenv("HOME", os.environ["HOME"])
    monkeypatch.setattr(module, "_mount_points", set)
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    export_to(out)
    make(out, make_repo)
    assert_refused(out, says, replace_edited=edited)


def test_the_root_and_the_inside_of_a_git_folder_are_refused(repo, tmp_path):
    with pytest.raises(ExportError, match="is the root"):
        Destination(Path("/"))
    with pytest.raises(ExportError, match="inside a git folder"):
        Destination(repo.path / ".git" / "refs" / "heads" / "out")
    (tmp_path / "link").symlink_to(tmp_path / "home")
    with pytest.raises(ExportError, match="is not a folder"):
        Destination(tmp_path / "link")


def during(out, action, **options):
    with staging(Destination(out, **options)) as folder:
        (folder / "manifest.json").write_text("new")
        action()


def assert_kept(out, before):
    assert contents(out) == before
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_a_file_that_comes_while_the_export_runs_is_kept(out):
    before = contents(out)
    with pytest.raises(ExportError, match=r"other files \(notes.txt\)"):
        during(out, lambda: (out / "notes.txt").write_text("mine"), replace_edited=True)
    assert_kept(out, {**before, "notes.txt": b"mine"})
    (out / "notes.txt").unlink()
    with pytest.raises(ExportError, match=r"was changed since .* \(train.jsonl\)"):
        during(out, lambda: (out / "train.jsonl").write_text("mine"))
    assert_kept(out, {**before, "train.jsonl": b"mine"})


def test_a_place_that_somebody_takes_while_the_export_runs_is_kept(tmp_path):
    out = tmp_path / "place" / "out"
    with pytest.raises(ExportError, match="holds no export"):
        during(out, lambda: (out.mkdir(), (out / "notes.txt").write_text("mine")))
    assert_kept(out, {"notes.txt": b"mine"})
    out.joinpath("notes.txt").unlink()
    out.rmdir()
    with pytest.raises(ExportError, match="is not a folder"):
        during(out, lambda: out.write_text("mine"))
    assert out.read_text() == "mine"


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_file_that_comes_in_the_moment_of_the_exchange_is_kept(out, monkeypatch, can_exchange):
    before = contents(out)
    plain = staging_module._exchange

    def exchange(one, other):
        if not (one / "notes.txt").exists():
            (other / "notes.txt").write_text("mine")
        return can_exchange and plain(one, other)

    monkeypatch.setattr(staging_module, "_exchange", exchange)
    with pytest.raises(ExportError, match=r"other files \(notes.txt\)"):
        replace(out)
    assert_kept(out, {**before, "notes.txt": b"mine"})


def test_a_file_that_comes_after_the_exchange_is_kept_beside(out, monkeypatch):
    plain = staging_module._remove_export

    def remove(folder):
        (folder / "tokenizer" / "notes.txt").write_text("mine")
        plain(folder)

    monkeypatch.setattr(staging_module, "_remove_export", remove)
    with pytest.raises(ExportError, match=r"is exported; .* the rest is in .*/\.rsidx-out-"):
        replace(out)
    assert (out / "README.md").read_text() == "the new one"
    [kept] = out.parent.glob(".rsidx-out-*/old/tokenizer/notes.txt")
    assert kept.read_text() == "mine"
    monkeypatch.undo()
    replace(out)
    assert kept.read_text() == "mine"


def test_a_file_system_that_cannot_exchange_gets_the_new_one_too(out, monkeypatch):
    monkeypatch.setattr(staging_module, "_exchange", lambda _one, _other: False)
    replace(out)
    assert_replaced(out)


def test_what_a_killed_export_left_is_put_back_or_removed(tmp_path):
    place = tmp_path / "place"
    out = place / "out [1]"
    mark = staging_module._MARK
    for name in ("abcdefgh", "half_one", "exchange"):
        (place / f".rsidx-out [1]-{name}").mkdir(parents=True)
        (place / f".rsidx-out [1]-{name}" / mark).write_text("")
    files = export_to(place / ".rsidx-out [1]-abcdefgh" / "old")
    (place / ".rsidx-out [1]-half_one" / "unfinished" / "tokenizer").mkdir(parents=True)
    (place / ".rsidx-out [1]-half_one" / "unfinished" / "tokenizer" / "half").write_text("")
    export_to(place / ".rsidx-out [1]-exchange" / "new")
    shown = []

    def fail():
        with staging(Destination(out)):
            shown.append(contents(out))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert shown == [files]
    assert [path.name for path in place.iterdir()] == ["out [1]"]


def test_folders_of_such_a_name_that_rsidx_did_not_make_stay(tmp_path):
    place = tmp_path / "place"
    for name in (".rsidx-out-mine", ".rsidx-out-abcdefgh", ".rsidx-out-x-old"):
        (place / name).mkdir(parents=True)
        (place / name / "manifest.json").write_text("mine")
    (place / ".rsidx-out-b-abcdefgh").mkdir()
    (place / ".rsidx-out-b-abcdefgh" / staging_module._MARK).write_text("of another folder")
    before = contents(place)
    replace(place / "out")
    shutil.rmtree(place / "out")
    assert contents(place) == before


def test_the_folder_keeps_its_mode(out):
    out.chmod(0o710)
    replace(out)
    assert out.stat().st_mode & 0o777 == 0o710


def test_a_file_is_read_once_while_it_stays_the_same(out, monkeypatch):
    destination = Destination(out)
    monkeypatch.setattr(module.hashlib, "file_digest", None)
    destination.check()
    (out / "train.jsonl").write_text((out / "train.jsonl").read_text())
    with pytest.raises(TypeError):
        destination.check()


@pytest.fixture
def cli(repo, capfd, monkeypatch, tokenizer_file):
    monkeypatch.chdir(repo.path)
    for n in range(3):
        files = {"src/lib.rs": f"pub fn f() -> u32 {{ {n} }}\n", "manifest.json": "{}"}
        repo.commit(f"Return {n} from the function", files)
    assert main(["backfill"]) == 0

    def run(out, *more):
        capfd.readouterr()
        status = main(["export", str(out), "--tokenizer", str(tokenizer_file), *map(str, more)])
        run.said, err = capfd.readouterr()
        return status, err

    return run


def test_the_command_refuses_before_it_opens_the_index(cli, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    status, err = cli(tmp_path / "mine", "--db", tmp_path / "none" / "index.db")
    assert (status, err.count("\n")) == (1, 1)
    assert "holds no export (notes.txt)" in err
    status, err = cli(".")
    assert (status, "current folder" in err) == (1, True)


def test_the_command_replaces_an_edited_export_only_if_asked(cli, tmp_path):
    out = tmp_path / "out"
    assert cli(out, "--split", "0.5,0.5,0", "--embargo", "0") == (0, "")
    (out / "val.meta.jsonl").write_text("no JSON\n")
    status, err = cli(out)
    assert (status, "(val.meta.jsonl)" in err) == (1, True)
    assert cli(out, "--replace-edited") == (0, "")
    assert cli(out) == (0, "")


def test_a_dry_run_says_what_would_be_replaced_and_writes_nothing(cli, tmp_path):
    out = tmp_path / "out"
    cache = Path(".git/rsidx/index.db.cache")
    assert cli(out, "--dry-run") == (0, "")
    first, second = cli.said.splitlines()[:2]
    assert first == f"{out}: would be made"
    assert second.startswith("train          2 commits         ")
    assert not out.exists()
    assert not cache.exists()
    assert cli(out) == (0, "")
    before = contents(tmp_path)
    assert cli(out, "--dry-run", "--json") == (0, "")
    found = json.loads(cli.said)
    assert found["replaced_files"] == sorted(name for name in contents(out) if name != "tokenizer")
    assert sum(found["commits"].values()) == 3
    manifest = json.loads((out / "manifest.json").read_text())
    assert all(found[key] == manifest[key] for key in ("counts", "dropped", "relations", "tips"))
    assert contents(tmp_path) == before
    (out / "notes.txt").write_text("mine")
    status, err = cli(out, "--dry-run")
    assert (status, "(notes.txt)" in err) == (1, True)
