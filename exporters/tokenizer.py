"""Training a tokenizer on the index, and saying how well one fits Rust.

Byte-level BPE with digits one by one, as StarCoder2's; Rust's keywords and common macros are
whole tokens by construction.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from rsidx.errors import TokenizerError
from rsidx.exporters.examples.redaction import without_secrets
from rsidx.exporters.rendering.encoder import Encoder, load
from rsidx.exporters.rendering.families import FAMILIES
from rsidx.store import queries
from rsidx.store.database import Database
from rsidx.store.reader import Reader

# The Rust Reference, "Keywords": strict, reserved and weak ones, and the primitive types.
KEYWORDS = tuple(
    """
    as async await break const continue crate dyn else enum extern false fn for gen if impl in
    let loop match mod move mut pub ref return self Self static struct super trait true try
    type unsafe use where while abstract become box do final macro override priv typeof
    unsized virtual yield union raw safe macro_rules bool char f32 f64 i8 i16 i32 i64 i128
    isize str u8 u16 u32 u64 u128 usize
    """.split()
)
MACROS = tuple(
    """
    assert! assert_eq! assert_ne! cfg! column! compile_error! concat! dbg! debug_assert!
    debug_assert_eq! debug_assert_ne! env! eprint! eprintln! file! format! format_args!
    include! include_bytes! include_str! line! matches! module_path! option_env! panic! print!
    println! stringify! thread_local! todo! unimplemented! unreachable! vec! write! writeln!
    """.split()
)
_SPECIAL = (
    "<|endoftext|>",
    "<fim_prefix>",
    "<fim_middle>",
    "<fim_suffix>",
    "<fim_pad>",
    "<repo_name>",
    "<file_sep>",
)
_CHUNKS_AT_ONCE = 1000
_MAX_MEASURED_CHUNKS = 5000
_FIRST_REPEATS = 1000
_MAX_REPEATS = 2000
# Digits one by one; a word or operator with the one space before it; runs of white space.
_SPLIT = Regex(r"\d| ?[\p{L}_][\p{L}\p{N}_]*(?:!(?!=))?| ?[^\s\p{L}\p{N}_]+|\s+(?!\S)|\s+")


def train(database: Database, out: Path, *, name: str | None, vocabulary_size: int) -> Encoder:
    """Train on every distinct chunk of the index and write a tokenizer's folder.

    Raises TokenizerError for an empty index, a folder that is not new or empty or cannot be
    written, or a vocabulary too small for Rust's keywords and common macros to be whole tokens.
    """
    _check_empty(out)
    with database.long_read() as connection:
        reader, chunk_ids = _open(connection, name)
        if reader is None:
            raise TokenizerError("the index is empty; run `rsidx backfill` first")
        n_repeats = _FIRST_REPEATS
        while True:
            # A word that stands often enough is merged to its end, and encoding merges the same.
            words = [f"{space}{word}" for word in (*KEYWORDS, *MACROS) for space in ("", " ")]
            common = ["\n".join(words)] * n_repeats
            texts = (without_secrets(text) for text in _texts(reader, chunk_ids, common))
            tokenizer = _trained(texts, vocabulary_size)
            if not any(len(tokenizer.encode(word).ids) > 1 for word in words):
                break
            if n_repeats > _MAX_REPEATS:
                raise TokenizerError(
                    f"a vocabulary of {vocabulary_size} has no room for Rust's keywords and macros"
                )
            n_repeats *= 8
    encoder = Encoder(tokenizer)
    _check_empty(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        encoder.save(out, max_tokens=2048)
    except OSError as error:
        raise TokenizerError(f"cannot write {out}: {error.strerror}") from error
    return encoder


def _check_empty(out: Path) -> None:
    try:
        if os.path.lexists(out) and (not out.is_dir() or any(out.iterdir())):
            raise TokenizerError(f"{out} exists and is not an empty folder; name a new one")
    except OSError as error:
        raise TokenizerError(f"{out} cannot be read: {error.strerror}") from error


def _trained(texts: Iterator[str], vocabulary_size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_SPLIT, "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _open(connection: Connection, name: str | None) -> tuple[Reader | None, list[int]]:
    """Return a reader and every chunk in order; None for an empty index."""
    repository_id = queries.repository_id(connection, name)
    chunk_ids = queries.chunk_ids(connection)
    if repository_id is None or not chunk_ids:
        return None, []
    return Reader(connection, repository_id), chunk_ids


def _texts(reader: Reader, ids: list[int], words: list[str]) -> Iterator[str]:
    yield from words
    for start in range(0, len(ids), _CHUNKS_AT_ONCE):
        part = ids[start : start + _CHUNKS_AT_ONCE]
        reader.prefetch_texts(part)
        yield from (reader.text(chunk_id).decode("utf-8") for chunk_id in part)


@dataclass(frozen=True, slots=True)
class TokenizerReport:
    """How a tokenizer fits Rust.

    `split_keywords` and `split_macros` map what is no whole token to its number of tokens (for
    a macro, the `!` may be one of its own); `dialects` maps each family to the tokens it lacks.
    """

    n_tokens: int
    end_token: str | None
    chars_per_token: float | None
    split_keywords: dict[str, int]
    split_macros: dict[str, int]
    control_tokens: dict[str, int]
    dialects: dict[str, list[str]]


def measure(
    source: str, database: Database | None = None, *, name: str | None = None
) -> TokenizerReport:
    """Measure a tokenizer; characters per token need an index, and are those of its chunks."""
    encoder = Encoder(load(source), source=source)

    def split(words: tuple[str, ...]) -> dict[str, int]:
        counts = {word: len(encoder.encode(f" {word}") or ()) for word in words}
        return {word: n for word, n in counts.items() if n > (2 if word.endswith("!") else 1)}

    missing = {
        family.name: [token for token in family.edit_tokens() if not encoder.has(token)]
        for family in FAMILIES
        if family.edit_tokens()
    }
    return TokenizerReport(
        n_tokens=encoder.n_tokens,
        end_token=encoder.end_token,
        chars_per_token=_chars_per_token(encoder, database, name) if database else None,
        split_keywords=split(KEYWORDS),
        split_macros=split(MACROS),
        control_tokens=encoder.control_tokens(),
        dialects=missing,
    )


def _chars_per_token(encoder: Encoder, database: Database, name: str | None) -> float | None:
    with database.long_read() as connection:
        reader, chunk_ids = _open(connection, name)
        if reader is None:
            return None
        # Evenly spread over the history, enough for two digits.
        step = max(1, len(chunk_ids) // _MAX_MEASURED_CHUNKS)
        texts = list(_texts(reader, chunk_ids[::step], []))
    encoder.warm(texts)
    measured = [(len(text), len(ids)) for text in texts if (ids := encoder.encode(text))]
    n_tokens = sum(n for _, n in measured)
    return sum(n for n, _ in measured) / n_tokens if n_tokens else None
