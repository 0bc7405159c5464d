"""What happened in one history: every message, commit, fault and answer, in order; one seed gives one text."""

from hashlib import blake2b
from typing import NamedTuple


class Event(NamedTuple):
    """Something happened: `who` said or did `what`, perhaps to `whom`."""

    at: float
    who: str
    what: str
    whom: str = ""

    def __str__(self) -> str:
        return f"{self.at:10.4f}  {self.who:<14} {self.what}" + (f"  -> {self.whom}" if self.whom else "")


class Chronicle:
    """The events of one history, and the violations that the auditor found in it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.violations: list[str] = []

    def tell(self, at: float, who: str, what: str, whom: str = "") -> None:
        self.events.append(Event(at, who, what, whom))

    def accuse(self, at: float, what: str) -> None:
        """An invariant is broken."""
        if what not in self.violations:
            self.violations.append(what)
            self.events.append(Event(at, "AUDITOR", what))

    def digest(self) -> str:
        """Equal for equal histories."""
        digest = blake2b(digest_size=16)
        for event in self.events:
            digest.update(repr(event).encode())
        return digest.hexdigest()
