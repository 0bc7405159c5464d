"""An endpoint: where a merchant wants which events, the secrets that sign them, and how it has fared lately.

Secrets stay here: a delivery asks for a signature. An endpoint that is gone (410), or has failed for days, is disabled
here, so no two deliveries can disagree about it.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ..foreseen import accepted_with_view
from ..kernel import Accepted, Answer, Command, Event, Instant, Kind, Outcome, Rejected, invalid
from ..reasons import Reason
from .signing import is_secret, signatures

DAY_MS = 86_400_000
FAILING_FOR_MS = 5 * DAY_MS
"""After so long without one success an endpoint is disabled."""
LONGEST_ROTATION_MS = 30 * DAY_MS
MOST_SECRETS = 5
MOST_EVENTS = 50
NOTED_KEPT = 200
"""Deliveries that an endpoint remembers: its log."""
LONGEST_URL = 2_048
LONGEST_TEXT = 255
GONE = 410


class PutEndpoint(Command, frozen=True):
    """Create the endpoint, or replace what it says; `secret` counts only when it is created. No events: all."""

    url: str
    events: tuple[str, ...] = ()
    description: str = ""
    secret: str = ""
    if_version: int | None = None


class RemoveEndpoint(Command, frozen=True):
    """The endpoint is no more; what is under way to it is given up."""


class RotateSecret(Command, frozen=True):
    """Sign with a new secret, and for `keep_ms` with the old ones as well."""

    secret: str
    keep_ms: int


class EnableEndpoint(Command, frozen=True):
    """Try it again."""


class LookEndpoint(Command, frozen=True):
    """Read the endpoint."""


class SignDelivery(Command, frozen=True):
    """Where to post this message, and how it is signed."""

    message_id: str
    timestamp_s: int
    payload: str


class NoteAttempt(Command, frozen=True):
    """What came of an attempt; `step` counts those of a delivery."""

    message_id: str
    step: int
    event_type: str
    outcome: str
    """`delivered`, `retrying` or `failed`."""
    status: int
    at: Instant


class EndpointPut(Event, frozen=True):
    url: str
    events: tuple[str, ...]
    description: str
    at: Instant
    secret: str = ""


class EndpointRemoved(Event, frozen=True):
    at: Instant


class EndpointSecretRotated(Event, frozen=True):
    secret: str
    old_until: Instant


class EndpointEnabled(Event, frozen=True):
    at: Instant


class EndpointDisabled(Event, frozen=True):
    reason: str
    at: Instant


class EndpointAttemptNoted(Event, frozen=True):
    message_id: str
    step: int
    event_type: str
    outcome: str
    status: int
    at: Instant


class EndpointSigned(Answer, frozen=True):
    url: str
    signatures: str


class AttemptKnown(Answer, frozen=True):
    """The endpoint has noted it."""


class Noted(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The newest that is known of a delivery."""

    step: int
    event_type: str
    outcome: str
    status: int
    at: Instant


class EndpointView(Answer, frozen=True):
    """The endpoint now. `noted` is its log by message id, oldest first. Whoever creates it hears its `secret`, once."""

    key: str
    version: int
    url: str
    events: tuple[str, ...]
    description: str
    created_at: Instant
    disabled: str
    failing_since: Instant
    removed: bool
    secret: str = ""
    noted: dict[str, Noted] = {}

    def wants(self, event_type: str) -> bool:
        """Whether events of this type go there now."""
        if self.removed or self.disabled:
            return False
        return not self.events or event_type in self.events


class Endpoint(msgspec.Struct, array_like=True, gc=False):
    """The state of an endpoint."""

    key: str
    version: int = 0
    url: str = ""
    events: tuple[str, ...] = ()
    description: str = ""
    created_at: Instant = 0
    removed: bool = False
    disabled: str = ""
    """Why nothing is sent there; empty: it is."""
    failing_since: Instant = 0
    secrets: list[tuple[str, Instant]] = []
    """Each with the instant that it ends at (0: none)."""
    noted: dict[str, Noted] = {}

    @property
    def exists(self) -> bool:
        return bool(self.url) and not self.removed


