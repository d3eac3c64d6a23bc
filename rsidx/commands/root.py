"""The command group; each command's module is imported only when it is called."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from rsidx import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

SECTIONS = {
    "Index": {
        "backfill": "Read history into the index; run it again to resume.",
        "status": "Show what is indexed, and how far behind it is.",
        "backup": "Copy the index to a file, even while it is written to.",
        "gc": "Delete unreachable commits from the index.",
        "forget": "Delete text from the index for good.",
    },
    "Hooks": {
        "hooks": "Install or remove the git hooks that update the index.",
        "watch": "Update the index without hooks, whenever a ref moves.",
        "doctor": "Check that the hooks fire and that the index is sound.",
    },
    "Code": {
        "symbols": "Find where a name is defined.",
        "refs": "Find what refers to a definition.",
        "show": "Show a commit's edits, chunk by chunk.",
        "context": "Show the context that an edit would be given.",
    },
    "Data set": {
        "export": "Write a data set.",
        "verify": "Check a data set against git alone.",
        "inspect": "Show a row as the model sees it.",
        "recipe": "Write what trains a model on a data set.",
        "report": "Write a page about a data set: counts, plots, rows.",
        "corpus": "Make one data set of many repositories.",
        "tokenizer": "Train a tokenizer, measure one, or compare a server's.",
    },
    "Model": {
        "eval": "Judge a model's answers: what share of them compile.",
        "prompt": "Write the prompt for an edit, as the examples are written.",
        "complete": "Ask a model for an edit, until its answer fits or compiles.",
        "mcp": "Serve the index to an assistant, as tools.",
        "check": "Check that new code compiles, without touching the file.",
        "apply": "Show a model's answer as a diff, or write it to the file.",
    },
}
"""Every command by the heading it has in `rsidx --help`, with its line there.

The lines stand here so that help and shell completion import no command.
"""
_SUMMARIES = {name: line for section in SECTIONS.values() for name, line in section.items()}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        return list(_SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _SUMMARIES:
            return None
        command: Any = getattr(import_module(f"rsidx.commands.{cmd_name}"), cmd_name)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches  # noqa: PLC0415  (a hook does without)

            close = get_close_matches(args[0], _SUMMARIES, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise click.UsageError(f"{error.message}{hint}", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        # One width for all sections, so that their lines are aligned.
        width = max(map(len, _SUMMARIES))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{width}}", line) for name, line in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        from click.shell_completion import CompletionItem  # noqa: PLC0415  (a hook does without)

        names = [
            CompletionItem(name, help=line)
            for name, line in _SUMMARIES.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(
    cls=_LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
@click.version_option(__version__, prog_name="rsidx")
def root() -> None:
    """Keep an index of a Rust repository's history, and export training data from it.

    You can also set options in environment variables (RSIDX_EXPORT_MAX_TOKENS is `rsidx export
    --max-tokens`), in your own ~/.config/rsidx/config.toml, and, if they are harmless, in
    rsidx.toml at the repository's root. The first of these that sets an option wins.
    """
