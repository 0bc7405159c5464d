"""An account: sessions that can't be shared, factors that count once, and an erasure that leaves nothing."""

from typing import Any

import msgspec
import pytest

from engine.account import (
    Account,
    AccountView,
    Address,
    CartInUse,
    ChangeEmail,
    ChangePassword,
    ConfirmTotp,
    DisableTotp,
    EnrolTotp,
    Erase,
    LookAccount,
    LookOrders,
    OpenAccount,
    OrderNotes,
    Profile,
    PutAddress,
    Refresh,
    RemoveAddress,
    SecondFactor,
    SessionEnded,
    SessionView,
    SetPreferences,
    SetProfile,
    SetRoles,
    SignIn,
    SignOut,
    UseCart,
)
from engine.account.decisions import MOST_ADDRESSES, RETRY_GRACE_MS, decide
from engine.account.state import MOST_SESSIONS, apply, effects
from engine.handle import LeaveHandle, TakeHandle
from engine.kernel import Command, EffectAnswered, Rejected, Send
from engine.order import Anonymize, NoteOrder
from engine.reasons import Reason
from engine.visitor import ForgetVisitor

from .world import DAY_MS, START, World, named

ADA = OpenAccount("ada@example.org", "mail_ada", "argon2-hash", Profile("Ada", locale="en"))
HOME = Address("Ada Lovelace", "12 St James's Square", "London", "GB")


class Desk:
    """Sends commands to one account; what is recorded survives the journal, and deciding changes nothing."""

    def __init__(self) -> None:
        self.world = World()
        self.key = "acc_ada"

    def send(self, command: Command) -> Any:
        return self.world.send("account", self.key, command)

    def refusal(self, command: Command) -> Reason:
        reply = self.send(command)
        assert isinstance(reply, Rejected), reply
        return reply.reason

    def sign_in(self, session: str, credentials: int = 1, second: SecondFactor | None = None) -> Any:
        return self.send(
            SignIn(session, f"{session}-1", credentials, self.world.now + DAY_MS, "a browser", second=second)
        )

    def settle(self) -> None:
        """Carry out what the account waits for."""
        for effect in list(effects(self.state)):
            assert isinstance(effect, Send)
            self.send(EffectAnswered(effect.id, self.world.send(effect.kind, effect.key, effect.command)))

    @property
    def view(self) -> AccountView:
        found = self.send(LookAccount())
        assert isinstance(found, AccountView)
        return found

    @property
    def state(self) -> Account:
        state = self.world.state("account", self.key)
        assert isinstance(state, Account)
        return state


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    assert isinstance(made.send(ADA), AccountView)
    made.settle()
    return made


def test_an_account_is_opened_once(desk: Desk) -> None:
    before = desk.view
    assert desk.send(ADA) == before
    assert (before.email, before.profile.name, before.credentials) == ("ada@example.org", "Ada", 1)


@pytest.mark.parametrize(
    "command",
    [SignIn("s", "t", 1, START), SetProfile(Profile()), Erase(), LookAccount(), NoteOrder("ord_1", START, True)],
    ids=lambda command: type(command).__name__,
)
def test_an_account_that_was_never_opened_is_not_found(command: Command) -> None:
    assert Desk().refusal(command) is Reason.NOT_FOUND


def test_of_two_accounts_for_one_address_one_is_opened(desk: Desk) -> None:
    other = Desk()
    other.world, other.key = desk.world, "acc_other"
    other.send(ADA)
    assert other.refusal(LookAccount()) is Reason.NOT_FOUND
    other.settle()
    other.settle()
    assert other.refusal(ADA) is Reason.NOT_FOUND
    assert list(effects(other.state)) == []
    assert desk.view.email == "ada@example.org"


