"""How a tokenizer fits Rust, and a server's tokenizer a data set."""

import os

from rsidx.api.faults import explained, path_of
from rsidx.errors import EvaluationError
from rsidx.evaluation.asking.client import Client
from rsidx.evaluation.asking.server_tokens import TokenizerComparison, compare_tokens
from rsidx.exporters.splits.split import SPLITS
from rsidx.exporters.tokenizer import TokenizerReport, measure


def measure_tokenizer(source: str | os.PathLike[str]) -> TokenizerReport:
    """Return how a tokenizer fits Rust: a file, a folder with one, or a name on the hub.

    It says which keywords are split, and which control tokens and dialects there are. Raises
    TokenizerError. `Index.measure_tokenizer` also says how many characters of code a token has.
    """
    with explained():
        return measure(os.fspath(source))


def compare_tokenizer(
    data_set: str | os.PathLike[str],
    url: str,
    *,
    split: str = "test",
    model: str | None = None,
    n_rows: int = 20,
    timeout_s: float = 60,
) -> TokenizerComparison:
    """Compare the ids of a data set's prompts with what a server makes of their texts.

    `url` is the address of a server of llama.cpp or vLLM, which has `/tokenize` beside `/v1`. The
    prompts are those of the first `n_rows` of a split. Raises EvaluationError where the server does
    not tokenize.
    """
    if split not in SPLITS:
        raise EvaluationError(f"{split!r} is no split: {', '.join(SPLITS)}")
    with explained():
        client = Client(url, model, timeout_s=timeout_s)
        return compare_tokens(path_of(data_set), split, client, n_rows)