def _put(endpoint: Endpoint, command: PutEndpoint, now: Instant) -> Outcome:
    if not 0 < len(command.url) <= LONGEST_URL:
        return invalid("url", f"have 1 to {LONGEST_URL} characters")
    if len(command.events) > MOST_EVENTS or any(len(each) > LONGEST_TEXT for each in command.events):
        return invalid("events", f"be at most {MOST_EVENTS}")
    if len(command.description) > LONGEST_TEXT:
        return invalid("description", f"have at most {LONGEST_TEXT} characters")
    if not endpoint.exists and not is_secret(command.secret):
        return invalid("secret", "be a whsec_ secret of 24 to 64 bytes")
    version = endpoint.version if endpoint.exists else 0
    same = (endpoint.url, endpoint.events, endpoint.description) == (command.url, command.events, command.description)
    if endpoint.exists and same:
        return Accepted((), view(endpoint))
    if command.if_version not in (None, version):
        return Rejected(Reason.VERSION_CONFLICT, {"version": version})
    secret = "" if endpoint.exists else command.secret
    put = _accepted(endpoint, EndpointPut(command.url, command.events, command.description, now, secret))
    assert isinstance(put.answer, EndpointView)
    return Accepted(put.events, msgspec.structs.replace(put.answer, secret=secret))


def _remove(endpoint: Endpoint, _command: RemoveEndpoint, now: Instant) -> Outcome:
    if not endpoint.url:
        return Rejected(Reason.NOT_FOUND)
    return Accepted((), view(endpoint)) if endpoint.removed else _accepted(endpoint, EndpointRemoved(now))


def _rotate(endpoint: Endpoint, command: RotateSecret, now: Instant) -> Outcome:
    if not is_secret(command.secret):
        return invalid("secret", "be a whsec_ secret of 24 to 64 bytes")
    if not 0 <= command.keep_ms <= LONGEST_ROTATION_MS:
        return invalid("keep_ms", f"be 0 to {LONGEST_ROTATION_MS}")
    if not endpoint.exists:
        return Rejected(Reason.NOT_FOUND)
    if any(secret == command.secret for secret, _ in endpoint.secrets):
        return Accepted((), view(endpoint))
    return _accepted(endpoint, EndpointSecretRotated(command.secret, now + command.keep_ms))


def _enable(endpoint: Endpoint, _command: EnableEndpoint, now: Instant) -> Outcome:
    if not endpoint.exists:
        return Rejected(Reason.NOT_FOUND)
    return _accepted(endpoint, EndpointEnabled(now)) if endpoint.disabled else Accepted((), view(endpoint))


def _look(endpoint: Endpoint, _command: LookEndpoint, _now: Instant) -> Outcome:
    return Accepted((), view(endpoint)) if endpoint.exists else Rejected(Reason.NOT_FOUND)


def _sign(endpoint: Endpoint, command: SignDelivery, now: Instant) -> Outcome:
    if not endpoint.exists or endpoint.disabled:
        return Rejected(Reason.ENDPOINT_DISABLED)
    valid = [secret for secret, until in endpoint.secrets if not until or until > now]
    signed = signatures(valid, command.message_id, command.timestamp_s, command.payload)
    return Accepted((), EndpointSigned(endpoint.url, signed))


def _note(endpoint: Endpoint, command: NoteAttempt, now: Instant) -> Outcome:
    known = endpoint.noted.get(command.message_id)
    if not endpoint.exists or (known is not None and known.step >= command.step):
        return Accepted((), AttemptKnown())
    noted = EndpointAttemptNoted(
        command.message_id, command.step, command.event_type, command.outcome, command.status, command.at
    )
    if endpoint.disabled or command.outcome == "delivered":
        return Accepted((noted,), AttemptKnown())
    reason = ""
    if command.status == GONE:
        reason = "gone"
    elif endpoint.failing_since and now - endpoint.failing_since >= FAILING_FOR_MS:
        reason = "failing"
    return Accepted((noted, EndpointDisabled(reason, now)) if reason else (noted,), AttemptKnown())


