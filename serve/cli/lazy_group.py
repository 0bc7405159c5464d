"""A group of commands that live in modules of their own, imported on use: `--help` answers at once."""

import importlib
from collections.abc import Mapping
from typing import Any

import click

Commands = Mapping[str, tuple[str, str]]
"""Name -> (module of this package, one line for the list). The module has the command as `command`; as
`module:attribute` it may have several."""


class LazyGroup(click.Group):
    """Lists its commands from the table, without importing any."""

    commands_by_name: Commands = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands_by_name)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.commands_by_name:
            return None
        module, _, attribute = self.commands_by_name[cmd_name][0].partition(":")
        command: Any = getattr(importlib.import_module(f".{module}", __package__), attribute or "command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self.commands_by_name.items()])
