"""Tokenizers: loading, encoding so that source text never becomes a control token, saving.

Of the export, the only module that uses the tokenizers library.
"""

import hashlib
import itertools
import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import tokenizers
from tokenizers import AddedToken, Encoding, Tokenizer
from tokenizers.processors import TemplateProcessing

from rsidx.errors import TokenizerError
from rsidx.exporters.rendering.tokenizer_files import (
    CONFIG_FILE,
    NAMED_TOKENS,
    SPECIAL_TOKENS,
    SPECIAL_TOKENS_FILE,
    TOKENIZER_FILE,
    chat_template_of,
    file_of,
    kept_settings,
    read_settings,
    spelling_of,
)
from rsidx.store.cache import Cache

_END_TOKENS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|eos|>", "<EOT>")
_PAD_TOKENS = ("<fim_pad>", "<|fim_pad|>", "<pad>", "[PAD]", "<|pad|>")
_MAX_CACHED_TEXTS = 8_000
_TEXTS_AT_ONCE = 512
_MAX_SHORT_ID = 1 << 16
_DIGEST = 16
_SAMPLES = ("fn f", " fn", "x \n", "\n\n    x", "é", "    ", "\t}")
_ENDS = (
    "x",
    "F",
    "0",
    "_",
    "{",
    "}",
    ";",
    ",",
    '"',
    "'",
    "/",
    "]",
    ")",
    "é",
    "中",
    "…",
    "\U0001f600",
)

_TRIED: dict[tuple[str, bytes], bool] = {}
"""What was found by trying, by its name and the identity of the tokenizer."""

Ids: TypeAlias = Sequence[int]


def load(source: str) -> Tokenizer:
    """Load a tokenizer from a file, a folder, or by its name on the hub.

    The hub is asked for a name that is exactly `owner/name`, is not in the local cache, and does
    not look like a path; never where HF_HUB_OFFLINE forbids it. Raises TokenizerError where there
    is no tokenizer, or it cannot be read.
    """
    file = file_of(source)
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # The library raises bare Exception for a bad file.
        raise TokenizerError(f"{file} is not a tokenizer: {error}") from error


