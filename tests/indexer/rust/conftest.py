"""A file that has one item of each kind."""

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def items():
    return (Path(__file__).parent / "data" / "items.rs").read_bytes()
