"""A workspace of which each reference can be asked."""

from rsidx.exporters.edits.snapshot import Snapshot
from rsidx.exporters.resolver.references import CodeLocation, Resolver
from rsidx.store import queries
from rsidx.store.reader import Reader

CARGO = '[package]\nname = "app"\nedition = "2021"\n'


def split_files(text):
    """Read `//- path` headings as the beginnings of files."""
    files = {}
    for part in text.strip().split("//- ")[1:]:
        path, _, content = part.partition("\n")
        files[path.strip()] = content
    return files


class Workspace:
    """A committed set of files, and what the code in them refers to."""

    def __init__(self, repo, index, connection, files):
        repo.commit("all", files)
        index.sync()
        self.reader = Reader(connection, queries.repository_id(connection, None))
        self.snapshot = Snapshot(self.reader)
        self.snapshot.move_to(self.reader.commits()[-1])
        self.resolver = Resolver(self.reader)
        self.resolver.move(self.snapshot.files, None)
        self.path_ids = {path.decode(): i for path, i in self.reader.path_ids().items()}

    def chunk(self, path, name):
        blob_id = self.snapshot.files[self.path_ids[path]]
        for chunk in self.reader.chunks(blob_id):
            if any(s.name == name and s.kind != "impl" for s in self.reader.symbols(chunk.id)):
                return chunk
        raise AssertionError(f"{path} has no {name}")

    def ask(self, path, name, *, guess=False):
        """Return what each reference of a symbol means: `kind path` → set of `file:line rule`."""
        chunk = self.chunk(path, name)
        site = CodeLocation(self.path_ids[path], chunk.container, self.reader.imports(chunk.id))
        answers = {}
        for reference in self.reader.references(chunk.id):
            found, _ = self.resolver.resolve(site, [reference], guess=guess)
            answers[f"{reference.kind} {reference.path}"] = {
                self.shown(one) for one in found if one.reference is not None
            }
        return answers

    def shown(self, one):
        text = self.reader.blob_text(one.definition.blob_id)
        line = text.count(b"\n", 0, one.definition.range[0]) + 1
        return f"{self.reader.path(one.definition.path_id).decode()}:{line} {one.rule}"
