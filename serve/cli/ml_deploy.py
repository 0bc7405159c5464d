"""`doorbuster ml deploy VERSION`: the champion for all, or a challenger for some."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..settings import Settings
from .ml_registry import by_whom, now, opened_registry, registry_options, settings_for, why_option

if TYPE_CHECKING:
    from ml.registry.release import Document


class _Share(click.ParamType[Any]):
    name = "SHARE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        try:
            share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = 0.0
        if not 0 < share < 1:
            self.fail(f"{value} is no share such as 10% or 0.1.", param, ctx)
        return share


SHARE = _Share()


@click.command("deploy", context_settings={"max_content_width": 120})
@click.argument("version", type=click.IntRange(1))
@click.option("--canary", type=SHARE, metavar="SHARE", help="Only to this share of visitors, such as 10%.")
@click.option("--ab", type=SHARE, metavar="SHARE", help="To this share of visitors, to see which one is better.")
@click.option("--shadow", is_flag=True, help="Ask it, too, and show nobody what it says.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@why_option
@registry_options
def command(
    version: int,
    canary: float | None,
    ab: float | None,
    shadow: bool,
    yes: bool,
    why: str,
    market: str,
    registry: str | None,
    data: str | None,
    config: Path | None,
) -> None:
    """Serve VERSION: instead of the champion, or as its challenger by --canary, --ab or --shadow.

    A version that can't be loaded here is refused. Running shops follow within ten seconds, without a restart.
    """
    if sum(map(bool, (canary, ab, shadow))) > 1:
        raise click.UsageError("--canary, --ab and --shadow exclude each other.")
    settings = settings_for(data, registry, config)
    with opened_registry(settings) as opened:
        from ml.registry.release import Mode
        from ml.registry.releases import Releases

        mode = Mode.CANARY if canary else Mode.AB if ab else Mode.SHADOW if shadow else Mode.OFF
        releases = Releases(opened, market)
        prove(settings, market, version)
        before = releases.now()
        if not yes:
            question = "challenge the champion" if mode is not Mode.OFF else "serve everybody"
            click.confirm(f"{described(before)} Shall version {version} {question}?", abort=True)
        released = releases.deploy(version, mode=mode, share=canary or ab or 0.0, by=by_whom(), at=now(), why=why)
    tell(before, released)


def prove(settings: Settings, market: str, version: int) -> None:
    """Have the version here, whole, and ask it once. Raises MlError."""
    from ml.registry.following import follower_of
    from ml.registry.proving import prove_version

    follower = follower_of(settings.registry, settings.models / "copies")
    try:
        prove_version(follower, market, version)
    finally:
        follower.close()


def tell(before: "Document", released: "Document") -> None:
    """Say what serves now, and how to undo that."""
    if released.number == before.number:
        click.echo(f"{described(released)} It was so before.")
        return
    click.echo(described(released))
    if before.champion is not None:
        click.echo(f"Back: doorbuster ml rollback --to {released.number - 1}")


def described(document: "Document") -> str:
    """One sentence for people."""
    if document.champion is None:
        return "No model serves: recommendations are what is popular."
    text = f"Version {document.champion} serves"
    match document.mode:
        case "off":
            return f"{text} everybody (release {document.number})."
        case "shadow":
            return f"{text} everybody, version {document.challenger} is asked in shadow (release {document.number})."
    to = f"version {document.challenger} gets {document.share * 100:.4g} % of visitors as {document.mode}"
    return f"{text}, {to} (release {document.number})."
