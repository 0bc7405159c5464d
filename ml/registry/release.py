"""What is released for a market: the champion, perhaps a challenger, and who gets which.

Two things of a registered model say so. Its aliases `champion` and `challenger` are the truth about which versions
serve: whoever moves one with any MLflow tool is followed. The tag `doorbuster.release` holds the rest (mode, share) and
which aliases it was written for; `effective` puts them together. Imports nothing of MLflow.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

CHAMPION = "champion"
CHALLENGER = "challenger"
RELEASE_TAG = "doorbuster.release"
MODEL_TAG = "doorbuster.model"
DIGEST_TAG = "doorbuster.digest"

REGISTERED = "doorbuster"
MARKET = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
DEFAULT_MARKET = ""


class Mode(StrEnum):
    """What a challenger is there for."""

    OFF = "off"
    CANARY = "canary"
    """A share of visitors get it, to see that it doesn't break."""
    AB = "ab"
    """A share of visitors get it, to see which one is better."""
    SHADOW = "shadow"
    """It is asked, too, and nobody sees what it said."""


class Version(msgspec.Struct, frozen=True):
    """One registered model version, as far as serving must know it."""

    market: str
    number: int
    model: str = ""
    """What loads it: a name of the library or an import path; empty where another tool registered it."""
    location: str = ""
    """URI of the artifact."""
    digest: str = ""
    """Of the artifact, as `ml.artifact.digest_of`; empty where another tool registered it."""


class Release(msgspec.Struct, frozen=True):
    """What serves in a market. Compare two to see whether anything changed."""

    market: str = DEFAULT_MARKET
    champion: Version | None = None
    challenger: Version | None = None
    mode: Mode = Mode.OFF
    share: float = 0.0
    """Of visitors that get the challenger, 0 to 1; 0 in shadow."""
    number: int = 0
    """Counts the changes that were made with `doorbuster ml`."""


class Document(msgspec.Struct, frozen=True):
    """What the tag `doorbuster.release` holds, as JSON."""

    number: int
    champion: int | None = None
    challenger: int | None = None
    mode: Mode = Mode.OFF
    share: float = 0.0
    settled: bool = False
    """Whether the aliases say the same by now. Until then the document counts: aliases are set one after the other, and
    nobody is to serve half of a change."""


def registered_name(market: str = DEFAULT_MARKET) -> str:
    """What MLflow calls a market's model."""
    return f"{REGISTERED}-{market}" if market else REGISTERED


def market_of(name: str) -> str | None:
    """The market of a registered model, or None where it isn't one of ours."""
    market = name.removeprefix(f"{REGISTERED}-")
    if name == REGISTERED:
        return DEFAULT_MARKET
    return market if market != name and MARKET.fullmatch(market) else None


def document_of(tag: str | None) -> Document | None:
    """What the tag says; None where it is missing, or somebody wrote something else into it."""
    try:
        return msgspec.json.decode(tag, type=Document) if tag else None
    except msgspec.DecodeError:
        return None


def effective(document: Document | None, aliases: Mapping[str, int]) -> Document:
    """What really serves, from the tag and the aliases.

    A challenger that somebody named with another tool, without saying for whom, is asked in shadow: nobody who only
    moved an alias wanted to show shoppers something.
    """
    if document is None:
        document = Document(0, settled=True)
    if not document.settled:
        return document
    champion, challenger = aliases.get(CHAMPION), aliases.get(CHALLENGER)
    if challenger is None or challenger == champion:
        return msgspec.structs.replace(document, champion=champion, challenger=None, mode=Mode.OFF, share=0.0)
    if challenger != document.challenger:
        return msgspec.structs.replace(document, champion=champion, challenger=challenger, mode=Mode.SHADOW, share=0.0)
    return msgspec.structs.replace(document, champion=champion)
