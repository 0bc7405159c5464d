"""Recommendations through HTTP, in process: who may ask, what is shown and why, and that it never fails."""

from collections.abc import Iterator
from typing import Any

import pytest

from engine.impressions import Impression
from serve.api.answers import HttpAnswer
from serve.cache.cache import Cache
from serve.front import Front
from serve.ingress import Door, FrontFirst
from serve.recommendations.port import Variant
from tests.wire import Wire

from ..shopfront import Shopfront, kind_of
from ..visitor import Visitor
from .models import SKUS, PairModels

RECOMMENDATIONS = "/v1/recommendations"
RULES = "/v1/admin/recommendations/rules"
DAY_MS = 86_400_000


def stocked(models: PairModels | None, *, front: bool = True, deadline_s: float = 10.0) -> Shopfront:
    shop = Shopfront(models=models, front=front, model_deadline_s=deadline_s)
    for sku in SKUS:
        topic = "outdoors" if sku in SKUS[4:] else "home"
        shop.sell(sku, categories=[topic], vendor=f"{topic} & sons")
    shop.run(shop.recommendations.asking.refresh())
    shop.run(shop.recommendations.popular.refresh())
    return shop


@pytest.fixture
def models() -> PairModels:
    return PairModels()


@pytest.fixture
def shop(models: PairModels) -> Iterator[Shopfront]:
    with stocked(models) as shop:
        yield shop


def skus(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["sku"] for item in answer.json()["items"]]


def views(shop: Shopfront, visitor: str, sku: str, **fields: Any) -> None:
    event = {"id": f"{visitor}-{sku}-{shop.clock()}", "type": "view", "sku": sku, **fields}
    shop.clock.advance(1_000)
    assert shop.post("/v1/events", json={"anonymous_id": visitor, "events": [event]}).status_code == 202


def test_the_click_before_counts(shop: Shopfront) -> None:
    asked = f"{RECOMMENDATIONS}?anonymous_id=browser-1&limit=3"
    views(shop, "browser-1", "RETRO-CLOCK")
    first = shop.get(asked)
    assert skus(first) == ["RETRO-CLOCK", "BRASS-LAMP", "OAK-TABLE"]
    assert first.json()["fallback"] is None
    reason = {"type": "viewed", "sku": "RETRO-CLOCK", "text": "Because you viewed Retro-Clock"}
    assert first.json()["items"][1]["reason"] == reason
    views(shop, "browser-1", "TRAIL-SHOE")
    assert skus(shop.get(asked)) == ["TRAIL-SHOE", "WOOL-SOCK", "RAIN-COAT"]


def test_only_what_was_done_in_the_session_counts_where_one_is_named(shop: Shopfront) -> None:
    views(shop, "browser-1", "RETRO-CLOCK", session_id="visit-000001")
    views(shop, "browser-1", "TRAIL-SHOE", session_id="visit-000002")
    asked = f"{RECOMMENDATIONS}?anonymous_id=browser-1&session=visit-000001&limit=2"
    assert skus(shop.get(asked)) == ["RETRO-CLOCK", "BRASS-LAMP"]
    assert skus(shop.get(f"{RECOMMENDATIONS}?session=browser-1&limit=1")) == ["TRAIL-SHOE"]


def test_who_objects_to_being_known_is_nobody(shop: Shopfront, models: PairModels) -> None:
    views(shop, "browser-1", "RETRO-CLOCK")
    shop.get(f"{RECOMMENDATIONS}?anonymous_id=browser-1", headers={"DNT": "1"})
    assert models.asked[-1][2][0].session == ()


def test_beside_a_product_stands_what_is_similar_and_in_a_cart_what_completes_it(shop: Shopfront) -> None:
    beside = shop.get(f"{RECOMMENDATIONS}?placement=product&sku=RETRO-CLOCK&limit=2")
    assert skus(beside) == ["BRASS-LAMP", "OAK-TABLE"]
    assert beside.json()["items"][0]["reason"]["type"] == "similar"
    cart = shop.cart_with(("TRAIL-SHOE", 1), ("WOOL-SOCK", 2)).removeprefix("/v1/carts/")
    completing = shop.get(f"{RECOMMENDATIONS}?placement=cart&cart={cart}&limit=2")
    assert skus(completing) == ["RAIN-COAT", "CANVAS-PACK"]
    text = "Goes with Trail-Shoe in your cart"
    assert completing.json()["items"][0]["reason"] == {"type": "in_cart", "sku": "TRAIL-SHOE", "text": text}


