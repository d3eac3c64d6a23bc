"""What is declared of a configuration's field, once: all else about its option follows from it.

A field is declared as `Annotated[type, Setting(…)]`. From that follow the option on the command
line, its key in files and its variable (`rsidx.option`), what a value must be, and whether a
repository's own file may set it.
"""

import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

Harmless: TypeAlias = Callable[[Any, Path], Any]
"""Takes a value and the root of the repository whose file gives it, and returns the value to use.

Raises ValueError for one that such a file may not give.
"""
UP_TO_DEFAULT: Literal["up to its default"] = "up to its default"


@dataclass(frozen=True, slots=True)
class Setting:
    """A field's help and the values that it takes; `more_than` is a bound that is itself no value.

    `renamed` are choices of an earlier release, which are still taken with a warning, by what they
    are called now.

    `flag` is its option's name where that is not the field's. `harmless` says what a repository's
    own `rsidx.toml` may set: anything, nothing, a size up to the default, or what a function lets
    through, which `harmless_if` puts in words. Of what `is_path`, a manifest holds the last part;
    `must_exist` has the command line look for it. `in_cache_key` says that it decides what rows a
    commit gives.
    """

    help: str
    flag: str = ""
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    at_least: float | None = None
    more_than: float | None = None
    at_most: float | None = None
    harmless: bool | Literal["up to its default"] | Harmless = False
    harmless_if: str = ""
    is_path: bool = False
    must_exist: bool = False
    in_cache_key: bool = True


@dataclass(frozen=True, slots=True)
class Declared:
    """A field with its setting: `kind` is the type of a value, of one of them for `is_multiple`."""

    name: str
    kind: type
    is_multiple: bool
    is_optional: bool
    default: Any
    setting: Setting

    @property
    def flag(self) -> str:
        """The name of its option; without the dashes in front, its key in a file."""
        return self.setting.flag or f"--{self.name.replace('_', '-')}"

    @property
    def is_required(self) -> bool:
        """Tell whether there is no default."""
        return self.default is MISSING

    def normal(self, value: Any) -> Any:
        """Return a value with the field's type: of a list a tuple, of a whole number a float."""
        if self.is_multiple:
            return tuple(value) if isinstance(value, list) else value
        now = self.current(value)
        if now is not value:
            message = f"{self.name}={value!r} will be refused; it is called {now!r} now"
            warnings.warn(message, DeprecationWarning, stacklevel=4)
            return now
        if self.kind is float and type(value) is int:
            return float(value)
        return os.fspath(value) if self.setting.is_path and isinstance(value, Path) else value

    def current(self, value: Any) -> Any:
        """Return a value under its present name."""
        return self.setting.renamed.get(value, value) if isinstance(value, str) else value

    def problem(self, value: Any) -> str | None:
        """Return what is wrong with a value, None if nothing is."""
        if value is None and self.is_optional:
            return None
        if not self.is_multiple:
            return self._problem(value)
        if not isinstance(value, tuple):
            return f"{value!r} is no list of values"
        return next(filter(None, map(self._problem, value)), None)

    def _problem(self, value: Any) -> str | None:
        # Not `isinstance`: True is no whole number here.
        if type(value) is not self.kind:
            return f"{value!r} is no {_KINDS[self.kind]}"
        choices = self.setting.choices
        if choices and value not in choices:
            return f"{value!r} is not one of {', '.join(choices)}"
        return self._out_of_range(value)

    def _out_of_range(self, value: Any) -> str | None:
        at_least, more_than, at_most = (
            self.setting.at_least,
            self.setting.more_than,
            self.setting.at_most,
        )
        # Not a number is neither less nor more than any.
        if at_least is not None and not value >= at_least:
            return f"{value!r} is less than {at_least}"
        if more_than is not None and not value > more_than:
            return f"{value!r} is not more than {more_than}"
        if at_most is not None and not value <= at_most:
            return f"{value!r} is more than {at_most}"
        return None


_KINDS = {str: "text", int: "whole number", float: "number", bool: "truth value"}


@cache
def declared(configuration: type) -> Mapping[str, Declared]:
    """Return the fields of a configuration that have a setting, in their order."""
    hints = get_type_hints(configuration, include_extras=True)
    return {
        one.name: _declared(one, hints[one.name])
        for one in fields(configuration)
        if get_origin(hints[one.name]) is Annotated
    }


def _declared(one: "Field[Any]", hint: Any) -> Declared:
    given, setting = get_args(hint)
    is_multiple = get_origin(given) is tuple
    kinds = get_args(given) or (given,)
    return Declared(
        name=one.name,
        kind=kinds[0],
        is_multiple=is_multiple,
        is_optional=type(None) in kinds,
        default=one.default,
        setting=setting,
    )