def test_a_session_goes_on_by_ever_new_tokens(desk: Desk) -> None:
    begun = desk.sign_in("phone")
    assert begun == SessionView("acc_ada", "phone", (), START + DAY_MS)
    for number in range(1, 5):
        refreshed = desk.send(Refresh("phone", f"phone-{number}", f"phone-{number + 1}"))
        assert isinstance(refreshed, SessionView)
    assert desk.view.sessions["phone"].token == "phone-5"


def test_a_refresh_whose_answer_was_lost_is_repeated(desk: Desk) -> None:
    desk.sign_in("phone")
    first = desk.send(Refresh("phone", "phone-1", "phone-2"))
    desk.world.advance(RETRY_GRACE_MS - 1)
    assert desk.send(Refresh("phone", "phone-1", "phone-2")) == first
    assert isinstance(desk.send(Refresh("phone", "phone-2", "phone-3")), SessionView)


@pytest.mark.parametrize(
    ("token", "next_token", "later_ms"),
    named(
        [
            ("used long ago", "phone-1", "phone-2", RETRY_GRACE_MS),
            ("used, with another successor", "phone-1", "stolen", 0),
            ("made up", "nothing", "stolen", 0),
        ]
    ),
)
def test_a_used_token_ends_its_session_and_no_other(desk: Desk, token: str, next_token: str, later_ms: int) -> None:
    desk.sign_in("phone")
    desk.sign_in("laptop")
    desk.send(Refresh("phone", "phone-1", "phone-2"))
    desk.world.advance(later_ms)
    assert desk.send(Refresh("phone", token, next_token)) == SessionEnded("phone")
    assert desk.refusal(Refresh("phone", "phone-2", "phone-3")) is Reason.LOGIN_REFUSED
    assert isinstance(desk.send(Refresh("laptop", "laptop-1", "laptop-2")), SessionView)


def test_a_session_expires(desk: Desk) -> None:
    desk.sign_in("phone")
    desk.world.advance(DAY_MS)
    assert desk.refusal(Refresh("phone", "phone-1", "phone-2")) is Reason.LOGIN_REFUSED


def test_sessions_are_bounded_and_the_idlest_ends(desk: Desk) -> None:
    for number in range(MOST_SESSIONS + 3):
        desk.world.advance(1)
        desk.sign_in(f"device-{number}")
    assert len(desk.view.sessions) == MOST_SESSIONS
    assert "device-2" not in desk.view.sessions


def test_logging_out_here_or_everywhere(desk: Desk) -> None:
    for device in ("phone", "laptop", "tablet"):
        desk.sign_in(device)
    assert set(desk.send(SignOut("phone")).sessions) == {"laptop", "tablet"}
    assert set(desk.send(SignOut("phone")).sessions) == {"laptop", "tablet"}
    assert desk.send(SignOut()).sessions == {}


def test_a_new_password_ends_all_sessions_but_the_one_that_changed_it(desk: Desk) -> None:
    desk.sign_in("phone")
    desk.sign_in("laptop")
    changed = desk.send(ChangePassword("new-hash", 1, keep_session="laptop"))
    assert (set(changed.sessions), changed.credentials) == ({"laptop"}, 2)
    assert desk.send(ChangePassword("new-hash", 1, keep_session="laptop")) == changed
    # Whoever checked the old password meanwhile comes too late.
    assert desk.refusal(SignIn("late", "t", 1, START + DAY_MS)) is Reason.LOGIN_REFUSED
    assert desk.refusal(ChangePassword("another", 1)) is Reason.LOGIN_REFUSED


def with_totp(desk: Desk, step: int = 100) -> None:
    desk.send(EnrolTotp("sealed"))
    assert desk.send(ConfirmTotp("sealed", step, ("recovery-1", "recovery-2"))).totp == "sealed"


