"""The text that rsidx puts into a post-commit hook."""

import re
import shlex

BEGIN = "# >>> rsidx >>>"
END = "# <<< rsidx <<<"
_BLOCK = re.compile(rf"^{re.escape(BEGIN)}\n.*?^{re.escape(END)}\n", re.DOTALL | re.MULTILINE)


def block(python: str) -> str:
    """Return the block that wakes the index, for `sh`.

    It runs in a subshell that nothing can leave by `exit`, in a session of its own so that
    Ctrl-C does not reach it, and with all three streams elsewhere: a caller that reads the
    hook's output through a pipe must not wait for it. The program is looked for when the hook
    runs: where it was, then on the PATH; where it is gone, nothing happens.
    """
    return f"""{BEGIN}
# Wakes the index in the background. RSIDX=0 turns it off, `rsidx hooks uninstall` removes it.
if [ "${{RSIDX:-1}}" != 0 ]; then (
  if [ -x {shlex.quote(python)} ]; then set -- {shlex.quote(python)} -P -m rsidx
  elif command -v rsidx >/dev/null; then set -- rsidx
  else exit 0; fi
  if command -v setsid >/dev/null; then set -- setsid "$@"; else trap '' HUP INT; fi
  "$@" hooks run &
) </dev/null >/dev/null 2>&1 || :; fi
{END}
"""


def with_block(hook: str, python: str) -> str:
    """Return a shell hook with the block after its first line, so that no `exit` skips it."""
    rest = without_block(hook)
    first, newline, body = rest.partition("\n")
    if not first.startswith("#!"):
        return block(python) + rest
    return first + (newline or "\n") + block(python) + body


def without_block(hook: str) -> str:
    """Return a hook as it was before the block was put in."""
    return _BLOCK.sub("", hook)


def has_block(hook: str) -> bool:
    """Tell whether a hook has the block."""
    return _BLOCK.search(hook) is not None
