"""Lists of repositories: what is taken in, what never is, and what is taken out again."""

import hashlib
import os
import re
import shlex
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from rsidx.errors import CorpusError
from rsidx.indexer.clone import same_address

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[^/@:]+@[^/:]+:")


@dataclass(frozen=True)
class Listed:
    """A repository as a list names it: `address` is a URL or a whole path.

    `options` are git's for a clone of a URL.
    """

    address: str
    revision: str | None = None
    is_url: bool = False
    options: tuple[str, ...] = ()

    @cached_property
    def place(self) -> str:
        """The address, the same however it is written: without scheme, user and `.git`."""
        return same_address(self.address, Path("/"))

    @cached_property
    def identity(self) -> str:
        """What tells that two lines mean the same: hosts take any case for the same."""
        return self.place.casefold() if self.is_url else self.place

    @cached_property
    def name(self) -> str:
        """What rows call it: the last two parts of a URL, a folder's name."""
        parts = self.place.split("/")
        return "/".join(parts[-2:]) if self.is_url else parts[-1]

    @cached_property
    def slug(self) -> str:
        """What its files are called: another repository of the same name has others."""
        digest = hashlib.blake2b(os.fsencode(self.identity), digest_size=4).hexdigest()
        return f"{quote(self.name, safe='')}-{digest}"

    @cached_property
    def kept_as(self) -> str:
        """What its clone and its index are called: a clone with other options has others."""
        if not self.options:
            return self.slug
        digest = hashlib.blake2b(repr(self.options).encode(), digest_size=4).hexdigest()
        return f"{self.slug}.{digest}"


def read_repositories(path: Path, options: tuple[str, ...] = ()) -> list[Listed]:
    """Return the repositories of a list or of a folder of clones, each once.

    URLs are cloned with `options` of git. Raises CorpusError where there are no repositories, or
    where two would have one name.
    """
    if path.is_dir():
        found = [
            Listed(str(folder.resolve())) for folder in sorted(path.iterdir()) if _is_clone(folder)
        ]
    else:
        found = [replace(one, options=options * one.is_url) for one in read_list(path)]
    every = list({one.identity: one for one in found}.values())
    if not every:
        raise CorpusError(f"{path} names no repository")
    names = Counter(one.name.casefold() for one in every)
    same = [one.address for one in every if names[one.name.casefold()] > 1]
    if same:
        raise CorpusError(
            f"{', '.join(same[:4])} would have one name in the data set: rename a folder"
        )
    return every


def read_list(path: Path) -> list[Listed]:
    """Return what a list names, a path or URL a line, with a revision behind some.

    Relative paths are relative to the list's folder. Raises CorpusError for a line that is neither.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CorpusError(f"cannot read {path}: {reason}") from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise CorpusError(f"{path}:{number}: {error}") from error
        if len(words) > 2:
            raise CorpusError(
                f"{path}:{number}: give a path or URL, and a revision at most; quote a path with "
                "blanks"
            )
        if words:
            found.append(_listed(words, path.parent))
    return found


def _listed(words: list[str], folder: Path) -> Listed:
    address, *revision = words
    is_url = bool(_URL.match(address))
    if not is_url:
        address = os.path.normpath(folder.absolute() / Path(address).expanduser())
    return Listed(address, revision[0] if revision else None, is_url)


def _is_clone(folder: Path) -> bool:
    return (folder / ".git").exists() or (
        (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    )


def identities(listed: Iterable[Listed]) -> frozenset[str]:
    """Return the identities of what a list names as a whole."""
    return frozenset(one.identity for one in listed if one.revision is None)
