"""Fixtures of the resolver's tests."""

import pytest

from tests.exporters.resolver.workspace import CARGO, Workspace, split_files


@pytest.fixture
def workspace(repo, index):
    with index.database.reading() as connection:

        def make(text):
            files = split_files(text)
            files.setdefault("Cargo.toml", CARGO)
            return Workspace(repo, index, connection, files)

        yield make