@pytest.mark.parametrize(
    ("second", "reason"),
    named(
        [
            ("no code", None, Reason.SECOND_FACTOR_REQUIRED),
            ("the code of the enrolment", SecondFactor(step=100), Reason.LOGIN_REFUSED),
            ("an older code", SecondFactor(step=99), Reason.LOGIN_REFUSED),
            ("no recovery code of this account", SecondFactor(recovery="recovery-9"), Reason.LOGIN_REFUSED),
        ]
    ),
)
def test_a_second_factor_is_held_to(desk: Desk, second: SecondFactor | None, reason: Reason) -> None:
    with_totp(desk)
    command = SignIn("phone", "phone-1", 1, START + DAY_MS, second=second)
    assert desk.refusal(command) is reason


def test_a_code_counts_once(desk: Desk) -> None:
    with_totp(desk)
    assert isinstance(desk.sign_in("phone", second=SecondFactor(step=101)), SessionView)
    replay = SignIn("laptop", "laptop-1", 1, START + DAY_MS, second=SecondFactor(step=101))
    assert desk.refusal(replay) is Reason.LOGIN_REFUSED


def test_a_recovery_code_counts_once(desk: Desk) -> None:
    with_totp(desk)
    assert isinstance(desk.sign_in("phone", second=SecondFactor(recovery="recovery-1")), SessionView)
    replay = SignIn("laptop", "laptop-1", 1, START + DAY_MS, second=SecondFactor(recovery="recovery-1"))
    assert desk.refusal(replay) is Reason.LOGIN_REFUSED
    assert desk.view.recovery_left == 1


def test_a_second_factor_is_confirmed_and_ended_by_a_code(desk: Desk) -> None:
    desk.send(EnrolTotp("sealed"))
    assert desk.refusal(ConfirmTotp("another", 100, ("recovery-1",))) is Reason.LOGIN_REFUSED
    assert isinstance(desk.sign_in("phone"), SessionView)
    with_totp(desk)
    assert desk.refusal(EnrolTotp("second")) is Reason.SECOND_FACTOR_IN_USE
    assert desk.refusal(DisableTotp(SecondFactor(step=100))) is Reason.LOGIN_REFUSED
    assert desk.send(DisableTotp(SecondFactor(step=101))).totp == ""
    assert isinstance(desk.sign_in("laptop"), SessionView)


def test_what_an_account_keeps_can_be_changed(desk: Desk) -> None:
    assert desk.send(SetProfile(Profile("Countess"))).profile == Profile("Countess")
    assert desk.send(SetPreferences({"newsletter": "no"})).preferences == {"newsletter": "no"}
    assert desk.send(PutAddress("home", HOME)).addresses == {"home": HOME}
    assert desk.send(RemoveAddress("home")).addresses == {}
    desk.sign_in("phone")
    granted = desk.send(SetRoles(("support",)))
    assert (granted.roles, granted.sessions) == (("support",), {})


def test_addresses_are_bounded(desk: Desk) -> None:
    for number in range(MOST_ADDRESSES):
        desk.send(PutAddress(f"address-{number}", HOME))
    assert desk.refusal(PutAddress("one-more", HOME)) is Reason.TOO_MANY


def test_of_two_devices_that_open_a_cart_one_wins(desk: Desk) -> None:
    assert desk.send(UseCart("cart_a")) == CartInUse("cart_a")
    assert desk.send(UseCart("cart_b")) == CartInUse("cart_a")
    assert desk.send(UseCart("cart_b", instead_of="cart_a")) == CartInUse("cart_b")


def test_orders_are_listed_newest_first_in_pages(desk: Desk) -> None:
    for number in range(5):
        desk.send(NoteOrder(f"ord_{number}", START + number, number != 3))
        desk.send(NoteOrder(f"ord_{number}", START + number, number != 3))
    first = desk.send(LookOrders(limit=2))
    assert isinstance(first, OrderNotes)
    assert [note.order_id for note in first.orders] == ["ord_4", "ord_2"]
    rest = desk.send(LookOrders(before="ord_2", limit=9))
    assert [note.order_id for note in rest.orders] == ["ord_1", "ord_0"]