def test_what_is_sold_out_hidden_or_not_sold_in_the_currency_is_not_shown(shop: Shopfront) -> None:
    asked = f"{RECOMMENDATIONS}?placement=product&sku=RETRO-CLOCK&limit=3"
    assert shop.buy(("BRASS-LAMP", 10)).status_code == 201
    assert shop.delete("/v1/products/OAK-TABLE", admin=True).status_code == 204
    found = skus(shop.get(asked))
    assert found[0] == "VELVET-SOFA"
    assert not {"BRASS-LAMP", "OAK-TABLE", "RETRO-CLOCK"} & set(found)
    assert skus(shop.get(f"{asked}&currency=JPY")) == []


def test_what_was_just_bought_is_not_shown_unless_people_buy_it_again_and_again(shop: Shopfront) -> None:
    ada = Visitor(shop).registered()
    order = {"lines": [{"sku": "TRAIL-SHOE", "quantity": 1}], "email": "ada@example.org"}
    order["payment"] = {"method": "sandbox", "token": "tok_ok"}
    assert ada.post("/v1/orders", json=order, headers={"Idempotency-Key": "k"}).status_code == 201
    bought = ada.get(f"{RECOMMENDATIONS}?limit=2")
    assert skus(bought) == ["WOOL-SOCK", "RAIN-COAT"]
    assert bought.json()["items"][0]["reason"]["type"] == "bought"
    shop.recommendations.popular.repeated = frozenset({"TRAIL-SHOE"})
    assert skus(ada.get(f"{RECOMMENDATIONS}?limit=2")) == ["TRAIL-SHOE", "WOOL-SOCK"]
    shop.recommendations.popular.repeated = frozenset()
    shop.clock.advance(100 * DAY_MS)
    ada.log_in()
    assert skus(ada.get(f"{RECOMMENDATIONS}?limit=2")) == ["TRAIL-SHOE", "WOOL-SOCK"]


