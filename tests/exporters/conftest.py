import pytest
from tokenizers import Tokenizer

# ruff: noqa: RUF001  (the bars are those of the models' tokens)
FAMILIES = {
    "starcoder2": ["<repo_name>", "<file_sep>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>"],
    "starcoder": ["<reponame>", "<filename>", "<fim_prefix>", "<fim_middle>", "<fim_suffix>"],
    "qwen": [
        "<|repo_name|>", "<|file_sep|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>",
    ],
    "deepseek": ["<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"],
    "codellama": ["▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"],
    "starcoder-like": ["<fim_prefix>", "<fim_middle>", "<fim_suffix>"],
}  # fmt: skip


@pytest.fixture(params=FAMILIES)
def family(request):
    """Return the name of each family that has tokens for holes."""
    return request.param


@pytest.fixture
def tokenizer_of(plain_file, tmp_path):
    """Return a function that writes a tokenizer with the tokens of a family for holes."""

    def make(family):
        tokenizer = Tokenizer.from_file(str(plain_file))
        tokenizer.add_special_tokens(FAMILIES[family])
        path = tmp_path / f"{family}.json"
        tokenizer.save(str(path))
        return path

    return make
