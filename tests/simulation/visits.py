"""The books of visitors: which events were recorded of each, and what came to a customer from browsers."""

from dataclasses import dataclass, field

from engine.kernel import Event
from engine.visitor import BehaviourHandedOver, BehaviourRecorded, BehaviourTakenIn

from .books import Broken


@dataclass
class VisitBook:
    """One visitor's events by id. None may be recorded twice, or come here twice from the same browser."""

    recorded: set[str] = field(default_factory=set)
    handed_over: set[str] = field(default_factory=set)
    taken_in: set[str] = field(default_factory=set)

    def fold(self, event: Event, _at: float) -> None:
        match event:
            case BehaviourRecorded(events=events):
                for behaved in events:
                    if behaved.id in self.recorded:
                        raise Broken(f"{behaved.id} is recorded twice")
                    self.recorded.add(behaved.id)
            case BehaviourHandedOver():
                self.handed_over = set(self.recorded)
            case BehaviourTakenIn(recent=events):
                for behaved in events:
                    if behaved.id in self.taken_in:
                        raise Broken(f"{behaved.id} comes twice")
                    self.taken_in.add(behaved.id)
