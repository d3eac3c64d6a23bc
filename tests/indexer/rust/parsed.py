"""What the parser makes of a source."""

from rsidx.indexer.rust.facts import extract
from rsidx.indexer.rust.parser import parse


def chunks_of(source):
    return [(c.kind, c.container, c.text) for c in parse(source).chunks]


def facts_of(source):
    return [extract(*chunk) for chunk in chunks_of(source)]
