"""The cache key: a digest of everything that decides a commit's result, except the commit."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from rsidx.exporters.config import ExportConfig
from rsidx.exporters.filters.registry import OF_A_COMMIT
from rsidx.exporters.filters.secrets import RULES, scanner_version
from rsidx.exporters.rendering.base import Dialect
from rsidx.exporters.rendering.encoder import Encoder
from rsidx.setting import declared
from rsidx.store.reader import Reader

_LIBRARIES = ("license-expression", "rensa")
"""Libraries that decide a result, besides those of the tokenizer and the secret scanner."""


def code_files() -> list[Path]:
    """Return the files whose code decides a result: the exporters, the secret rules, the store."""
    exporters = Path(__file__).parents[1]
    store = exporters.parent / "store"
    return sorted([*exporters.rglob("*.py"), RULES, *store.rglob("*.py")])


def shared_key(config: ExportConfig, encoder: Encoder, dialect: Dialect, reader: Reader) -> bytes:
    """Return the part of the cache key that all commits share.

    It covers the code, the libraries, the configuration, the tokenizer, the repository's name, and
    the commits and blobs of its history that a later backfill may repair.
    """
    options = {
        name: getattr(config, name)
        for name, option in declared(ExportConfig).items()
        if option.setting.in_cache_key
    }
    options["licenses"] = sorted(config.licenses)
    options["keep"] = sorted(OF_A_COMMIT.intersection(config.keep))
    digest = hashlib.blake2b(digest_size=16)
    for file in code_files():
        digest.update(file.read_bytes())
    versions = [python_version(), scanner_version(), *map(version, _LIBRARIES)]
    for part in (options, versions, encoder.identity, encoder.end_token, dialect.name):
        digest.update(repr(part).encode())
    digest.update(repr((reader.repository_name(), reader.unsettled())).encode())
    return digest.digest()
