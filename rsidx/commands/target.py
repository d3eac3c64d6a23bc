"""Which code a command asks about: a commit's, or what is on disk."""

import click

from rsidx.commands.options import MAX_BYTES, Place
from rsidx.exporters.questions import Target
from rsidx.indexer.git.history import list_tree, resolve
from rsidx.indexer.worktree import changed_files

at_option = click.option(
    "--at",
    "revision",
    default="HEAD",
    show_default=True,
    help="The commit, or `worktree` for the code as it is on disk.",
)


def target_at(place: Place, revision: str, path: str, symbol: str) -> Target:
    """Return what is asked about at a commit, or at HEAD with the worktree laid over it."""
    if revision != "worktree":
        return Target(bytes.fromhex(resolve(place.repository, revision)), path, symbol)
    head = bytes.fromhex(resolve(place.repository, "HEAD"))
    tree = dict(list_tree(place.repository, head))
    changed = changed_files(place.repository, tree, max_bytes=MAX_BYTES)
    return Target(head, path, symbol, tuple(changed))