def _accepted(endpoint: Endpoint, event: Event) -> Accepted:
    return accepted_with_view(endpoint, event, apply, view)


def view(endpoint: Endpoint) -> EndpointView:
    """The endpoint as the shop's other processes see it: without its secrets."""
    return EndpointView(
        endpoint.key,
        endpoint.version,
        endpoint.url,
        endpoint.events,
        endpoint.description,
        endpoint.created_at,
        endpoint.disabled,
        endpoint.failing_since,
        endpoint.removed,
        noted=dict(endpoint.noted),
    )


def _apply_put(endpoint: Endpoint, event: EndpointPut) -> None:
    if event.secret:
        endpoint.secrets, endpoint.created_at, endpoint.removed = [(event.secret, 0)], event.at, False
        endpoint.disabled, endpoint.failing_since = "", 0
    endpoint.url, endpoint.events, endpoint.description = event.url, event.events, event.description


def _apply_removed(endpoint: Endpoint, _event: EndpointRemoved) -> None:
    endpoint.removed, endpoint.secrets = True, []


def _apply_rotated(endpoint: Endpoint, event: EndpointSecretRotated) -> None:
    old = [(secret, min(until or event.old_until, event.old_until)) for secret, until in endpoint.secrets]
    endpoint.secrets = [*old, (event.secret, 0)][-MOST_SECRETS:]


def _apply_enabled(endpoint: Endpoint, _event: EndpointEnabled) -> None:
    endpoint.disabled, endpoint.failing_since = "", 0


def _apply_disabled(endpoint: Endpoint, event: EndpointDisabled) -> None:
    endpoint.disabled = event.reason


def _apply_noted(endpoint: Endpoint, event: EndpointAttemptNoted) -> None:
    if event.outcome == "delivered":
        endpoint.failing_since = 0
    elif not endpoint.failing_since:
        endpoint.failing_since = event.at
    # The newest word of a delivery stands last: what is forgotten is what was quiet for longest.
    endpoint.noted.pop(event.message_id, None)
    endpoint.noted[event.message_id] = Noted(event.step, event.event_type, event.outcome, event.status, event.at)
    if len(endpoint.noted) > NOTED_KEPT:
        del endpoint.noted[next(iter(endpoint.noted))]


_DECISIONS: dict[type[Command], Callable[[Endpoint, Any, Instant], Outcome]] = {
    PutEndpoint: _put,
    RemoveEndpoint: _remove,
    RotateSecret: _rotate,
    EnableEndpoint: _enable,
    LookEndpoint: _look,
    SignDelivery: _sign,
    NoteAttempt: _note,
}

_CHANGES: dict[type[Event], Callable[[Endpoint, Any], None]] = {
    EndpointPut: _apply_put,
    EndpointRemoved: _apply_removed,
    EndpointSecretRotated: _apply_rotated,
    EndpointEnabled: _apply_enabled,
    EndpointDisabled: _apply_disabled,
    EndpointAttemptNoted: _apply_noted,
}


def decide(endpoint: Endpoint, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](endpoint, command, now)


def apply(endpoint: Endpoint, event: Event) -> None:
    """Change the endpoint as the event tells."""
    endpoint.version += 1
    _CHANGES[type(event)](endpoint, event)


ENDPOINT = Kind(
    name="webhook-endpoint",
    new=Endpoint,
    decide=decide,
    apply=apply,
    commands=PutEndpoint | RemoveEndpoint | RotateSecret | EnableEndpoint | LookEndpoint | SignDelivery | NoteAttempt,
    events=EndpointPut
    | EndpointRemoved
    | EndpointSecretRotated
    | EndpointEnabled
    | EndpointDisabled
    | EndpointAttemptNoted,
    answers=EndpointView | EndpointSigned | AttemptKnown,
    state=Endpoint,
    view=view,
    listed=True,
)
