"""The text that rsidx puts into git's hooks."""

import re
import shlex

BEGIN = "# >>> rsidx >>>"
END = "# <<< rsidx <<<"
MARK = "rsidx/wake"
"""In the common git folder: a commit that no worker has ingested yet."""
SCRIPT = "rsidx/hook"
"""In the common git folder: the hook as a program, for those who call it themselves."""
CALL = 'hook="$(git rev-parse --git-common-dir)/rsidx/hook"; [ ! -x "$hook" ] || "$hook"'
"""What calls that program from any worktree, and does nothing in a clone that has it not."""
_BLOCK = re.compile(
    rf"^{re.escape(BEGIN)}\n(?:(?!{re.escape(BEGIN)}\n|{re.escape(END)}\n).*\n)*+"
    rf"{re.escape(END)}\n",
    re.MULTILINE,
)


def block(python: str, db: str = "") -> str:
    """Return the block that wakes the index, for `sh`; `db` is where it is, if not as usual.

    All of it runs in the background, deaf to Ctrl-C, with all three streams elsewhere: a caller
    that reads the hook's output through a pipe must not wait for it. A mark that a worker has
    not taken yet means that one is on its way and will see this commit, too, so a burst of
    commits starts one Python and not a hundred; a mark over a minute old is one that a worker
    never came for. A rebase is ingested as a whole, by the post-rewrite hook at its end; before
    that, and when single files are checked out, nothing happens. Which hook it is shows in the
    arguments, for one program serves them all. The program is looked for when the hook runs:
    where it was, then on the PATH; where it is gone, nothing happens. `RSIDX=probe` proves that
    git comes here, and ends the hook before it does anything else.
    """
    program = shlex.quote(python)
    place = f" --db {shlex.quote(db)}" if db else ""
    return f"""{BEGIN}
# Wakes the index in the background. RSIDX=0 turns it off, `rsidx hooks uninstall` removes it.
if [ "${{RSIDX:-1}}" = probe ]; then true >"$RSIDX_PROBE"; exit 0; fi
if [ "${{RSIDX:-1}}" != 0 ]; then (
  trap '' HUP INT
  if [ $# = 3 ] && [ "$3" = 0 ]; then exit 0; fi
  if [ "${{1-}}" != rebase ]; then
    if [ -d "$(git rev-parse --git-path rebase-merge)" ]; then exit 0; fi
    if [ -f "$(git rev-parse --git-path rebase-apply/rebasing)" ]; then exit 0; fi
  fi
  mark=$(git rev-parse --git-common-dir)/{MARK}
  if [ -n "$(find "$mark" -mmin -1)" ]; then exit 0; fi
  if [ -x {program} ]; then set -- {program} -P -m rsidx
  elif command -v rsidx; then set -- rsidx
  else exit 0; fi
  if command -v setsid; then set -- setsid "$@"; fi
  true >"$mark"
  exec "$@" hooks run{place}
) </dev/null >/dev/null 2>&1 & fi
{END}
"""


def portable_block() -> str:
    """Return a block for hooks that others have, too: it says nothing of this machine.

    In a clone without the program it does nothing, and it neither ends the hook that it is in nor
    leaves a variable there.
    """
    return f"""{BEGIN}
# Wakes the index in the background, in clones where `rsidx hooks install` was run.
if [ "${{RSIDX:-1}}" = probe ]; then true >"$RSIDX_PROBE"; exit 0; fi
( {CALL} "$@" ) || true
{END}
"""


def with_block(hook: str, text: str) -> str:
    """Return a shell hook with a block after its first line, so that no `exit` skips it."""
    rest = without_block(hook)
    first, newline, body = rest.partition("\n")
    if not first.startswith("#!"):
        return text + rest
    return first + (newline or "\n") + text + body


def without_block(hook: str) -> str:
    """Return a hook as it was before the block was put in."""
    return _BLOCK.sub("", hook)


def has_block(hook: str) -> bool:
    """Tell whether a hook has the block."""
    return _BLOCK.search(hook) is not None
