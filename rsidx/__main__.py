"""The program's entrance: runs a command and turns faults into one line and a status."""

import logging
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from rsidx import __version__
from rsidx.commands.root import root
from rsidx.errors import RsidxError
from rsidx.output import note, printable
from rsidx.passwords import masked, passwords_of, without


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, 1 for a known fault, 2 for usage, 3 for the unexpected."""
    try:
        status = root.main(args=arguments, prog_name="rsidx", standalone_mode=False)
    except click.UsageError as error:
        error.show()
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
    except Exception:
        given = sys.argv[1:] if arguments is None else arguments
        note(f"rsidx: unexpected error; please report it with {_report(given)}")
        return 3
    return status if isinstance(status, int) else 0


def _report(given: Sequence[str]) -> Path:
    """Write versions and traceback, without passwords, to a file that is ready to paste."""
    # Argument by argument: within quotes a password may have blanks and quotes of its own.
    known = passwords_of((*given, *os.environ.values()))
    arguments = [without(known, argument) for argument in given]
    text = without(
        known,
        f"rsidx {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"arguments: {arguments}\n\n{traceback.format_exc()}",
    )
    with tempfile.NamedTemporaryFile(
        "w", prefix="rsidx-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    return Path(file.name)


if __name__ == "__main__":
    status = main()
    if sys.argv[1:3] == ["hooks", "run"]:
        # Everything is closed; Python's own clearing up would take a sixth of a hook's time.
        logging.shutdown()
        os._exit(status)
    sys.exit(status)
