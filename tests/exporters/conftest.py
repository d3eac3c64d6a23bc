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


@pytest.fixture(scope="session")
def tokenizer_of(plain_file, tmp_path_factory):
    """Return a function that gives the file of a tokenizer with a family's tokens for holes."""
    folder = tmp_path_factory.mktemp("families")

    def make(family):
        path = folder / f"{family}.json"
        if not path.exists():
            tokenizer = Tokenizer.from_file(str(plain_file))
            tokenizer.add_special_tokens(FAMILIES[family])
            tokenizer.save(str(path))
        return path

    return make
