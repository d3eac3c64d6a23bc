"""Tokenizers of tests."""

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

STARCODER2 = ("<|endoftext|>", "<fim_pad>", "<repo_name>", "<file_sep>")
"""Special tokens of StarCoder2, its tokens of repositories among them."""
REDACTED = ("<NAME>", "<EMAIL>", "<KEY>", "<PASSWORD>")
"""StarCoder2's tokens for what was redacted."""
STARCODER = (
    "<|endoftext|>", "<filename>", "<reponame>", "<commit_before>", "<commit_msg>",
    "<commit_after>",
)  # fmt: skip


def train(path, special, code="pub fn new(self) -> Self { let mut x = 1; }"):
    """Write a small byte-level BPE with some special tokens; return its path."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=list(special),
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator([code] * 9, trainer)
    tokenizer.save(str(path))
    return path