def test_an_erased_account_says_nothing_of_its_owner(desk: Desk) -> None:
    with_totp(desk)
    desk.send(PutAddress("home", HOME))
    desk.send(NoteOrder("ord_1", START, True))
    desk.send(Erase())
    desk.send(NoteOrder("ord_2", START, False))
    wanted = list(effects(desk.state))
    assert wanted == [
        Send("leave:mail_ada", "handle", "mail_ada", LeaveHandle("acc_ada")),
        Send("anonymize:ord_1", "order", "ord_1", Anonymize()),
        Send("anonymize:ord_2", "order", "ord_2", Anonymize()),
        Send("forget-visits", "visitor", "acc_ada", ForgetVisitor(for_good=True)),
    ]
    for effect in wanted:
        desk.send(EffectAnswered(effect.id, None))
    assert list(effects(desk.state)) == []
    left = msgspec.json.encode(desk.state).decode()
    assert not any(secret in left for secret in ("ada@", "Ada", "London", "hash", "sealed", "recovery"))
    assert desk.refusal(LookAccount()) is Reason.NOT_FOUND
    assert desk.refusal(ADA) is Reason.NOT_FOUND


def test_whatever_is_recorded_folds_to_what_was_answered(desk: Desk) -> None:
    desk.sign_in("phone")
    desk.send(Refresh("phone", "phone-1", "phone-2"))
    desk.send(PutAddress("home", HOME))
    desk.world.check_folds()
    copied = msgspec.structs.replace(desk.state)
    outcome = decide(copied, RemoveAddress("home"), START)
    apply(copied, outcome.events[0])  # type: ignore[union-attr]
    assert desk.view.addresses == {"home": HOME}


NEXT = ChangeEmail("ada@lovelace.example", "mail_lovelace", 1)


def test_an_account_moves_to_another_address_and_lets_the_old_one_go(desk: Desk) -> None:
    desk.send(NEXT)
    assert (desk.view.email, desk.world.state("handle", "mail_lovelace").account_id) == (ADA.email, "")
    desk.settle()
    assert (desk.view.email, desk.view.credentials) == (NEXT.email, 2)
    desk.settle()
    assert desk.world.state("handle", "mail_lovelace").account_id == desk.key
    assert desk.world.state("handle", "mail_ada").account_id == ""
    assert not list(effects(desk.state))
    assert desk.send(NEXT) == desk.view, "a retry"


def test_an_address_that_another_account_has_is_not_given(desk: Desk) -> None:
    desk.world.send("handle", NEXT.handle, TakeHandle("acc_bob"))
    desk.send(NEXT)
    desk.settle()
    assert (desk.view.email, desk.view.credentials) == (ADA.email, 1)
    assert not list(effects(desk.state))
    assert desk.world.state("handle", NEXT.handle).account_id == "acc_bob"


def test_an_old_link_changes_no_address(desk: Desk) -> None:
    desk.send(ChangePassword("another-hash", 1))
    assert desk.refusal(NEXT) is Reason.LOGIN_REFUSED


def test_an_address_that_is_being_let_go_is_not_taken_again_meanwhile(desk: Desk) -> None:
    desk.send(NEXT)
    desk.settle()
    assert desk.refusal(ChangeEmail(ADA.email, ADA.handle, 2)) is Reason.LOGIN_REFUSED
    desk.settle()
    desk.send(ChangeEmail(ADA.email, ADA.handle, 2))
    desk.settle()
    assert desk.view.email == ADA.email


def test_an_erasure_in_the_middle_of_a_change_frees_both_addresses(desk: Desk) -> None:
    desk.send(NEXT)
    desk.send(Erase())
    for _ in range(2):
        desk.settle()
    assert not list(effects(desk.state))
    for handle in (ADA.handle, NEXT.handle):
        assert desk.world.state("handle", handle).account_id == ""
