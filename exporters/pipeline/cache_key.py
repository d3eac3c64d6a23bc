"""The cache key of a commit's result: digests of everything that decides it.

All commits of an export share one part of it. The other is the commit's own: its id, and what the
index says of it and of its first parents that does not follow from git. A file version that was
too large, or is forgotten, may be read later; that changes the results of the commits behind it,
and of no others.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from rsidx.exporters.answers.result_folder import digest_of
from rsidx.exporters.config import ExportConfig
from rsidx.exporters.edits.git_diff import git_version
from rsidx.exporters.filters.registry import OF_A_COMMIT
from rsidx.exporters.filters.secrets import RULES, scanner_version
from rsidx.exporters.rendering.base import Dialect
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.setting import declared
from rsidx.store.reader import Reader
from rsidx.store.records import CommitRow

_DIGEST = 20
_LIBRARIES = ("license-expression", "rensa")
"""Libraries that decide a result, besides those of the tokenizer and the secret scanner."""


@cache
def code_files() -> tuple[Path, ...]:
    """Return the files whose code decides a result: the exporters, the secret rules, the store."""
    exporters = Path(__file__).parents[1]
    store = exporters.parent / "store"
    return tuple(sorted([*exporters.rglob("*.py"), RULES, *store.rglob("*.py")]))


@cache
def code_digest(files: tuple[Path, ...]) -> bytes:
    """Return the digest of files of code; of one process it stays the same."""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(file.read_bytes())
    return digest.digest()


def shared_key(config: ExportConfig, encoder: Encoder, dialect: Dialect, reader: Reader) -> bytes:
    """Return the part of the cache key that all commits share.

    It covers what `export_key` does, the repository's name, and the version of the extractor.
    """
    of_index = repr((reader.repository_name(), reader.extractor_versions())).encode()
    return _digest(export_key(config, encoder, dialect), of_index)


def export_key(config: ExportConfig, encoder: Encoder, dialect: Dialect) -> bytes:
    """Return a digest of the code, the libraries, the configuration and the tokenizer."""
    options = {
        name: getattr(config, name)
        for name, option in declared(ExportConfig).items()
        if option.setting.in_cache_key
    }
    options["licenses"] = sorted(config.licenses)
    options["keep"] = sorted(OF_A_COMMIT.intersection(config.keep))
    digest = hashlib.blake2b(digest_size=_DIGEST)
    digest.update(code_digest(code_files()))
    versions = [python_version(), scanner_version(), *map(version, _LIBRARIES)]
    if config.labels == "changed":
        versions.append(git_version())
    if config.from_results:
        versions.append(digest_of(config.from_results))
    ends = encoder.bos, encoder.end_token, encoder.chat_template, encoder.named_tokens
    for part in (options, versions, encoder.identity, ends, dialect.name):
        digest.update(repr(part).encode())
    return digest.digest()


class CommitKeys:
    """The parts of cache keys that are the commits' own, by the commits' ids."""

    def __init__(self, reader: Reader, commits: Iterable[CommitRow]) -> None:
        facts = reader.irregularities()
        # A commit's generation is above its parents', so these come first.
        self._histories: dict[bytes, bytes] = {}
        for commit in sorted(commits, key=lambda commit: commit.generation):
            parent = commit.parents[0] if commit.parents else b""
            history = self._histories.get(parent, b"")
            if commit.oid in facts:
                # With the commit: a history that has grown may begin elsewhere in the same way.
                history = _digest(history, commit.oid, repr(facts[commit.oid]).encode())
            if history:
                self._histories[commit.oid] = history

    def __getitem__(self, oid: bytes) -> bytes:
        history = self._histories.get(oid)
        return oid if history is None else _digest(oid, history)


def _digest(*parts: bytes) -> bytes:
    return hashlib.blake2b(b"".join(parts), digest_size=_DIGEST).digest()
