"""The contract of outgoing webhooks: endpoints, their secrets, and what became of deliveries."""

from typing import Annotated, Literal, Self

from pydantic import Field

from engine.webhook import DeliveryView, EndpointView, Noted

from ..bounds import MAX_LABEL_LENGTH, MAX_URL_LENGTH
from .common import Input, Output, Timestamp
from .times import InstantText, shown_instant

EventType = Literal[
    "order.confirmed",
    "order.shipped",
    "order.fulfilled",
    "order.cancelled",
    "refund.created",
    "product.updated",
    "stock.low",
    "stock.out",
    "stock.back",
]


class WebhookIn(Input):
    """Where to post which events; an empty list means all of them, those of later versions included."""

    url: Annotated[str, Field(min_length=1, max_length=MAX_URL_LENGTH, examples=["https://example.org/hooks"])]
    events: Annotated[list[EventType], Field(max_length=50, examples=[["order.confirmed"]])] = []
    description: Annotated[str, Field(max_length=MAX_LABEL_LENGTH)] = ""


class RotationIn(Input):
    """How long the old secrets go on signing beside the new one."""

    keep_hours: Annotated[int, Field(ge=0, le=720)] = 24


class ReplayIn(Input):
    """Which deliveries of the endpoint's log to send again."""

    outcome: Annotated[Literal["failed", "all"], Field(description="Those that were given up, or every one.")] = (
        "failed"
    )
    since: InstantText | None = None


class Webhook(Output):
    """An endpoint. `secret` is shown when it is made, and never again."""

    key: str
    version: int
    url: str
    events: list[str]
    description: str
    created_at: Timestamp | None
    disabled: Annotated[str, Field(description="gone (it answered 410) or failing (for days); empty: it is in use.")]
    failing_since: Timestamp | None
    secret: Annotated[str | None, Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])] = None

    @classmethod
    def of(cls, view: EndpointView, secret: str | None = None) -> Self:
        return cls(
            key=view.key,
            version=view.version,
            url=view.url,
            events=list(view.events),
            description=view.description,
            created_at=shown_instant(view.created_at),
            disabled=view.disabled,
            failing_since=shown_instant(view.failing_since),
            secret=secret,
        )


class WebhookPage(Output):
    """Endpoints, newest first."""

    items: list[Webhook]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


class WebhookDeliverySummary(Output):
    """The newest that is known of a delivery."""

    id: str
    event_type: str
    outcome: Annotated[str, Field(description="delivered, retrying or failed.")]
    status: Annotated[int, Field(description="The last HTTP status; 0: none was heard.")]
    at: Timestamp | None

    @classmethod
    def of(cls, message_id: str, noted: Noted) -> Self:
        return cls(
            id=message_id,
            event_type=noted.event_type,
            outcome=noted.outcome,
            status=noted.status,
            at=shown_instant(noted.at),
        )


class WebhookLog(Output):
    """The last deliveries of an endpoint, newest first."""

    items: list[WebhookDeliverySummary]


class WebhookAttempt(Output):
    at: Timestamp | None
    status: int
    took_ms: int
    error: str


class WebhookDelivery(Output):
    """A delivery with its tries: pending, delivered, failed or cancelled."""

    id: str
    status: str
    endpoint: str
    event_type: str
    payload: str
    begun_at: Timestamp | None
    next_at: Timestamp | None
    attempts: list[WebhookAttempt]

    @classmethod
    def of(cls, view: DeliveryView) -> Self:
        return cls(
            id=view.message_id,
            status=view.status,
            endpoint=view.endpoint,
            event_type=view.event_type,
            payload=view.payload,
            begun_at=shown_instant(view.begun_at),
            next_at=shown_instant(view.next_at),
            attempts=[
                WebhookAttempt(at=shown_instant(each.at), status=each.status, took_ms=each.took_ms, error=each.error)
                for each in view.attempts
            ],
        )


class Replayed(Output):
    """How many deliveries are on their way again."""

    deliveries: int


class WebhookEventType(Output):
    type: str
    explanation: str


class WebhookEventTypes(Output):
    items: list[WebhookEventType]
