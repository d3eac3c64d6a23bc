"""The files of a tokenizer: in a folder, or in the local cache of the hub.

Beside tokenizer.json lies what the library that encodes does not read: the names of special tokens,
the length that a model takes, and how chats are written.
"""

import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rsidx.errors import TokenizerError

TOKENIZER_FILE = "tokenizer.json"
CONFIG_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_FILE = "special_tokens_map.json"
_TEMPLATE_FILE = "chat_template.jinja"
_BESIDE = (CONFIG_FILE, SPECIAL_TOKENS_FILE, _TEMPLATE_FILE)
_HUB_NAME = re.compile(r"[A-Za-z0-9_][\w.-]*/[A-Za-z0-9_][\w.-]*", re.ASCII)
NAMED_TOKENS = ("bos_token", "unk_token", "sep_token", "cls_token", "mask_token")
_LISTS_OF_TOKENS = ("additional_special_tokens", "extra_special_tokens")
SPECIAL_TOKENS = ("eos_token", "pad_token", *NAMED_TOKENS, *_LISTS_OF_TOKENS)
_KEPT = ("chat_template", "padding_side", "truncation_side")


def file_of(source: str) -> Path:
    """Return the tokenizer.json of a file, a folder, or a name on the hub.

    The hub is asked for a name that is exactly `owner/name`, is not in the local cache, and does
    not look like a path; never where HF_HUB_OFFLINE forbids it. Raises TokenizerError where there
    is no tokenizer.
    """
    # Path's own raises for an unknown user, and for what may not be looked at.
    path = Path(os.path.expanduser(source))  # noqa: PTH111
    file = path / TOKENIZER_FILE if os.path.isdir(path) else path  # noqa: PTH112
    if not os.path.exists(file) and is_hub_name(source):  # noqa: PTH110
        file = cached_file(source) or _downloaded(source)
    if not os.path.exists(file):  # noqa: PTH110
        hint = "" if "/" in source else "; a name on the hub is spelled owner/name"
        raise TokenizerError(f"there is no tokenizer at {file}{hint}")
    return file


def is_hub_name(source: str) -> bool:
    """Tell whether this is spelled `owner/name` and is no path: there is no `owner` here."""
    owner, _, _ = source.partition("/")
    is_name = _HUB_NAME.fullmatch(source) and not source.endswith(".json")
    return bool(is_name) and not Path(owner).exists()


def cached_file(name: str) -> Path | None:
    """Return where a tokenizer of the hub is in the local cache, None if it is not there."""
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415  (it costs 0.1 s)

    found = try_to_load_from_cache(name, TOKENIZER_FILE)
    return Path(found) if isinstance(found, str) else None


def _downloaded(name: str) -> Path:
    """Fetch a tokenizer from the hub into the local cache: an export's only use of the network."""
    from huggingface_hub import constants, hf_hub_download  # noqa: PLC0415
    from huggingface_hub.errors import EntryNotFoundError  # noqa: PLC0415

    missing = f"there is no tokenizer at {name} here, nor in the local cache"
    if constants.HF_HUB_OFFLINE:
        raise TokenizerError(f"{missing}, and HF_HUB_OFFLINE forbids asking the hub")
    try:
        file = Path(hf_hub_download(name, TOKENIZER_FILE))
        for beside in _BESIDE:
            with suppress(EntryNotFoundError):
                hf_hub_download(name, beside)
        return file
    except Exception as error:  # Whatever the network did.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise TokenizerError(f"{missing}, and the hub says: {reason}") from error


def files_with(file: Path) -> list[Path]:
    """Return a tokenizer.json, and all else that is read of its folder."""
    return [file, *(file.with_name(name) for name in _BESIDE)]


def read_settings(source: str) -> dict[str, Any]:
    """Return what lies beside a tokenizer: its configuration, special tokens and chat template."""
    folder = _folder_of(source)
    if folder is None:
        return {}
    config = {**_read_json(folder / SPECIAL_TOKENS_FILE), **_read_json(folder / CONFIG_FILE)}
    template = _read_text(folder / _TEMPLATE_FILE)
    # As transformers does, which has it in a file of its own of late.
    return config if template is None else {**config, "chat_template": template}


def _folder_of(source: str) -> Path | None:
    path = Path(source).expanduser() if source else None
    if path is not None and path.exists():
        return path if path.is_dir() else path.parent
    cached = cached_file(source) if is_hub_name(source) else None
    return cached.parent if cached is not None else None


def _read_json(path: Path) -> dict[str, Any]:
    text = _read_text(path)
    try:
        found = json.loads(text) if text is not None else {}
    except ValueError as error:
        raise TokenizerError(f"{path} cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise TokenizerError(f"{path} cannot be read: {error}") from error


def kept_settings(settings: dict[str, Any], has: Callable[[str], bool]) -> dict[str, Any]:
    """Return what the settings of a tokenizer say of chats and special tokens.

    A token that the tokenizer has not, by `has`, stays out: whoever opens it would add that.
    """
    found = {key: settings[key] for key in _KEPT if key in settings}
    for key in NAMED_TOKENS:
        token = spelling_of(settings.get(key))
        if token is not None and has(token):
            found[key] = token
    for key in _LISTS_OF_TOKENS:
        found |= _only(key, settings.get(key), has)
    return found


def spelling_of(token: Any) -> str | None:
    """Return a token as a configuration names it: by its spelling, or with what else is said."""
    token = token.get("content") if isinstance(token, dict) else token
    return token if isinstance(token, str) else None


def chat_template_of(settings: dict[str, Any]) -> str | None:
    """Return the chat template of some settings: the only one, or of several the default."""
    found = settings.get("chat_template")
    if isinstance(found, list):
        named = {one.get("name"): one.get("template") for one in found if isinstance(one, dict)}
        found = named.get("default")
    return found if isinstance(found, str) and found else None


def _only(key: str, tokens: Any, is_known: Callable[[str], bool]) -> dict[str, Any]:
    """Return a configuration's list of tokens, or tokens by names, without those not known."""

    def fits(token: Any) -> bool:
        spelling = spelling_of(token)
        return spelling is not None and is_known(spelling)

    kept: Any = None
    if isinstance(tokens, list):
        kept = [token for token in tokens if fits(token)]
    elif isinstance(tokens, dict):
        kept = {name: token for name, token in tokens.items() if fits(token)}
    return {key: kept} if kept else {}
