"""What happened in one history: every commit, fault, question and answer, in order; one seed gives one text."""

from hashlib import blake2b
from typing import NamedTuple


class Event(NamedTuple):
    """Something happened: `who` said or did `what`, perhaps to `whom`."""

    at: float
    who: str
    what: str
    whom: str = ""

    def __str__(self) -> str:
        return f"{self.at:10.4f}  {self.who:<10} {self.what}" + (f"  -> {self.whom}" if self.whom else "")


FAULT, AUDITOR = "fault", "AUDITOR"
"""Who tells of faults and violations."""


class Chronicle:
    """The events of one history, and the violations that the auditor found in it.

    With `verbose` there are whispers too, about every message: they are for reading, and no part of the history.
    """

    def __init__(self, *, verbose: bool = False) -> None:
        self.events: list[Event] = []
        self.violations: list[str] = []
        self.verbose = verbose
        self._whispers: list[tuple[int, Event]] = []

    def tell(self, at: float, who: str, what: str, whom: str = "") -> None:
        self.events.append(Event(at, who, what, whom))

    def whisper(self, at: float, who: str, what: str, whom: str = "") -> None:
        if self.verbose:
            self._whispers.append((len(self.events), Event(at, who, what, whom)))

    def accuse(self, at: float, what: str) -> None:
        """An invariant is broken."""
        if what not in self.violations:
            self.violations.append(what)
            self.events.append(Event(at, AUDITOR, what))

    def everything(self) -> list[Event]:
        """Events and whispers, as they came."""
        told, taken = [], 0
        for place, whisper in self._whispers:
            told += self.events[taken:place]
            taken = place
            told.append(whisper)
        return told + self.events[taken:]

    def digest(self) -> str:
        """Equal for equal histories."""
        digest = blake2b(digest_size=16)
        for event in self.events:
            digest.update(repr(event).encode())
        return digest.hexdigest()
