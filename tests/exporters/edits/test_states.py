"""A file between a commit's edits: first the old one, Rust at each step, at last the new one."""

import random
from collections import Counter

import pytest

from rsidx.exporters.edits.containers import Version
from rsidx.exporters.edits.order import in_order
from rsidx.exporters.edits.pairing import commit_edits
from rsidx.exporters.edits.progress import NONE, Progress
from rsidx.exporters.edits.so_far import Standing
from rsidx.indexer.extract import Extractor
from rsidx.indexer.rust.parser import parse
from rsidx.indexer.worktree import blob_oid
from rsidx.store import queries
from rsidx.store.addresses import FOOTER, HEADER
from rsidx.store.reader import Reader

N_COMMITS = 40
ITEM = """\
{indent}fn {name}(n: u32) -> u32 {{
{indent}    one_{name}({variant}) + two_{name}(n, {variant})
{indent}}}

"""


def spelled(entry):
    """Return a function, or an impl with some."""
    if entry[0] == "fn":
        return ITEM.format(indent="", name=entry[1], variant=entry[2])
    _, number, variant, methods = entry
    trait = f"Draw{variant} for " if variant else ""
    inside = "".join(ITEM.format(indent="    ", name=m, variant=v) for m, v in methods)
    return f"impl {trait}Shape{number} {{\n{inside.rstrip()}\n}}\n\n"


def changed(entries, rng):
    """Return a file with some of its entries changed, taken out, moved and added."""
    entries = list(entries)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(entries) + 1)
        new = rng.randrange(1000)
        if at == len(entries) or rng.random() < 0.2:
            methods = tuple((f"m{new + n}", 0) for n in range(rng.randint(1, 4)))
            impl = ("impl", new, rng.randrange(2), methods)
            entries.insert(at, rng.choice((("fn", f"f{new}", 0), impl)))
        elif rng.random() < 0.2:
            del entries[at]
        elif rng.random() < 0.2:
            entries.insert(rng.randrange(len(entries)), entries.pop(at))
        elif entries[at][0] == "fn":
            entries[at] = ("fn", entries[at][1], new)
        else:
            kind, number, variant, methods = entries[at]
            methods = [(name, new if rng.random() < 0.4 else v) for name, v in methods]
            if rng.random() < 0.3:
                methods.insert(rng.randrange(len(methods) + 1), (f"m{new}", 0))
            if rng.random() < 0.3 and len(methods) > 1:
                del methods[rng.randrange(len(methods))]
            if rng.random() < 0.3:
                variant = 1 - variant
            entries[at] = (kind, number, variant, tuple(methods))
    return entries


@pytest.fixture(scope="module")
def history(make_history):
    repo, index = history = make_history()
    rng = random.Random(5)
    files = {"a.rs": [("fn", f"f{n}", 0) for n in range(4)], "b.rs": []}

    def trees():
        for number in range(N_COMMITS):
            files.update({path: changed(entries, rng) for path, entries in files.items()})
            if rng.random() < 0.3 and files["a.rs"]:
                files["b.rs"].append(files["a.rs"].pop())
            texts = {path: "".join(map(spelled, entries)) for path, entries in files.items()}
            yield f"commit {number}", texts

    repo.commits(trees())
    index.sync()
    return history


@pytest.fixture
def commits(history):
    """Yield the reader, the changes and the edits of each commit but the first."""
    with history.index.database.reading() as connection:
        reader = Reader(connection, queries.repository_id(connection, None))

        def read():
            for commit in reader.commits()[1:]:
                changes = reader.changes(commit.id)
                edits = commit_edits(reader, changes, max_bytes=4000).edits
                yield reader, changes, in_order(edits, reader.path, lambda _: False, {})

        yield read()


def text(reader, sides):
    return b"".join(reader.text(chunk.id) for side in sides for chunk in side.chunks)


def test_with_all_edits_a_file_is_first_the_old_one_and_last_the_new_one(commits):
    n_files = 0
    for reader, changes, edits in commits:
        progress = Progress(reader, changes, edits)
        for change in changes:
            old = reader.blob_text(change.old_blob_id) if change.old_blob_id is not None else b""
            new = reader.blob_text(change.new_blob_id) if change.new_blob_id is not None else b""
            assert text(reader, progress.file(change.path_id, n_made=NONE)) == old
            # Blank lines around an item that moved are no edit.
            last = text(reader, progress.file(change.path_id, n_made=len(edits)))
            assert last.split() == new.split()
            n_files += 1
    assert n_files > N_COMMITS


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_what_stands_around_an_edit_is_the_file_with_its_code_once_that_is_made(commits, share):
    rng = random.Random(3)
    n_edits = 0
    for reader, changes, edits in commits:
        some = [edit for edit in edits if rng.random() < share]
        progress = Progress(reader, changes, some)
        for number, edit in enumerate(some):
            around = progress.around(number, n_made=number)
            if edit.new is not None:
                made = text(reader, [*around.before, edit.new, *around.behind])
                file = progress.file(edit.path_id, n_made=number + 1)
            else:
                made = text(reader, [*around.before, edit.old, *around.behind])
                file = progress.file(edit.path_id, n_made=number)
            # Blank lines around an item that moved are no edit.
            assert made.split() == text(reader, file).split()
            n_edits += 1
    assert n_edits > N_COMMITS


