"""The parts of cache keys that are the commits' own."""

from rsidx.exporters.pipeline.cache_key import CommitKeys
from rsidx.store.records import CommitRow


class Facts:
    """A reader that says of some commits what does not follow from git."""

    def __init__(self, **facts):
        self.facts = {name.encode(): found for name, found in facts.items()}

    def irregularities(self):
        return self.facts


def chain(names):
    """Return commits, each the parent of the next."""
    parents = [(), *((name.encode(),) for name in names)]
    rows = zip(names, parents, strict=False)
    return [
        CommitRow(n, name.encode(), parent, n, n, is_bot=False, state="ok")
        for n, (name, parent) in enumerate(rows)
    ]


def test_what_a_commit_stands_on_is_in_its_key_and_where():
    commits = chain("abc")
    plain, first, second = (
        CommitKeys(Facts(**facts), commits)
        for facts in ({}, {"a": ["boundary"]}, {"b": ["boundary"]})
    )
    assert plain[b"c"] == b"c"
    assert len({keys[b"c"] for keys in (plain, first, second)}) == 3
    assert first[b"b"] != plain[b"b"] == b"b"
    assert second[b"a"] == plain[b"a"]
