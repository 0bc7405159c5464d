"""`doorbuster webhooks`: sends what an endpoint has missed once more."""

from pathlib import Path

import click

from .shop_api import api_options, post


@click.group("webhooks")
def command() -> None:
    """Outgoing webhooks of the running shop."""


@command.command("replay", context_settings={"max_content_width": 120})
@click.argument("endpoint")
@click.option("--all", "everything", is_flag=True, help="Also what was delivered; else only what was given up.")
@click.option("--since", metavar="INSTANT", help="Nothing older, such as 2026-11-27T00:00:00Z.")
@api_options
def replay(
    endpoint: str,
    everything: bool,
    since: str | None,
    url: str | None,
    key_file: Path | None,
    data: str | None,
    config: Path | None,
) -> None:
    """Send deliveries of ENDPOINT's log again, with the ids that they had: a receiver can tell those that it knows."""
    body = {"outcome": "all" if everything else "failed", "since": since}
    path = f"/v1/admin/webhooks/{endpoint}/replay"
    told = post(path, body, url=url, key_file=key_file, data=data, config=config)
    click.echo(f"{told['deliveries']} deliveries are on their way to {endpoint} again.")