def test_without_the_commit_s_edits_an_edit_is_shown_the_old_file(commits):
    for reader, changes, edits in commits:
        progress = Progress(reader, changes, edits)
        for number, edit in enumerate(edits):
            own = {chunk.id for chunk in edit.old.chunks} if edit.old is not None else set()
            around = progress.around(number, n_made=NONE)
            shown, file = (
                [side for side in sides if side.chunks[0].id not in own]
                for sides in (
                    [*around.before, *around.behind],
                    progress.file(edit.path_id, n_made=NONE),
                )
            )
            assert shown == file


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_what_only_moved_stands_in_one_place_at_each_moment(commits, share):
    rng = random.Random(11)
    n_moved = 0
    for reader, changes, edits in commits:
        some = [edit for edit in edits if rng.random() < share]
        progress = Progress(reader, changes, some)

        def functions(n_made, progress=progress, changes=changes):
            sides = (s for c in changes for s in progress.file(c.path_id, n_made=n_made))
            return Counter(side.chunks[0].id for side in sides if side.kind == "fn")

        edited = {
            c.id for edit in edits for side in (edit.old, edit.new) if side for c in side.chunks
        }
        last = functions(len(some))
        kept = {one for one, n in functions(NONE).items() if n == last[one] == 1} - edited
        for n_made in range(len(some) + 1):
            state = functions(n_made)
            assert {one for one in kept if state[one] != 1} == set(), n_made
        n_moved += len(kept)
    assert n_moved > N_COMMITS


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_with_some_of_the_edits_every_state_is_rust(commits, share):
    rng = random.Random(7)
    n_states = 0
    for reader, changes, edits in commits:
        some = [edit for edit in edits if rng.random() < share]
        progress = Progress(reader, changes, some)
        for change in changes:
            for n_made in range(len(some) + 1):
                state = text(reader, progress.file(change.path_id, n_made=n_made))
                assert not parse(state).has_error, state.decode()
                n_states += 1
    assert n_states > 3 * N_COMMITS


def faults(sides):
    """Yield impls without a member, and members outside of an impl; these histories have none."""
    depth, before = 0, ""
    for side in sides:
        [chunk] = side.chunks
        if chunk.kind.endswith(FOOTER):
            depth -= 1
            if before.endswith(HEADER):
                yield "empty"
        elif chunk.kind.endswith(HEADER):
            depth += 1
        elif bool(chunk.container) != bool(depth):
            yield "alone"
        before = chunk.kind


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_no_impl_is_shown_empty_and_no_member_alone(commits, share):
    rng = random.Random(7)
    n_impls = 0
    for reader, changes, edits in commits:
        some = [edit for edit in edits if rng.random() < share]
        progress = Progress(reader, changes, some)
        for change in changes:
            for n_made in range(NONE, len(some) + 1):
                sides = progress.file(change.path_id, n_made=n_made)
                assert list(faults(sides)) == [], (n_made, text(reader, sides).decode())
                n_impls += sum(side.kind.endswith(HEADER) for side in sides)
    assert n_impls > N_COMMITS


def described(reader, so_far):
    """Return what was made, and what is gone, as texts."""
    made = [
        (
            edit.change,
            *(text(reader, [side] if side else []).strip() for side in (edit.old, edit.new)),
        )
        for edit in so_far.edits
    ]
    return made, sorted(text(reader, [side]).strip() for side in so_far.gone)


def standing(reader, change, content):
    """Return a file as who has its text alone sees it."""
    path = reader.path(change.path_id)
    chunks = ()
    blob_id = None
    if content:
        oid = blob_oid(content, "sha1")
        _, blob_id = reader.add(path, Extractor().record(oid, len(content), content))
        chunks = reader.chunks(blob_id)
    new = Version(change.path_id, blob_id, chunks)
    before = reader.chunks(change.old_blob_id) if change.old_blob_id is not None else ()
    old = Version(change.path_id, change.old_blob_id, before)
    return change.path_id, old, tuple(new.sides(range(len(chunks))))


def test_what_was_made_so_far_is_what_the_files_alone_tell(commits):
    n_same = n_moments = n_made = 0
    for reader, changes, edits in commits:
        progress = Progress(reader, changes, edits)
        for number in range(len(edits) + 1):
            known = described(reader, progress.so_far(n_made=number))
            compared = Standing(reader)
            texts = (text(reader, progress.file(one.path_id, n_made=number)) for one in changes)
            files = [
                compared.file(*standing(reader, change, content))
                for change, content in zip(changes, texts, strict=True)
            ]
            files.sort(key=lambda file: reader.path(file.path_id))
            asked = described(reader, compared.edits(files))
            n_same += known == asked
            n_made += len(known[0])
            n_moments += 1
    assert n_made > n_moments > N_COMMITS
    # Two files may name a container otherwise while its header is still to be changed.
    assert n_same > 0.97 * n_moments, (n_same, n_moments)


def test_what_was_made_is_of_the_commit_s_own_versions_and_new(commits):
    n_made = 0
    for reader, changes, edits in commits:
        new_blobs = {change.path_id: change.new_blob_id for change in changes}
        olds = [one.old_blob_id for one in changes if one.old_blob_id is not None]
        before = {reader.text(chunk.id).strip() for blob in olds for chunk in reader.chunks(blob)}
        so_far = Progress(reader, changes, edits).so_far(n_made=len(edits))
        for edit in so_far.edits:
            assert edit.new.blob_id == new_blobs[edit.path_id]
            assert reader.text(edit.new.chunks[0].id).strip() not in before
            n_made += 1
    assert n_made > N_COMMITS