def test_a_customers_recommendations_are_for_the_customer_and_the_staff(shop: Shopfront) -> None:
    asked = f"{RECOMMENDATIONS}?customer=acc_ada"
    assert shop.get(asked).status_code == 401
    assert shop.get(asked, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert kind_of(shop.get(asked, headers=shop.token("acc_bob"))) == "forbidden"
    assert shop.get(asked, headers=shop.token("m-1", "support", kind="machine")).status_code == 403
    assert shop.get(asked, headers=shop.token("acc_ada")).status_code == 200
    assert shop.get(asked, headers=shop.token("m-1", "merchant", kind="machine")).status_code == 200
    assert shop.get(asked, admin=True).status_code == 200


def test_a_customers_cart_is_completed_for_its_owner_alone(shop: Shopfront) -> None:
    ada, bob = Visitor(shop).registered(), Visitor(shop, "bob@example.org").registered()
    asked = f"{RECOMMENDATIONS}?placement=cart&cart={ada.get('/v1/me/cart').json()['id']}"
    assert shop.get(asked).status_code == 401
    assert bob.get(asked).status_code == 404
    assert ada.get(asked).status_code == 200
    assert shop.get(f"{RECOMMENDATIONS}?cart=cart_nobody-has-it").status_code == 404


BAD = """
    placement=moon, limit=0, limit=51, limit=many, sku=no%20sku, anonymous_id=short, session=%00%00%00%00%00%00%00%00,
    customer=ada, cart=basket, market=Upper, currency=usd, unknown=1
"""


def test_bad_input_is_told(shop: Shopfront) -> None:
    for query in BAD.replace("\n", " ").split(","):
        answer = shop.get(f"{RECOMMENDATIONS}?{query.strip()}")
        assert (answer.status_code, kind_of(answer)) == (422, "invalid-request"), query


def test_both_ways_answer_the_same() -> None:
    answers = []
    for front in (True, False):
        with stocked(PairModels(), front=front) as shop:
            views(shop, "browser-1", "RETRO-CLOCK")
            answer = shop.get(f"{RECOMMENDATIONS}?anonymous_id=browser-1&limit=4&placement=home&market=berlin")
            headers = {name: value for name, value in answer.headers.items() if name not in ("x-request-id",)}
            answers.append((answer.status_code, headers, answer.json()))
    for _, _, body in answers:
        body.pop("recommendation_id")
    assert answers[0] == answers[1]


def test_without_a_model_the_newest_is_shown_and_the_reason_told() -> None:
    with stocked(None) as shop:
        answer = shop.get(f"{RECOMMENDATIONS}?limit=2")
        assert len(skus(answer)) == 2
        told = answer.json()
        assert (told["model"], told["fallback"]) == ("newest", "missing")
        assert told["items"][0]["reason"] == {"type": "popular", "sku": None, "text": "Popular now"}
        assert 'doorbuster_recommendations_total{outcome="missing"} 1.0' in shop.get("/metrics", admin=True).text


def test_a_model_that_breaks_or_hangs_is_covered_by_what_is_popular(models: PairModels) -> None:
    asked = f"{RECOMMENDATIONS}?anonymous_id=browser-1&limit=3"
    with stocked(models, deadline_s=0.05) as shop:
        models.broken.add(Variant.CHAMPION)
        answer = shop.get(asked)
        assert (len(skus(answer)), answer.json()["fallback"]) == (3, "broken")
        models.broken.clear()
        models.hanging.add(Variant.CHAMPION)
        answer = shop.get(asked)
        assert (len(skus(answer)), answer.json()["fallback"]) == (3, "slow")
        assert 'doorbuster_recommendations_total{outcome="slow"} 1.0' in shop.get("/metrics", admin=True).text


def test_the_merchants_rules_count_at_once(shop: Shopfront) -> None:
    asked = f"{RECOMMENDATIONS}?placement=product&sku=RETRO-CLOCK&limit=3"
    assert shop.get(RULES, admin=True).json() == {"placements": {}, "version": 0}
    rules = {"pin": ["CANVAS-PACK", "NO-SUCH-THING"], "bury": {"skus": ["BRASS-LAMP"]}}
    put = shop.put(RULES, json={"placements": {"product": rules}}, admin=True)
    assert (put.status_code, put.headers["etag"]) == (200, '"1"')
    answer = shop.get(asked)
    assert skus(answer) == ["CANVAS-PACK", "OAK-TABLE", "VELVET-SOFA"]
    assert answer.json()["items"][0]["reason"]["type"] == "featured"
    assert shop.get(RULES, admin=True).json()["placements"]["product"]["pin"] == rules["pin"]
    none = {"exclude": {"categories": ["outdoors"], "vendors": ["home & sons"]}}
    shop.put(RULES, json={"placements": {"everywhere": none}}, admin=True, headers={"If-Match": '"1"'})
    assert skus(shop.get(asked)) == []
    few = {"most_of_a_category": 1}
    shop.put(RULES, json={"placements": {"everywhere": few}}, admin=True)
    found = skus(shop.get(asked))
    assert found[0] == "BRASS-LAMP"
    assert found[1] in SKUS[4:]
    assert len(found) == 2
    assert shop.put(RULES, json={"placements": {}}, admin=True, headers={"If-Match": '"1"'}).status_code == 412
    wrong = {"placements": {"home": {"pin": ["not a sku"]}}}
    assert shop.put(RULES, json=wrong, admin=True).status_code == 422


def test_a_market_with_a_model_of_its_own_is_answered_by_it() -> None:
    models = PairModels(markets=("", "berlin"))
    with stocked(models) as shop:
        for market in ("berlin", "paris"):
            shop.get(f"{RECOMMENDATIONS}?sku=RETRO-CLOCK&market={market}")
    assert [market for _, market, _ in models.asked] == ["berlin", ""]


class Ledger:
    def __init__(self) -> None:
        self.kept: list[Impression] = []

    async def record(self, _batch_id: str, impressions: Any) -> bool:
        self.kept += impressions
        return True


def test_what_was_shown_is_remembered_by_the_lists_id(shop: Shopfront) -> None:
    views(shop, "browser-1", "RETRO-CLOCK")
    ledger = Ledger()
    shop.recommendations.impressions._ledger = ledger
    answer = shop.get(f"{RECOMMENDATIONS}?anonymous_id=browser-1&limit=2").json()
    shop.get(f"{RECOMMENDATIONS}?anonymous_id=browser-1", headers={"Sec-GPC": "1"})
    shop.run(shop.recommendations.impressions.tell())
    shown, unlinked = ledger.kept
    assert shown == Impression(
        answer["recommendation_id"],
        shop.clock(),
        "champion",
        "pairs",
        "1",
        "home",
        "browser-1",
        ("RETRO-CLOCK", "BRASS-LAMP"),
        1.0,
    )
    assert unlinked.visitor == ""
    click = {"id": "c-1", "type": "click", "sku": "BRASS-LAMP", "recommendation_id": answer["recommendation_id"]}
    assert shop.post("/v1/events", json={"anonymous_id": "browser-1", "events": [click]}).status_code == 202


def test_nobody_in_particular_gets_the_list_of_the_moment_each_under_an_id_of_its_own(models: PairModels) -> None:
    with stocked(models) as shop:
        kept = Cache(HttpAnswer, 1_000_000, shop.clock)
        shop._wire = Wire(FrontFirst(shop.app, Door(Front(shop.shop, kept=kept))), in_one_piece=True)
        asked = f"{RECOMMENDATIONS}?placement=product&sku=RETRO-CLOCK&limit=2"
        answers = [shop.get(asked) for _ in range(3)]
        assert len(models.asked) == 1
        assert len({answer.json()["recommendation_id"] for answer in answers}) == 3
        assert {tuple(skus(answer)) for answer in answers} == {("BRASS-LAMP", "OAK-TABLE")}
        assert len(shop.recommendations.impressions._buffer) == 3
        shop.clock.advance(1_000)
        shop.get(asked)
        assert len(models.asked) == 2
