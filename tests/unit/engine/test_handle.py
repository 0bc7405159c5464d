"""Handles: one account each, and as many tries as anybody gets."""

import pytest

from engine.handle import (
    ATTEMPTS_WINDOW_MS,
    MOST_ATTEMPTS,
    MOST_MAILS,
    Handle,
    HandleView,
    LeaveHandle,
    LoginWorked,
    TakeHandle,
    TryLogin,
    TryMail,
    apply,
    decide,
)
from engine.kernel import Command, Rejected
from engine.reasons import Reason

START = 1_800_000_000_000


def send(handle: Handle, command: Command, now: int = START) -> str | Rejected:
    outcome = decide(handle, command, now)
    if isinstance(outcome, Rejected):
        return outcome
    for event in outcome.events:
        apply(handle, event)
    assert isinstance(outcome.answer, HandleView)
    return outcome.answer.account_id


def refusal(reply: str | Rejected) -> Reason:
    assert isinstance(reply, Rejected)
    return reply.reason


@pytest.fixture
def handle() -> Handle:
    return Handle("mail_ada")


def test_the_first_account_holds_it_until_it_leaves(handle: Handle) -> None:
    assert send(handle, TakeHandle("acc_1")) == "acc_1"
    assert send(handle, TakeHandle("acc_1")) == "acc_1"
    assert refusal(send(handle, TakeHandle("acc_2"))) is Reason.HANDLE_TAKEN
    assert send(handle, LeaveHandle("acc_2")) == "acc_1"
    assert send(handle, LeaveHandle("acc_1")) == ""
    assert send(handle, TakeHandle("acc_2")) == "acc_2"


@pytest.mark.parametrize("holder", ["acc_1", ""], ids=["held", "held by nobody"])
def test_tries_are_counted_whether_an_account_holds_it_or_not(handle: Handle, holder: str) -> None:
    if holder:
        send(handle, TakeHandle(holder))
    for number in range(MOST_ATTEMPTS):
        assert send(handle, TryLogin(f"try-{number}"), START + number * 1_000) == holder
    refused = send(handle, TryLogin("one-more"), START + 60_000)
    assert refusal(refused) is Reason.TOO_MANY_ATTEMPTS
    assert refused.details == {"retry_after_s": ATTEMPTS_WINDOW_MS // 1_000 - 60}  # type: ignore[union-attr]
    assert send(handle, TryLogin("later"), START + ATTEMPTS_WINDOW_MS) == holder


def test_a_retried_try_counts_once(handle: Handle) -> None:
    for _ in range(MOST_ATTEMPTS * 2):
        assert send(handle, TryLogin("the-same")) == ""
    assert len(handle.logins) == 1


def test_who_has_logged_in_begins_anew(handle: Handle) -> None:
    for number in range(MOST_ATTEMPTS):
        send(handle, TryLogin(f"try-{number}"))
    assert send(handle, LoginWorked("try-9")) == ""
    assert send(handle, TryLogin("next")) == ""
    # An answer that comes late forgets nothing of what came after it.
    send(handle, LoginWorked("try-3"))
    assert len(handle.logins) == 1


def test_mails_are_counted_by_themselves(handle: Handle) -> None:
    for number in range(MOST_MAILS):
        assert send(handle, TryMail(f"mail-{number}")) == ""
    assert refusal(send(handle, TryMail("one-more"))) is Reason.TOO_MANY_ATTEMPTS
    assert send(handle, TryLogin("a-login")) == ""
