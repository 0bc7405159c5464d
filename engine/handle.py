"""What an account is found by: an e-mail address, or somebody's identity at another provider. One account holds it.

Its key is a keyed digest, so neither the journal nor this entity tells whose it is. Whoever tries to log in with it is
counted here, whether an account holds it or not: the two can't be told apart by how soon they are refused.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Message, Outcome, Rejected, invalid
from .reasons import Reason

MOST_ATTEMPTS = 10
"""Logins tried in a window before the next is refused."""
ATTEMPTS_WINDOW_MS = 15 * 60_000
MOST_MAILS = 5
"""Mails sent to an address in a window because somebody asked for them."""
MAILS_WINDOW_MS = 60 * 60_000
LONGEST_ID = 64
"""Characters of an attempt's or an account's id."""


class TakeHandle(Command, frozen=True):
    """The account wants to hold it: the first one does, every other is refused."""

    account_id: str


class LeaveHandle(Command, frozen=True):
    """The account holds it no more."""

    account_id: str


class TryLogin(Command, frozen=True):
    """Somebody tries to log in: counted before the password is looked at, so that many at once count as many."""

    attempt_id: str


class LoginWorked(Command, frozen=True):
    """The attempt was the holder's own: the ones before it count no more."""

    attempt_id: str


class TryMail(Command, frozen=True):
    """Somebody asks for a mail to the address."""

    attempt_id: str


class LookHandle(Command, frozen=True):
    """Read who holds it."""


class Attempt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    id: str
    at: Instant


class HandleTaken(Event, frozen=True):
    account_id: str


class HandleLeft(Event, frozen=True):
    account_id: str


class LoginTried(Event, frozen=True):
    attempt: Attempt


class LoginsForgotten(Event, frozen=True):
    """The holder has logged in."""


class MailTried(Event, frozen=True):
    attempt: Attempt


class HandleView(Answer, frozen=True):
    """The account that holds it; empty if none does."""

    account_id: str


class Handle(msgspec.Struct, array_like=True, gc=False):
    """The state of a handle; attempts are those of the window, oldest first."""

    key: str
    account_id: str = ""
    logins: list[Attempt] = []
    mails: list[Attempt] = []


def _take(handle: Handle, command: TakeHandle, _now: Instant) -> Outcome:
    if not 0 < len(command.account_id) <= LONGEST_ID:
        return invalid("account_id", f"have 1 to {LONGEST_ID} characters")
    if handle.account_id == command.account_id:
        return Accepted((), view(handle))
    if handle.account_id:
        return Rejected(Reason.HANDLE_TAKEN)
    return Accepted((HandleTaken(command.account_id),), HandleView(command.account_id))


def _leave(handle: Handle, command: LeaveHandle, _now: Instant) -> Outcome:
    if handle.account_id != command.account_id:
        return Accepted((), view(handle))
    return Accepted((HandleLeft(command.account_id),), HandleView(""))


def _try_login(handle: Handle, command: TryLogin, now: Instant) -> Outcome:
    if not 0 < len(command.attempt_id) <= LONGEST_ID:
        return invalid("attempt_id", f"have 1 to {LONGEST_ID} characters")
    if any(attempt.id == command.attempt_id for attempt in handle.logins):
        return Accepted((), view(handle))
    if refusal := _too_many(handle.logins, now, MOST_ATTEMPTS, ATTEMPTS_WINDOW_MS):
        return refusal
    return Accepted((LoginTried(Attempt(command.attempt_id, now)),), view(handle))


def _login_worked(handle: Handle, command: LoginWorked, _now: Instant) -> Outcome:
    if not any(attempt.id == command.attempt_id for attempt in handle.logins):
        return Accepted((), view(handle))
    return Accepted((LoginsForgotten(),), view(handle))


def _try_mail(handle: Handle, command: TryMail, now: Instant) -> Outcome:
    if not 0 < len(command.attempt_id) <= LONGEST_ID:
        return invalid("attempt_id", f"have 1 to {LONGEST_ID} characters")
    if any(attempt.id == command.attempt_id for attempt in handle.mails):
        return Accepted((), view(handle))
    if refusal := _too_many(handle.mails, now, MOST_MAILS, MAILS_WINDOW_MS):
        return refusal
    return Accepted((MailTried(Attempt(command.attempt_id, now)),), view(handle))


def _look(handle: Handle, _command: LookHandle, _now: Instant) -> Outcome:
    return Accepted((), view(handle))


def _too_many(attempts: list[Attempt], now: Instant, most: int, window_ms: int) -> Rejected | None:
    recent = [attempt.at for attempt in attempts if now - attempt.at < window_ms]
    if len(recent) < most:
        return None
    retry_after_s = -(-(recent[-most] + window_ms - now) // 1_000)
    return Rejected(Reason.TOO_MANY_ATTEMPTS, {"retry_after_s": max(1, retry_after_s)})


_DECISIONS: dict[type[Command], Callable[[Handle, Any, Instant], Outcome]] = {
    TakeHandle: _take,
    LeaveHandle: _leave,
    TryLogin: _try_login,
    LoginWorked: _login_worked,
    TryMail: _try_mail,
    LookHandle: _look,
}


def decide(handle: Handle, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](handle, command, now)


def _apply_taken(handle: Handle, event: HandleTaken) -> None:
    handle.account_id = event.account_id


def _apply_left(handle: Handle, _event: HandleLeft) -> None:
    handle.account_id = ""


def _apply_login_tried(handle: Handle, event: LoginTried) -> None:
    handle.logins = [*handle.logins, event.attempt][-MOST_ATTEMPTS:]


def _apply_logins_forgotten(handle: Handle, _event: LoginsForgotten) -> None:
    handle.logins = []


def _apply_mail_tried(handle: Handle, event: MailTried) -> None:
    handle.mails = [*handle.mails, event.attempt][-MOST_MAILS:]


_CHANGES: dict[type[Message], Callable[[Handle, Any], None]] = {
    HandleTaken: _apply_taken,
    HandleLeft: _apply_left,
    LoginTried: _apply_login_tried,
    LoginsForgotten: _apply_logins_forgotten,
    MailTried: _apply_mail_tried,
}


def apply(handle: Handle, event: Event) -> None:
    """Change the handle as the event tells."""
    _CHANGES[type(event)](handle, event)


def view(handle: Handle) -> HandleView:
    """The handle as the world sees it."""
    return HandleView(handle.account_id)


HANDLE = Kind(
    name="handle",
    new=Handle,
    decide=decide,
    apply=apply,
    commands=TakeHandle | LeaveHandle | TryLogin | LoginWorked | TryMail | LookHandle,
    events=HandleTaken | HandleLeft | LoginTried | LoginsForgotten | MailTried,
    answers=HandleView,
    state=Handle,
)
