"""Outgoing webhooks: endpoints, their secrets, test events, the log, and sending again."""

from hashlib import blake2b
from typing import Annotated

import msgspec
from fastapi import Path
from starlette.responses import Response

from engine.kernel import Command, Rejected
from engine.reasons import Reason
from engine.webhook import (
    DELIVERY,
    ENDPOINT,
    Deliver,
    DeliveryView,
    EnableEndpoint,
    EndpointView,
    LookDelivery,
    LookEndpoint,
    PutEndpoint,
    Redeliver,
    RemoveEndpoint,
    RotateSecret,
)
from engine.webhook.signing import secret_of

from ...feed.guard import TargetError, checked_url
from ...feed.public_events import EVENT_TYPES
from ...feed.webhooks import message_id_of, payload_of
from ...shop import Shop
from ..answers import shaped
from ..auth import ADMIN_KEY
from ..bounds import DEFAULT_PAGE, LOCATION_PATTERN, MESSAGE_ID_PATTERN
from ..cursors import Cursor, Limit
from ..openapi import body_problems, header, problems
from ..preconditions import IfMatch, IfNoneMatch, required_version, version_of, version_tag
from ..problems import ProblemError, refused
from ..processes import page_of
from ..routing import MerchantRoute, TheShop, router_of
from ..schemas.times import instant_of
from ..schemas.webhooks import (
    Replayed,
    ReplayIn,
    RotationIn,
    Webhook,
    WebhookDelivery,
    WebhookDeliverySummary,
    WebhookEventType,
    WebhookEventTypes,
    WebhookIn,
    WebhookLog,
    WebhookPage,
)
from ..sending import view_of

HOUR_MS = 3_600_000
SECRET_BYTES = 32

router = router_of(MerchantRoute, "webhooks", "admin", security=ADMIN_KEY)

WebhookPath = Annotated[str, Path(pattern=LOCATION_PATTERN, examples=["erp"])]
DeliveryPath = Annotated[str, Path(pattern=MESSAGE_ID_PATTERN, examples=["msg_6b1f0a5c9d2e4f7081a2b3c4d5e6f708"])]
_TAGGED = {"headers": {"ETag": header("Its version.")}}


@router.get("/v1/admin/webhook-events", response_model=WebhookEventTypes, responses=problems(401, 403))
async def list_webhook_events() -> Response:
    """Every type of event, and what it means."""
    types = [WebhookEventType(type=name, explanation=words) for name, words in EVENT_TYPES.items()]
    return shaped(WebhookEventTypes(items=types))


@router.get("/v1/admin/webhooks", response_model=WebhookPage, responses=problems(401, 403))
async def list_webhooks(shop: TheShop, limit: Limit = DEFAULT_PAGE, cursor: Cursor = "") -> Response:
    """Endpoints, newest first."""
    return page_of(shop, ENDPOINT, WebhookPage, Webhook.of, limit, cursor, "")


@router.get("/v1/admin/webhooks/{key}", response_model=Webhook, responses={200: _TAGGED, **problems(401, 403, 404)})
async def look_webhook(key: WebhookPath, shop: TheShop) -> Response:
    """An endpoint, without its secret."""
    return _shown(await _endpoint(shop, key, LookEndpoint()))


