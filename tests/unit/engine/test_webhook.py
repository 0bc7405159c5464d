"""Deliveries and endpoints: tried for days, signed with every valid secret, disabled when it is time."""

from base64 import b64encode
from collections.abc import Iterable

from standardwebhooks import Webhook

from engine.kernel import EffectAnswered, Rejected, Request, Send
from engine.kinds import KINDS
from engine.reasons import Reason
from engine.webhook import (
    Deliver,
    DeliveryView,
    EnableEndpoint,
    EndpointView,
    LookDelivery,
    LookEndpoint,
    PostWebhook,
    PutEndpoint,
    Redeliver,
    RemoveEndpoint,
    RotateSecret,
    WebhookAnswered,
)
from engine.webhook.delivery import ATTEMPTS_KEPT, PAUSES_S
from engine.webhook.endpoint import FAILING_FOR_MS, NOTED_KEPT
from engine.webhook.signing import is_secret, secret_of, signatures

from .world import DAY_MS, World

FIRST, SECOND = secret_of(bytes(range(24))), secret_of(bytes(range(32)))
ENDPOINT, DELIVERY = ("webhook-endpoint", "erp"), ("webhook-delivery", "msg_1")


class Receiver:
    """Answers posts with these statuses, the last for ever."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.posts: list[PostWebhook] = []

    def __call__(self, post: PostWebhook) -> WebhookAnswered:
        self.posts.append(post)
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return WebhookAnswered(status, busy=status < 0)


def world() -> World:
    world = World()
    world.send(*ENDPOINT, PutEndpoint("https://example.org/hooks", secret=FIRST))
    return world


def carry_on(world: World, receiver: Receiver, keys: Iterable[str] = ("msg_1",)) -> None:
    for key in keys:
        wanted = KINDS["webhook-delivery"].effects
        assert wanted is not None
        while found := list(wanted(world.state("webhook-delivery", key))):
            (effect,) = found
            if isinstance(effect, Send):
                reply = world.send(effect.kind, effect.key, effect.command)
            else:
                assert isinstance(effect, Request)
                assert isinstance(effect.call, PostWebhook)
                reply = receiver(effect.call)
            for _ in range(2):
                # An answer may come twice.
                world.send("webhook-delivery", key, EffectAnswered(effect.id, reply))
    world.check_folds()


def delivery(world: World) -> DeliveryView:
    view = world.send(*DELIVERY, LookDelivery())
    assert isinstance(view, DeliveryView)
    return view


def endpoint(world: World) -> EndpointView:
    view = world.send(*ENDPOINT, LookEndpoint())
    assert isinstance(view, EndpointView)
    return view


def test_a_delivery_that_is_taken_is_over() -> None:
    shop, receiver = world(), Receiver(204)
    for _ in range(2):
        shop.send(*DELIVERY, Deliver("erp", "order.confirmed", "{}"))
        carry_on(shop, receiver)
    assert (delivery(shop).status, len(receiver.posts), delivery(shop).next_at) == ("delivered", 1, 0)
    assert [(noted.outcome, noted.status) for noted in endpoint(shop).noted.values()] == [("delivered", 204)]


def test_a_delivery_is_tried_for_days_with_growing_pauses_and_one_id() -> None:
    shop, receiver = world(), Receiver(500)
    shop.send(*DELIVERY, Deliver("erp", "order.confirmed", "{}"))
    begun_at = shop.now
    carry_on(shop, receiver)
    pauses = []
    while (next_at := delivery(shop).next_at) != 0:
        pauses.append((next_at - shop.now) // 1_000)
        shop.advance(next_at - shop.now)
        carry_on(shop, receiver)
    assert tuple(pauses) == PAUSES_S
    assert (delivery(shop).status, len(receiver.posts)) == ("failed", len(PAUSES_S) + 1)
    assert 3 * DAY_MS < shop.now - begun_at < 4 * DAY_MS
    assert {post.message_id for post in receiver.posts} == {"msg_1"}
    assert len({post.timestamp_s for post in receiver.posts}) == len(receiver.posts)


def test_a_busy_endpoint_is_asked_again_soon_and_loses_no_try() -> None:
    shop, receiver = world(), Receiver(-1, -1, 200)
    shop.send(*DELIVERY, Deliver("erp", "order.confirmed", "{}"))
    for _ in range(3):
        carry_on(shop, receiver)
        shop.advance(5_000)
    assert (delivery(shop).status, len(delivery(shop).attempts)) == ("delivered", 1)


def test_an_endpoint_that_is_gone_is_disabled_at_once() -> None:
    shop, receiver = world(), Receiver(410)
    shop.send(*DELIVERY, Deliver("erp", "order.confirmed", "{}"))
    carry_on(shop, receiver)
    assert (delivery(shop).status, endpoint(shop).disabled) == ("failed", "gone")
    shop.send("webhook-delivery", "msg_2", Deliver("erp", "order.confirmed", "{}"))
    carry_on(shop, receiver, ["msg_2"])
    assert (shop.state("webhook-delivery", "msg_2").status, len(receiver.posts)) == ("cancelled", 1)
    shop.send(*ENDPOINT, EnableEndpoint())
    receiver.statuses = [200]
    shop.send("webhook-delivery", "msg_2", Redeliver())
    carry_on(shop, receiver, ["msg_2"])
    assert shop.state("webhook-delivery", "msg_2").status == "delivered"


def test_an_endpoint_that_fails_for_days_is_disabled_and_one_success_forgives() -> None:
    shop = world()
    for day, status in enumerate((500, 500, 200, 500, 500, 500, 500, 500, 500)):
        assert not endpoint(shop).disabled
        shop.send("webhook-delivery", f"msg_{day}", Deliver("erp", "order.confirmed", "{}"))
        carry_on(shop, Receiver(status), [f"msg_{day}"])
        shop.now += DAY_MS
    assert endpoint(shop).disabled == "failing"
    assert FAILING_FOR_MS == 5 * DAY_MS


def test_while_a_secret_is_rotated_both_sign() -> None:
    shop, receiver = world(), Receiver(200)
    shop.send(*ENDPOINT, RotateSecret(SECOND, DAY_MS))
    for key, secrets in (("msg_1", (FIRST, SECOND)), ("msg_2", (SECOND,))):
        shop.send("webhook-delivery", key, Deliver("erp", "order.confirmed", '{"a":1}'))
        carry_on(shop, receiver, [key])
        post = receiver.posts[-1]
        assert len(post.signatures.split()) == len(secrets)
        for secret in secrets:
            expected = signatures([secret], post.message_id, post.timestamp_s, post.payload)
            assert expected in post.signatures
        shop.now += 2 * DAY_MS


def test_a_signature_is_what_the_specifications_own_library_makes() -> None:
    from datetime import UTC, datetime

    at = datetime.now(UTC)
    ours = signatures([FIRST], "msg_1", int(at.timestamp()), '{"a":1}')
    assert ours == Webhook(FIRST).sign("msg_1", at, '{"a":1}')
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": ours}
    assert Webhook(FIRST).verify('{"a":1}', headers) == {"a": 1}


def test_secrets_are_long_enough() -> None:
    short = "whsec_" + b64encode(b"x" * 23).decode()
    assert [is_secret(secret) for secret in (FIRST, SECOND, short, "whsec_?", "", FIRST[6:])] == [True, True] + [
        False
    ] * 4


def test_a_removed_endpoint_gets_nothing_and_may_be_made_again() -> None:
    shop, receiver = world(), Receiver(500)
    shop.send(*DELIVERY, Deliver("erp", "order.confirmed", "{}"))
    carry_on(shop, receiver)
    shop.send(*ENDPOINT, RemoveEndpoint())
    shop.advance(5_000)
    carry_on(shop, receiver)
    assert (delivery(shop).status, len(receiver.posts)) == ("cancelled", 1)
    reply = shop.send(*ENDPOINT, LookEndpoint())
    assert isinstance(reply, Rejected)
    assert reply.reason is Reason.NOT_FOUND
    made = shop.send(*ENDPOINT, PutEndpoint("https://example.org/new", secret=SECOND))
    assert isinstance(made, EndpointView)
    assert (made.secret, endpoint(shop).secret) == (SECOND, ""), "it is told once"
    assert shop.state(*ENDPOINT).secrets == [(SECOND, 0)]


def test_what_is_kept_is_bounded() -> None:
    shop = world()
    for number in range(NOTED_KEPT + 5):
        shop.send("webhook-delivery", f"msg_{number}", Deliver("erp", "order.confirmed", "{}"))
        carry_on_quickly(shop, f"msg_{number}")
    assert len(endpoint(shop).noted) == NOTED_KEPT
    for _ in range(ATTEMPTS_KEPT + 5):
        shop.send("webhook-delivery", "msg_0", Redeliver())
        carry_on_quickly(shop, "msg_0")
    assert len(delivery_of(shop, "msg_0").attempts) == ATTEMPTS_KEPT


def carry_on_quickly(world: World, key: str) -> None:
    receiver, wanted = Receiver(200), KINDS["webhook-delivery"].effects
    assert wanted is not None
    while found := list(wanted(world.state("webhook-delivery", key))):
        effect = found[0]
        reply = receiver(effect.call) if isinstance(effect, Request) else world.send(*_parts(effect))  # type: ignore[arg-type]
        world.send("webhook-delivery", key, EffectAnswered(effect.id, reply))


def _parts(effect: Send) -> tuple[str, str, object]:
    return effect.kind, effect.key, effect.command


def delivery_of(world: World, key: str) -> DeliveryView:
    view = world.send("webhook-delivery", key, LookDelivery())
    assert isinstance(view, DeliveryView)
    return view
