"""How a tokenizer fits Rust."""

import os

from rsidx.api.faults import explained
from rsidx.exporters.tokenizer import TokenizerReport, measure


def measure_tokenizer(source: str | os.PathLike[str]) -> TokenizerReport:
    """Return how a tokenizer fits Rust: a file, a folder with one, or a name on the hub.

    It says which keywords are split, and which control tokens and dialects there are. Raises
    TokenizerError. `Index.measure_tokenizer` also says how many characters of code a token has.
    """
    with explained():
        return measure(os.fspath(source))
