"""`doorbuster keys rotate`: a new key for access tokens, without logging anyone out."""

from pathlib import Path

import click

from .shop_api import api_options, post

PATH = "/v1/admin/signing-keys"


@click.group("keys")
def command() -> None:
    """Rotate the keys that access tokens are signed with."""


@command.command("rotate", context_settings={"max_content_width": 120})
@click.option("--revoke", is_flag=True, help="Take no token of the keys before it any more: one of them is known.")
@api_options
def rotate(revoke: bool, url: str | None, key_file: Path | None, data: str | None, config: Path | None) -> None:
    """Add a key to the running shop. It signs two minutes later, when every replica knows it; the ones before it verify
    until their last token has expired.

    With --revoke it signs at once, and clients get a new access token by their refresh token within a minute.
    """
    keys = post(PATH, {"revoke": revoke}, url=url, key_file=key_file, data=data, config=config)["keys"]
    click.echo(f"{keys[-1]['kid']} is the newest of {len(keys)} keys.")
