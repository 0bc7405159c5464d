"""What everything that a checkout reserves promises: each kind inherits these tests and says how to fill it."""

from abc import ABC, abstractmethod
from typing import Any

import msgspec

from engine.kernel import Accepted, Command, Kind, Rejected, ReminderDue, Reply
from engine.reasons import Reason
from engine.reservation import DAY_MS, LONGEST_HOLD_MS, Commit, Done, Held, Release, Reserve, Return

NOW = 1_800_000_000_000
HOLD_MS = 60_000
UNTIL = NOW + HOLD_MS
FILLING = 5


class ParticipantSuite(ABC):
    """Inherit it, and give it a kind, an entity that has `FILLING` to reserve, and the eye that counts what is left."""

    kind: Kind
    refusal: Reason
    """Why more than there is can't be reserved."""

    @abstractmethod
    def filled(self) -> Any:
        """The state of an entity with `FILLING` free."""

    @abstractmethod
    def free(self, state: Any) -> int:
        """What can still be reserved."""

    def setup_method(self) -> None:
        self.state = self.filled()
        self.now = NOW

    def send(self, command: Command) -> Reply:
        """Decide and apply, with what is recorded read back from bytes."""
        before = msgspec.msgpack.encode(self.state)
        outcome = self.kind.decide(self.state, command, self.now)
        assert msgspec.msgpack.encode(self.state) == before, "deciding never changes the state"
        if isinstance(outcome, Rejected):
            return outcome
        assert isinstance(outcome, Accepted)
        events = msgspec.msgpack.decode(msgspec.msgpack.encode(outcome.events), type=list[self.kind.events])
        for event in events:
            self.kind.apply(self.state, event)
        self.state = msgspec.msgpack.decode(msgspec.msgpack.encode(self.state), type=self.kind.state)
        return outcome.answer

    def reserve(self, name: str = "ord-1:0", quantity: int = 1, until: int = UNTIL) -> Reply:
        return self.send(Reserve(name, quantity, until, "ann"))

    def remind(self, at: int) -> None:
        """Wake the entity as often as it wants to be until `at`."""
        assert self.kind.remind_at is not None
        self.now = at
        for _ in range(100):
            due = self.kind.remind_at(self.state)
            if due is None or due > at:
                return
            self.send(ReminderDue())
        raise AssertionError("the reminder fires for ever")

    def refused(self, reply: Reply) -> Reason | None:
        return reply.reason if isinstance(reply, Rejected) else None

    # -- what is promised

    def test_reservations_are_numbered_from_one(self) -> None:
        assert (self.reserve("ord-1:0"), self.reserve("ord-2:0")) == (Held(1, UNTIL), Held(2, UNTIL))
        assert self.free(self.state) == FILLING - 2

    def test_a_retried_reservation_gets_its_first_answer(self) -> None:
        assert self.reserve() == self.reserve() == Held(1, UNTIL)
        assert self.free(self.state) == FILLING - 1

    def test_a_reservation_that_comes_again_after_its_commit_holds_nothing_more(self) -> None:
        self.reserve()
        self.send(Commit("ord-1:0", 1, UNTIL))
        assert self.reserve() == Held(1, UNTIL)
        assert self.free(self.state) == FILLING - 1

    def test_more_than_there_is_is_refused_and_holds_nothing(self) -> None:
        self.reserve(quantity=FILLING)
        assert self.refused(self.reserve("ord-2:0")) is self.refusal
        assert self.free(self.state) == 0

    def test_a_commit_may_be_repeated(self) -> None:
        self.reserve()
        assert self.send(Commit("ord-1:0", 1, UNTIL)) == self.send(Commit("ord-1:0", 1, UNTIL)) == Done()
        self.now += DAY_MS
        assert self.send(Commit("ord-1:0", 1, UNTIL)) == Done()
        assert self.free(self.state) == FILLING - 1

    def test_a_release_gives_back_once(self) -> None:
        self.reserve()
        assert self.send(Release("ord-1:0")) == self.send(Release("ord-1:0")) == Done()
        assert self.free(self.state) == FILLING
        assert self.refused(self.reserve()) is Reason.RESERVATION_ENDED

    def test_a_release_before_its_reservation_keeps_it_from_beginning(self) -> None:
        assert self.send(Release("ord-1:0")) == Done()
        assert self.refused(self.reserve()) is Reason.RESERVATION_ENDED
        assert self.free(self.state) == FILLING

    def test_a_late_release_undoes_no_commit(self) -> None:
        self.reserve()
        self.send(Commit("ord-1:0", 1, UNTIL))
        assert self.send(Release("ord-1:0")) == Done()
        assert self.free(self.state) == FILLING - 1

    def test_what_is_not_committed_in_time_expires(self) -> None:
        self.reserve()
        self.remind(UNTIL)
        assert self.free(self.state) == FILLING
        assert self.refused(self.send(Commit("ord-1:0", 1, UNTIL))) is Reason.RESERVATION_ENDED
        assert self.refused(self.reserve()) is Reason.RESERVATION_ENDED

    def test_only_what_is_due_expires(self) -> None:
        self.reserve("ord-1:0", 1, UNTIL)
        self.reserve("ord-2:0", 2, UNTIL + HOLD_MS)
        self.remind(UNTIL)
        assert self.free(self.state) == FILLING - 2
        self.remind(UNTIL + HOLD_MS)
        assert self.free(self.state) == FILLING

    def test_a_commit_past_the_expiry_finds_what_nobody_has_ended(self) -> None:
        self.reserve()
        self.now = UNTIL + 1
        assert self.send(Commit("ord-1:0", 1, UNTIL)) == Done()
        self.remind(UNTIL + HOLD_MS)
        assert self.free(self.state) == FILLING - 1

    def test_what_was_sold_comes_back_once(self) -> None:
        self.reserve(quantity=2)
        self.send(Commit("ord-1:0", 1, UNTIL))
        assert self.send(Return("ord-1:0", 2, "ann")) == self.send(Return("ord-1:0", 2, "ann")) == Done()
        self.reserve(quantity=2)
        assert self.free(self.state) == FILLING, "a reservation that comes again begins nothing"

    def test_what_is_only_held_does_not_come_back(self) -> None:
        self.reserve()
        assert self.refused(self.send(Return("ord-1:0", 1, "ann"))) is Reason.RESERVATION_UNKNOWN

    def test_a_commit_of_what_was_never_held_is_refused(self) -> None:
        assert self.refused(self.send(Commit("ord-1:0", 1, UNTIL))) is Reason.RESERVATION_UNKNOWN

    def test_a_reservation_in_the_past_or_far_ahead_is_refused(self) -> None:
        assert self.refused(self.reserve(until=NOW)) is Reason.RESERVATION_ENDED
        assert self.refused(self.reserve("ord-2:0", until=NOW + LONGEST_HOLD_MS + 1)) is Reason.INVALID_COMMAND

    def test_commands_that_no_state_could_accept_are_refused_as_such(self) -> None:
        for command in (
            Reserve("", 1, UNTIL),
            Reserve("ord-1:0", 0, UNTIL),
            Release(""),
            Return("", 1),
            Return("ord-1:0", 0),
        ):
            assert self.refused(self.send(command)) is Reason.INVALID_COMMAND
