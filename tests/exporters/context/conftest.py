"""A small history whose edits are shown with their context."""

import pytest

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.examples.redaction import Redactor
from rsidx.exporters.pipeline.steps import Steps
from rsidx.exporters.rendering.base import context_files, excerpt_pieces
from rsidx.store import queries
from rsidx.store.reader import Reader

CARGO = '[package]\nname = "app"\nedition = "2021"\n'
SHAPES = (
    "pub struct Circle {\n    pub radius: f64,\n}\n\n"
    "pub fn area_of(radius: f64) -> f64 {\n    radius\n}\n"
)
BEFORE = {
    "Cargo.toml": CARGO,
    "src/lib.rs": "pub mod shapes;\nmod first;\n\npub struct Canvas;\n\nimpl Canvas {\n"
    "    pub fn clear_all(&self) {}\n}\n",
    "src/shapes.rs": SHAPES,
    "src/first.rs": "use crate::shapes::Circle;\n\nfn one(circle: Circle) {\n    circle;\n}\n",
    "tests/first.rs": "use app::Canvas;\n\n"
    "#[test]\nfn first() {\n    app::shapes::area_of(1.0);\n}\n",
}


@pytest.fixture
def shown(repo, index):
    """Return what each edit of a commit is shown: by name, {(symbol, rule): text}."""

    def show(files, message="Change it as somebody asked", before=BEFORE, **options):
        repo.commit("the first commit", before)
        repo.commit(message, files)
        index.sync()
        with index.database.reading() as connection:
            reader = Reader(connection, queries.repository_id(connection, None))
            steps = Steps.of(reader, ExportConfig(tokenizer="", **{"max_chars": 200, **options}))
            commit = reader.commits()[-1]
            drafts, _ = steps.drafter.of_commit(commit, steps.selector.of(commit))
            return {
                one.draft.edit.name: {(e.symbol, e.rule): e.shown for e in one.draft.excerpts}
                for one in drafts
            }

    return show


@pytest.fixture
def commit_section(repo, index):
    """Return what a row would show of what was made before each edit of a commit, by its name."""

    def show(files, before):
        repo.commit("the first commit", BEFORE | before)
        repo.commit("Change it as somebody asked", files)
        index.sync()
        with index.database.reading() as connection:
            reader = Reader(connection, queries.repository_id(connection, None))
            steps = Steps.of(reader, ExportConfig(tokenizer="", max_chars=4000))
            commit = reader.commits()[-1]
            drafts, _ = steps.drafter.of_commit(commit, steps.selector.of(commit))
            redactor = Redactor(reader.blob_text)
            return {one.draft.edit.name: section_of(redactor.draft(one.draft)) for one in drafts}

    return show


def section_of(draft):
    """Spell what a draft has of earlier edits where there is room for all, a file after another."""
    every = {one.key: at for at, one in enumerate(draft.excerpts) if one.section == "commit"}
    files = context_files(draft, [*every.values()])
    return "".join(
        f"{draft.excerpt_paths[inside[0]]}\n"
        + "".join(piece.text for piece in excerpt_pieces(draft, inside))
        for inside in files
    )
