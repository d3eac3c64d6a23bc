"""The command group; each command's module is imported only when it is called."""

from importlib import import_module
from typing import Any

import click

from rsidx import __version__

_COMMANDS = {
    "apply": "rsidx.commands.apply:apply",
    "backfill": "rsidx.commands.backfill:backfill",
    "backup": "rsidx.commands.backup:backup",
    "context": "rsidx.commands.context:context",
    "doctor": "rsidx.commands.doctor:doctor",
    "export": "rsidx.commands.export:export",
    "forget": "rsidx.commands.forget:forget",
    "gc": "rsidx.commands.gc:gc",
    "hooks": "rsidx.commands.hooks:hooks",
    "inspect": "rsidx.commands.inspect:inspect",
    "prompt": "rsidx.commands.prompt:prompt",
    "refs": "rsidx.commands.refs:refs",
    "report": "rsidx.commands.report:report",
    "show": "rsidx.commands.show:show",
    "status": "rsidx.commands.status:status",
    "symbols": "rsidx.commands.symbols:symbols",
    "tokenizer": "rsidx.commands.tokenizer:tokenizer",
    "verify": "rsidx.commands.verify:verify",
    "watch": "rsidx.commands.watch:watch",
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (click's signature)
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, attribute = target.split(":")
        command: Any = getattr(import_module(module), attribute)
        return command if isinstance(command, click.Command) else None


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

    Options can also be given by variables (RSIDX_EXPORT_MAX_TOKENS is `rsidx export
    --max-tokens`), in your own ~/.config/rsidx/config.toml, and, where they are harmless, in
    rsidx.toml at the repository's root. The first of these that sets an option decides.
    """
