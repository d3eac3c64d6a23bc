"""Marks of tests that train."""

import importlib.util

import pytest

_needed = ("datasets", "torch", "transformers", "trl")
_missing = [name for name in _needed if importlib.util.find_spec(name) is None]
TRAINS = [
    pytest.mark.usefixtures("wordy"),
    pytest.mark.conformance,
    pytest.mark.skipif(bool(_missing), reason=f"needs {', '.join(_missing)}: make conformance"),
    # These libraries warn of themselves.
    pytest.mark.filterwarnings("default"),
]
