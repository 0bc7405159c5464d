"""`doorbuster bench`: hands over to the benchmark, which is a program of its own and knows the shop by HTTP only."""

import importlib.util
import os
import sys

import click

NEEDED = ("asyncpg", "matplotlib", "redis")
"""Packages of the `bench` extra that the benchmark can't do without."""


@click.command(
    "bench",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Measure the shop beside its alternatives; all options go to the benchmark (see --help)."""
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        raise click.ClickException(f"The benchmark needs {', '.join(missing)}: pip install 'doorbuster[bench]'")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "loadtest.bench", *arguments])