class Encoder:
    """Encodes texts and names control tokens for one tokenizer.

    `Encoder.encode` never returns the id of a control token: a text that spells one is encoded
    in two pieces, cut inside the spelling. Control tokens go in by id, from `control`.
    """

    def __init__(self, tokenizer: Tokenizer, *, source: str = "") -> None:
        self._tokenizer = tokenizer
        self._config = read_settings(source)
        self.source_sha256 = _sha256(tokenizer)
        # What it does to offsets (GPT-2's leave out the space in front of a word) is not wanted.
        self.bos, self._post_processor = self._beginning()
        tokenizer.post_processor = None
        end_token = self._find("eos_token", _END_TOKENS)
        if end_token is None:
            raise TokenizerError(
                "the tokenizer has no end token that is known here; name it as `eos_token` in a "
                f"{CONFIG_FILE} beside it"
            )
        self.end_token: str = end_token
        self.pad_token = self._find("pad_token", _PAD_TOKENS) or self.end_token
        self.added: list[str] = []
        self._reserved: frozenset[str] = frozenset()
        self._cache: dict[str, Ids | None] = {}
        self._kept: Cache | None = None
        self._refresh()

    @property
    def identity(self) -> bytes:
        """What a text's ids follow from: the tokenizer, what was added to it, and its library."""
        parts = (self.source_sha256, self.added, self._control, tokenizers.__version__)
        return hashlib.blake2b(repr(parts).encode(), digest_size=_DIGEST).digest()

    def _beginning(self) -> tuple[int | None, Any]:
        """Return the token that a text begins with where transformers encodes it, and what adds it.

        The configuration's word on it goes before the tokenizer's own.
        """
        asked, name = self._config.get("add_bos_token"), self._find("bos_token", ())
        if asked is True and name is not None:
            bos = self.control(name)
            template = TemplateProcessing(
                single=f"{name} $A", pair=f"{name} $A {name} $B", special_tokens=[(name, bos)]
            )
            return bos, template
        added, bare = (self._encoding("a", special=special).ids for special in (True, False))
        begins = len(added) > len(bare) and added[: len(bare)] != bare
        if asked is False and begins:
            return None, None
        return (added[0] if begins else None), self._tokenizer.post_processor

    def keep_in(self, cache: Cache) -> None:
        """Look texts up in a cache for this `identity`, and keep there what is encoded."""
        self._kept = cache

    def _find(self, key: str, usual: Sequence[str]) -> str | None:
        for token in (spelling_of(self._config.get(key)), *usual):
            if token is not None and self.has(token):
                return token
        return None

    def _refresh(self) -> None:
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._tokenizer.encode_special_tokens = True
        added = self._tokenizer.get_added_tokens_decoder()
        self._control = {
            token_id: token.content
            for token_id, token in added.items()
            if token.special or token.content in self._reserved
        }

    @property
    def chat_template(self) -> str | None:
        """The source of the template that chats are written by; None for none."""
        return chat_template_of(self._config)

    @property
    def named_tokens(self) -> dict[str, str]:
        """The special tokens by the names that a chat template knows them by."""
        named = {key: spelling_of(self._config.get(key)) for key in NAMED_TOKENS}
        known = {key: token for key, token in named.items() if token and self.has(token)}
        return {**known, "eos_token": self.end_token, "pad_token": self.pad_token}

    def split_controls(self, text: str) -> Iterator[tuple[str, bool]]:
        """Yield the pieces of a text that spells control tokens, and which of them are such."""
        while text:
            spelled = [(text.find(token), -len(token), token) for token in self._control.values()]
            at, _, token = min((one for one in spelled if one[0] >= 0), default=(len(text), 0, ""))
            if at:
                yield text[:at], False
            if token:
                yield token, True
            text = text[at + len(token) :]

    def control_tokens(self) -> dict[str, int]:
        """Return the control tokens' spellings and ids, in the order of their ids."""
        return {token: token_id for token_id, token in sorted(self._control.items())}

    def added_tokens(self) -> list[str]:
        """Return the tokens that are found in a text before it is split, control tokens or not."""
        return [token.content for token in self._tokenizer.get_added_tokens_decoder().values()]

    def has(self, token: str) -> bool:
        """Tell whether the tokenizer has a token of this spelling."""
        return self._tokenizer.token_to_id(token) is not None

    def reserve(self, tokens: Iterable[str]) -> None:
        """Treat these tokens as control tokens, whatever the tokenizer flags them as."""
        self._reserved = frozenset(tokens)
        self._refresh()

    def extend(self, tokens: Sequence[str]) -> None:
        """Add control tokens at the end of the vocabulary; those already there stay as they are."""
        self.added = [token for token in tokens if not self.has(token)]
        self._tokenizer.add_special_tokens(
            [AddedToken(token, special=True, normalized=False) for token in self.added]
        )
        self._cache.clear()
        self._refresh()

    def control(self, token: str) -> int:
        """Return a control token's id; raises TokenizerError where the tokenizer lacks it."""
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise TokenizerError(f"the tokenizer has no token {token!r}")
        return int(found)

    def spelling(self, token_id: int) -> str | None:
        """Return how a control token is spelled, None for the id of anything else."""
        return self._control.get(token_id)

    def warm(self, texts: Iterable[str]) -> None:
        """Encode texts in one batch, on all cores; `encode` finds them afterwards."""
        wanted = [text for text in dict.fromkeys(texts) if text not in self._cache]
        if len(self._cache) + len(wanted) > _MAX_CACHED_TEXTS:
            self._cache.clear()
        if self._kept is None:
            self._cache.update(zip(wanted, self._encoded(wanted), strict=True))
            return
        by_key = {_digest(text): text for text in wanted}
        found = self._kept.get_or_make([*by_key], lambda keys: self._made(by_key, keys))
        for key, text in by_key.items():
            self._cache[text] = _unpacked(found[key])

    def _made(self, texts: Mapping[bytes, str], keys: Sequence[bytes]) -> list[bytes]:
        return [_packed(ids) for ids in self._encoded([texts[key] for key in keys])]

    def _encoded(self, texts: Sequence[str]) -> Iterator[Ids | None]:
        """Yield the ids of texts, some encoded at a time: the library keeps much for each token."""
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            yield from self._encoded_at_once(texts[start : start + _TEXTS_AT_ONCE])

    def _encoded_at_once(self, texts: Sequence[str]) -> Iterator[Ids | None]:
        try:
            encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)
        except Exception as error:  # The library raises bare Exception.
            raise TokenizerError(f"the tokenizer cannot encode: {error}") from error
        ids = [encoding.ids for encoding in encodings]
        for index, text in enumerate(texts):
            if not self._control.keys().isdisjoint(ids[index]):
                ids[index] = self._encode_around(text)
        decoded = self._tokenizer.decode_batch(ids, skip_special_tokens=False)
        for text, one, back in zip(texts, ids, decoded, strict=True):
            yield array("I", one) if back == text else None

    def encode(self, text: str) -> Ids | None:
        """Return a text's ids, none of them a control token's; None if they decode otherwise."""
        if text not in self._cache:
            self.warm([text])
        return self._cache[text]

    def encode_spelled(self, text: str) -> tuple[list[int], list[int]] | None:
        """Encode a text in which control tokens are spelled out, as a trainer or server does.

        Returns the ids, and for each where its first character stands; None where the ids decode
        otherwise.
        """
        self._tokenizer.encode_special_tokens = False
        try:
            encoding = self._encoding(text)
        finally:
            self._tokenizer.encode_special_tokens = True
        ids = encoding.ids
        if self.decode(ids) != text:
            return None
        return ids, [start for start, _ in encoding.offsets]

    @property
    def bos_token(self) -> str | None:
        """The token that a row begins with, None for none."""
        return self.spelling(self.bos) if self.bos is not None else None

    def without_bos(self, ids: Sequence[int]) -> Sequence[int]:
        """Return a row's ids without the token that it begins with."""
        return ids[1:] if self.bos is not None and ids and ids[0] == self.bos else ids

    @cached_property
    def is_split_at_controls(self) -> bool:
        """Whether a text's ids are the same whatever control tokens stand beside it, as tried.

        Those of tokenizers that begin a text with a space, or whose tokens swallow spaces, are not.
        """
        return self._tried("controls", self._splits_at_controls)

    def _splits_at_controls(self) -> bool:
        alone = [self.encode(text) for text in _SAMPLES]
        for token_id, token in self._control.items():
            expected = [token_id]
            for ids in alone:
                expected += [*(ids or ()), token_id]
            found = self.encode_spelled(token + "".join(text + token for text in _SAMPLES))
            if None in alone or found is None or found[0] != expected:
                return False
        return True

    @cached_property
    def is_split_at_lines(self) -> bool:
        """Whether a text ends where a line begins that is not indented, as tried.

        No token crosses from a line that ends with something into such a one.
        """
        return self._tried("lines", self._splits_at_lines)

    def _tried(self, name: str, tries: Callable[[], bool]) -> bool:
        """Try something with a tokenizer once in a process: it takes as long as making a row."""
        key = name, self.identity
        if key not in _TRIED:
            _TRIED[key] = tries()
        return _TRIED[key]

    def _splits_at_lines(self) -> bool:
        splitter = self._tokenizer.pre_tokenizer
        if splitter is None:
            return False
        pairs = [(f"fn {end}\n", f"{start}x") for end in _ENDS for start in _ENDS]
        for left, right in pairs:
            pieces = splitter.pre_tokenize_str(left + right)
            if len(left) not in {end for _, (_, end) in pieces}:
                return False
        whole = self._encoded_at_once(["".join(pair) for pair in pairs])
        apart = self._encoded_at_once([text for pair in pairs for text in pair])
        for ids, before, behind in zip(whole, apart, apart, strict=True):
            if ids is None or before is None or behind is None or [*ids] != [*before, *behind]:
                return False
        return True

    def _encoding(self, text: str, *, special: bool = False) -> Encoding:
        try:
            return self._tokenizer.encode(text, add_special_tokens=special)
        except Exception as error:  # The library raises bare Exception.
            raise TokenizerError(f"the tokenizer cannot encode: {error}") from error

    def controls(self, ids: Iterable[int]) -> list[int]:
        """Return those of some ids that are control tokens."""
        return list(filter(self._control.__contains__, ids))

    def _encode_around(self, text: str) -> list[int]:
        """Encode a text that spells control tokens, cutting inside each spelling."""
        pieces = [piece for _, piece in self._cut_in_controls(text)]
        encodings = self._tokenizer.encode_batch_fast(pieces, add_special_tokens=False)
        return [token_id for encoding in encodings for token_id in encoding.ids]

    def _cut_in_controls(self, text: str) -> Iterator[tuple[int, str]]:
        """Yield the pieces of a text that is cut inside each spelling of a control token."""
        cuts = {0, len(text)}
        for token in self._control.values():
            at = text.find(token)
            while at >= 0:
                cuts.add(at + 1)
                at = text.find(token, at + 1)
        yield from ((start, text[start:end]) for start, end in itertools.pairwise(sorted(cuts)))

    def starts(self, text: str) -> list[int]:
        """Return where the first character of each of a text's tokens (`encode`) stands in it."""
        encoding = self._encoding(text)
        if self._control.keys().isdisjoint(encoding.ids):
            return [start for start, _ in encoding.offsets]
        return [
            at + start
            for at, piece in self._cut_in_controls(text)
            for start, _ in self._encoding(piece).offsets
        ]

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids, control tokens spelled out."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    @property
    def n_tokens(self) -> int:
        """The size of the vocabulary, with what was added."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    def save(self, folder: Path, *, max_tokens: int) -> None:
        """Write a folder, new or empty, that `AutoTokenizer.from_pretrained` opens.

        Raises OSError where it cannot be written.
        """
        folder.mkdir(exist_ok=True)
        self._tokenizer.encode_special_tokens = False
        self._tokenizer.post_processor = self._post_processor
        (folder / TOKENIZER_FILE).write_text(self._tokenizer.to_str(pretty=True), "utf-8")
        self._tokenizer.post_processor = None
        self._tokenizer.encode_special_tokens = True
        config = {
            **kept_settings(self._config, self.has),
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": self.end_token,
            "pad_token": self.pad_token,
            "model_max_length": self._config.get("model_max_length", max_tokens),
            "clean_up_tokenization_spaces": False,
            "add_bos_token": self.bos is not None,
        }
        if (bos := self.bos_token) is not None:
            config["bos_token"] = bos
        _write_json(folder / CONFIG_FILE, config)
        special = {key: config[key] for key in SPECIAL_TOKENS if key in config}
        _write_json(folder / SPECIAL_TOKENS_FILE, special)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest()


def _packed(ids: Ids | None) -> bytes:
    """Return ids as bytes: the type of the array, and its content; nothing for None."""
    if ids is None:
        return b""
    code = "H" if max(ids, default=0) < _MAX_SHORT_ID else "I"
    return code.encode() + array(code, ids).tobytes()


def _unpacked(data: bytes) -> Ids | None:
    return array(data[:1].decode(), data[1:]) if data else None


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True) + "\n", "utf-8")


def _sha256(tokenizer: Tokenizer) -> str:
    return hashlib.sha256(tokenizer.to_str().encode()).hexdigest()
