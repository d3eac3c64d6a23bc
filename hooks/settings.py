"""What the settings of hook managers say of rsidx, and where to put what they lack.

The settings are read as the manager reads them: what is commented out, given twice, or stands in
another key calls nothing.
"""

import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rsidx.errors import ConfigError

EVENTS = ("post-commit", "post-merge", "post-rewrite", "post-checkout")
"""The hooks that a manager is told of; it knows no post-applypatch."""
# From one mention to the next: each may be the one that is called.
_CALL = re.compile(
    r"rsidx/hook\b|\brsidx\b(?:(?!\brsidx\b|\bhooks\s+(?:wake|run)\b).)*+\bhooks\s+(?:wake|run)\b",
    re.DOTALL,
)
_COMMENT = re.compile(r"\s#")


@cache
def _loader() -> Any:
    """Return a loader that refuses a key given twice, as the managers do."""
    import yaml  # noqa: PLC0415  (the hook's worker needs none of it)

    def mapping(loader: Any, node: Any) -> Any:
        seen = set()
        for key, _ in node.value:
            if key.value in seen and key.value != "<<":
                problem = f"the key {key.value} is there twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        loader.flatten_mapping(node)
        return loader.construct_mapping(node, deep=True)

    Loader: Any = type("Loader", (yaml.SafeLoader,), {})  # noqa: N806  (a class)
    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, mapping)
    return Loader


def read(file: Path) -> dict[str, Any]:
    """Read a file of settings by its suffix; raises ConfigError for what cannot be read."""
    try:
        text = file.read_text("utf-8")
        if file.suffix == ".toml":
            found: Any = tomllib.loads(text)
        elif file.suffix in (".json", ".jsonc"):
            found = json.loads(text)
        else:
            found = parse_yaml(text)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{file.name} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{file.name} cannot be read: {error}".partition("\n")[0]) from error
    return found if isinstance(found, dict) else {}


def parse_yaml(text: str) -> Any:
    """Parse YAML; raises ValueError, also for a key that is there twice."""
    import yaml  # noqa: PLC0415

    try:
        return yaml.load(text, _loader())
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(f"{line}{error.problem}") from error
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error


def calls(command: object) -> bool:
    """Tell whether a command, or a list of words, calls rsidx's hook outside of comments."""
    if isinstance(command, list):
        return any(_CALL.search(str(word)) for word in command) or calls(
            " ".join(map(str, command))
        )
    return any(_CALL.search(line) for line in _code(str(command)))


def _code(script: str) -> Iterator[str]:
    for line in script.splitlines():
        if line.lstrip().startswith("#"):
            continue
        try:
            yield " ".join(shlex.split(line, comments=True))
        except ValueError:
            yield _COMMENT.split(line)[0]


def pre_commit_events(settings: Mapping[str, Any]) -> set[str]:
    """Return the stages at which pre-commit calls the hook."""
    found: set[str] = set()
    for repo in _maps(settings.get("repos")):
        for hook in _maps(repo.get("hooks")):
            is_local = repo.get("repo") == "local"
            is_ours = calls(hook.get("entry", "")) if is_local else hook.get("id") == "rsidx"
            if is_ours:
                found.update(hook.get("stages") or settings.get("default_stages") or EVENTS)
    return found


def lefthook_events(settings: Mapping[str, Any]) -> set[str]:
    """Return the hooks in which lefthook calls ours."""
    return {
        event
        for event in EVENTS
        if isinstance(hook := settings.get(event), dict)
        and hook.get("skip") is not True
        and any(calls(job.get("run", "")) for job in _lefthook_jobs(hook))
    }


