"""The program's entrance: runs a command and turns faults into one line and a status."""

import errno
import logging
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence

import click

from rsidx import __version__
from rsidx.commands.root import root
from rsidx.errors import RsidxError
from rsidx.output import note, printable
from rsidx.passwords import masked, passwords_of, without
from rsidx.removed import removed_option

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 1 for a known fault, 2 for usage, 3 for the unexpected."""
    try:
        status = root.main(args=arguments, prog_name="rsidx", standalone_mode=False)
    except click.UsageError as error:
        _with_replacement(error).show()
        return 2
    except (click.Abort, KeyboardInterrupt) as error:
        # Click makes an Abort of an interruption.
        reason = str(error.__cause__ if isinstance(error, click.Abort) else error)
        note(f"rsidx: interrupted{f'; {reason}' if reason else ''}")
        return 130
    except RsidxError as error:
        # What a driver or git says may have several lines.
        text = " ".join(line.strip() for line in str(error).splitlines()).strip()
        logging.getLogger("rsidx").info("%s: %s", type(error).__name__, text)
        note(f"rsidx: {printable(masked(text))}")
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            name = f"cannot write {error.filename}: " if error.filename else ""
            note(f"rsidx: {printable(masked(f'{name}{error.strerror}'))}")
            return 1
        given = sys.argv[1:] if arguments is None else arguments
        note(f"rsidx: unexpected error; please report it with {_kept(_report(given))}")
        return 3
    return status if isinstance(status, int) else 0


def _with_replacement(error: click.UsageError) -> click.UsageError:
    """Return an error that says what takes the place of an option, if a command had it once."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return error
    name = error.option_name
    removed = removed_option(tuple(error.ctx.command_path.split()[1:]), name.lstrip("-"))
    if removed is None:
        return error
    message = f"No such option: {name}; {removed.advice('use', f'--{removed.now}')}."
    return click.NoSuchOption(name, message, ctx=error.ctx)


def _report(given: Sequence[str]) -> str:
    """Return versions and traceback, without passwords, ready to paste."""
    # Argument by argument: within quotes a password may have blanks and quotes of its own.
    known = passwords_of((*given, *os.environ.values()))
    arguments = [without(known, argument) for argument in given]
    return without(
        known,
        f"rsidx {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"arguments: {arguments}\n\n{traceback.format_exc()}",
    )


def _kept(text: str) -> str:
    """Return the name of a new file with a text, or the text where there is no room for one."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="rsidx-", suffix=".log", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
    except OSError:
        return f"this:\n{text}"
    return file.name


if __name__ == "__main__":
    status = main()
    if sys.argv[1:3] == ["hooks", "run"]:
        # Everything is closed; Python's own clearing up would take a sixth of a hook's time.
        logging.shutdown()
        os._exit(status)
    sys.exit(status)