@router.put(
    "/v1/admin/webhooks/{key}",
    response_model=Webhook,
    responses={
        200: _TAGGED,
        201: {"model": Webhook, "description": "Created; the secret is shown once.", **_TAGGED},
        **body_problems(401, 403, 404, 412),
    },
)
async def put_webhook(
    key: WebhookPath,
    webhook: WebhookIn,
    shop: TheShop,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Create an endpoint, or change it; its secret and its log stay."""
    try:
        checked_url(webhook.url, private=shop.settings.webhook_private_addresses)
    except TargetError as error:
        errors = [{"in": "body", "pointer": "#/url", "detail": str(error)}]
        raise ProblemError("invalid-request", f"The URL can't be used: {error}.", {"errors": errors}) from error
    current_version = version_of(view_of, shop, ENDPOINT.name, key, LookEndpoint(), EndpointView)
    version = await required_version(if_match, current_version, if_none_match)
    secret = _new_secret(shop)
    events = tuple(dict.fromkeys(webhook.events))
    view = await _endpoint(shop, key, PutEndpoint(webhook.url, events, webhook.description, secret, version))
    return _shown(view, 201, view.secret) if view.secret else _shown(view)


@router.delete("/v1/admin/webhooks/{key}", status_code=204, responses=problems(401, 403, 404))
async def remove_webhook(key: WebhookPath, shop: TheShop) -> Response:
    """Remove an endpoint; what is on its way there is given up. One that isn't there is away already."""
    await shop.client.send(ENDPOINT.name, key, RemoveEndpoint())
    return Response(status_code=204)


@router.post("/v1/admin/webhooks/{key}/rotate", response_model=Webhook, responses=body_problems(401, 403, 404))
async def rotate_webhook_secret(key: WebhookPath, shop: TheShop, rotation: RotationIn | None = None) -> Response:
    """Sign with a new secret, and for a while with the old ones as well: each post then has several signatures."""
    secret = _new_secret(shop)
    keep_ms = (rotation or RotationIn()).keep_hours * HOUR_MS
    return _shown(await _endpoint(shop, key, RotateSecret(secret, keep_ms)), 200, secret)


@router.post("/v1/admin/webhooks/{key}/enable", response_model=Webhook, responses=problems(401, 403, 404))
async def enable_webhook(key: WebhookPath, shop: TheShop) -> Response:
    """Use an endpoint again that was disabled because it was gone or failing."""
    return _shown(await _endpoint(shop, key, EnableEndpoint()))


@router.post(
    "/v1/admin/webhooks/{key}/test",
    response_model=WebhookDelivery,
    status_code=202,
    responses=problems(401, 403, 404),
)
async def test_webhook(key: WebhookPath, shop: TheShop) -> Response:
    """Send a `webhook.test` event there."""
    await _endpoint(shop, key, LookEndpoint())
    payload = payload_of("webhook.test", shop.now(), {"endpoint": key})
    message_id = message_id_of(f"test:{shop.new_id()}", key)
    return shaped(WebhookDelivery.of(await _delivery(shop, message_id, Deliver(key, "webhook.test", payload))), 202)


@router.get("/v1/admin/webhooks/{key}/deliveries", response_model=WebhookLog, responses=problems(401, 403, 404))
async def list_webhook_deliveries(key: WebhookPath, shop: TheShop) -> Response:
    """The last deliveries to an endpoint, newest first."""
    view = await _endpoint(shop, key, LookEndpoint())
    items = [WebhookDeliverySummary.of(name, noted) for name, noted in reversed(view.noted.items())]
    return shaped(WebhookLog(items=items))


@router.post(
    "/v1/admin/webhooks/{key}/replay",
    response_model=Replayed,
    status_code=202,
    responses=body_problems(401, 403, 404),
)
async def replay_webhook(key: WebhookPath, shop: TheShop, replay: ReplayIn | None = None) -> Response:
    """Send deliveries of the endpoint's log again, with their ids: a receiver can tell those that it knows."""
    replay = replay or ReplayIn()
    since = instant_of(replay.since)
    view = await _endpoint(shop, key, LookEndpoint())
    wanted = [
        name
        for name, noted in view.noted.items()
        if noted.at >= since and (replay.outcome == "all" or noted.outcome == "failed")
    ]
    for message_id in wanted:
        await _delivery(shop, message_id, Redeliver())
    return shaped(Replayed(deliveries=len(wanted)), 202)


@router.get(
    "/v1/admin/webhook-deliveries/{message_id}", response_model=WebhookDelivery, responses=problems(401, 403, 404)
)
async def look_webhook_delivery(message_id: DeliveryPath, shop: TheShop) -> Response:
    """A delivery with its payload and its tries."""
    return shaped(WebhookDelivery.of(await _delivery(shop, message_id, LookDelivery())))


@router.post(
    "/v1/admin/webhook-deliveries/{message_id}/replay",
    response_model=WebhookDelivery,
    status_code=202,
    responses=problems(401, 403, 404),
)
async def replay_webhook_delivery(message_id: DeliveryPath, shop: TheShop) -> Response:
    """Send it again, whatever became of it."""
    return shaped(WebhookDelivery.of(await _delivery(shop, message_id, Redeliver())), 202)


def _new_secret(shop: Shop) -> str:
    """From an unguessable id of 128 bits, spread over the length that the specification wants."""
    return secret_of(blake2b(shop.new_id().encode(), key=shop.secret, digest_size=SECRET_BYTES).digest())


async def _endpoint(shop: Shop, key: str, command: Command) -> EndpointView:
    reply = await shop.client.send(ENDPOINT.name, key, command)
    if isinstance(reply, Rejected):
        raise refused(reply)
    assert isinstance(reply, EndpointView)
    # Whoever changed it finds it in the list at once; other processes hear of it from its host.
    shop.rolls[ENDPOINT].put(key, reply.version, msgspec.structs.replace(reply, secret=""))
    return reply


async def _delivery(shop: Shop, message_id: str, command: Command) -> DeliveryView:
    reply = await shop.client.send(DELIVERY.name, message_id, command)
    if not isinstance(reply, DeliveryView):
        raise ProblemError(Reason.NOT_FOUND)
    return reply


def _shown(view: EndpointView, status: int = 200, secret: str | None = None) -> Response:
    return shaped(Webhook.of(view, secret), status, {"etag": version_tag(view.version)})