def _lefthook_jobs(hook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    commands = hook.get("commands")
    for job in [
        *(commands.values() if isinstance(commands, dict) else ()),
        *_maps(hook.get("jobs")),
    ]:
        if isinstance(job, dict) and job.get("skip") is not True:
            yield job
            if isinstance(job.get("group"), dict):
                yield from _lefthook_jobs(job["group"])


def overcommit_events(settings: Mapping[str, Any]) -> set[str]:
    """Return the hooks in which overcommit calls ours; one of the user's own is off by default."""
    found = set()
    for event in EVENTS:
        section = settings.get(overcommit_key(event))
        for name, hook in section.items() if isinstance(section, dict) else ():
            if name != "ALL" and isinstance(hook, dict) and hook.get("enabled") is True:
                command = hook.get("command", hook.get("required_executable", ""))
                if calls(command):
                    found.add(event)
    return found


def overcommit_key(event: str) -> str:
    """Return overcommit's name for a hook: `PostCommit`."""
    return event.title().replace("-", "")


def _maps(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


@dataclass(frozen=True, slots=True)
class Insertion:
    """Lines to put into a file, behind so many of its lines."""

    after_line: int
    text: str


def inserted(text: str, insertions: Iterable[Insertion]) -> str:
    """Return a text with insertions."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    for one in sorted(insertions, key=lambda one: one.after_line, reverse=True):
        lines.insert(one.after_line, one.text)
    return "".join(lines)


def merged(text: str, wanted: Mapping[str, Any]) -> list[Insertion] | None:
    """Return what puts keys into YAML that is there, lists at their ends; None if it cannot.

    It fits the file's own indentation, and is tried: the result has what was there, and `wanted`.
    """
    import yaml  # noqa: PLC0415

    try:
        before = parse_yaml(text) or {}
        root = yaml.compose(text, _loader())
    except ValueError:
        return None
    n_lines = len(text.splitlines())
    if root is None:
        return [Insertion(n_lines, _rendered(wanted, 0))]
    if not isinstance(before, dict) or root.flow_style:
        return None
    insertions = _joined(_into(root, wanted, n_lines))
    try:
        after = parse_yaml(inserted(text, insertions))
    except ValueError:
        return None
    return insertions if after == _union(before, wanted) else None


def _joined(insertions: Iterable[Insertion]) -> list[Insertion]:
    """Join those behind the same line: what is indented more belongs to what is above it."""
    texts: dict[int, list[str]] = {}
    for one in insertions:
        texts.setdefault(one.after_line, []).append(one.text)
    return [
        Insertion(line, "".join(sorted(texts[line], key=_indentation, reverse=True)))
        for line in sorted(texts)
    ]


def _indentation(text: str) -> int:
    return len(text) - len(text.lstrip(" "))


def _into(node: Any, wanted: Mapping[str, Any], n_lines: int) -> Iterator[Insertion]:
    there = {key.value: (key, value) for key, value in node.value}
    column = node.start_mark.column
    for name, value in wanted.items():
        key, old = there.get(name, (None, None))
        if key is None or old is None:
            yield Insertion(_end(node, n_lines), _rendered({name: value}, column))
        elif old.tag.endswith(":null"):
            deeper = column if isinstance(value, list) else column + 2
            yield Insertion(key.end_mark.line + 1, _rendered(value, deeper))
        elif isinstance(value, list) and old.id == "sequence":
            yield Insertion(_end(old, n_lines), _rendered(value, old.start_mark.column))
        elif isinstance(value, dict) and old.id == "mapping":
            yield from _into(old, value, n_lines)


def _end(node: Any, n_lines: int) -> int:
    """Return after how many lines a node's last value ends."""
    last = node
    while last.id != "scalar" and last.value and not last.flow_style:
        last = last.value[-1][1] if last.id == "mapping" else last.value[-1]
    line, column = last.end_mark.line, last.end_mark.column
    # A text in several lines ends where the next one begins.
    return min(n_lines, int(line if column == 0 and line else line + 1))


def _rendered(value: object, column: int) -> str:
    text = _dumped(value)
    return "".join(f"{' ' * column}{line}\n" for line in text.splitlines())


def _dumped(value: object) -> str:
    import yaml  # noqa: PLC0415

    # Without anchors: the pieces stand apart.
    dumper: Any = type("Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda *_: True})
    return str(yaml.dump(value, Dumper=dumper, sort_keys=False, width=1000))


def _union(before: Any, wanted: Any) -> Any:
    if isinstance(before, dict) and isinstance(wanted, dict):
        both = {key: _union(before.get(key), value) for key, value in wanted.items()}
        return {**before, **both}
    if isinstance(before, list) and isinstance(wanted, list):
        return [*before, *wanted]
    return wanted
