"""What a purchase costs and why, as tables; and what is true of every quote, by properties."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cart import Line
from engine.money import Money
from engine.pricing import (
    Benefit,
    Context,
    Discount,
    Goods,
    Promotion,
    Quote,
    QuotedLine,
    QuotedShipping,
    ShippingMethod,
    ShippingTier,
    Tax,
    TaxRate,
    TaxRules,
    UnusedCoupon,
    adds_up,
    quote,
)
from engine.pricing.allocation import allocate, half_up

from .world import named

NOW = 1_800_000_000_000


def goods(sku: str, price: int, quantity: int = 1, **other: Any) -> Goods:
    return Goods(sku, quantity, Money(price, "USD"), **other)


CLOCK = goods("RETRO-CLOCK", 2_000, 2, categories=("clocks", "home"))
LAMP = goods("LAVA-LAMP", 4_500, categories=("lamps", "home"), tax_class="luxury")
SOCKS = goods("SOCKS", 333, 3)
BOTH = {"RETRO-CLOCK": 400, "LAVA-LAMP": 450}


def percent(bp: int, **other: Any) -> Promotion:
    return Promotion("Some percent off", Benefit.PERCENTAGE, percent_bp=bp, **other)


def off(amount: int, **other: Any) -> Promotion:
    return Promotion("Some money off", Benefit.AMOUNT, amount=amount, currency="USD", **other)


def buy(x: int, y: int, **other: Any) -> Promotion:
    return Promotion("Buy and get", Benefit.BUY_X_GET_Y, buy=x, get=y, percent_bp=10_000, **other)


def at_least(amount: int) -> Promotion:
    return percent(1_000, min_amount=amount, currency="USD")


LAMP_BRINGS_CLOCK = buy(1, 1, products=("LAVA-LAMP",), get_products=("RETRO-CLOCK",))
HALF_OFF_THE_THIRD = Promotion("Half off", Benefit.BUY_X_GET_Y, buy=2, get=1, percent_bp=5_000)


def quoted(*lines: Goods, promotions: dict[str, Promotion] | None = None, **other: Any) -> Quote:
    context = Context(
        "USD", NOW, **{name: other.pop(name) for name in ("coupons", "groups", "region") if name in other}
    )
    found = quote(lines, promotions or {}, context, **other)
    assert found is not None
    return found


def taken_off(found: Quote) -> dict[str, int]:
    return {line.sku: sum(each.amount for each in line.discounts) for line in found.lines if line.discounts}


def test_without_anything_a_quote_is_what_the_lines_cost() -> None:
    found = quoted(CLOCK, LAMP)
    assert found == Quote(
        "USD",
        (QuotedLine("RETRO-CLOCK", 2, 2_000, 4_000), QuotedLine("LAVA-LAMP", 1, 4_500, 4_500)),
        8_500,
        at=NOW,
    )
    assert (found.goods_price, found.discount, found.tax) == (8_500, 0, 0)


def test_a_discount_says_which_promotion_it_is_and_why() -> None:
    found = quoted(CLOCK, promotions={"spring": percent(1_000)})
    assert found.lines[0].discounts == (Discount("spring", "Some percent off", 400),)
    assert found.total == 3_600


TABLE = [
    ("percent of everything", [CLOCK, LAMP], {"a": percent(1_000)}, BOTH),
    ("percent of a product", [CLOCK, LAMP], {"a": percent(1_000, products=("LAVA-LAMP",))}, {"LAVA-LAMP": 450}),
    ("percent of a category", [CLOCK, SOCKS], {"a": percent(1_000, categories=("home",))}, {"RETRO-CLOCK": 400}),
    ("an amount is shared by price", [CLOCK, LAMP], {"a": off(850)}, BOTH),
    ("an amount is shared whole", [CLOCK, SOCKS], {"a": off(100)}, {"RETRO-CLOCK": 80, "SOCKS": 20}),
    ("an amount off each", [CLOCK, LAMP], {"a": off(500, each=True)}, {"RETRO-CLOCK": 1_000, "LAVA-LAMP": 500}),
    ("never below nothing", [CLOCK], {"a": off(9_000), "b": off(1)}, {"RETRO-CLOCK": 4_000}),
    ("the threshold is reached", [CLOCK], {"a": at_least(4_000)}, {"RETRO-CLOCK": 400}),
    ("the threshold isn't reached", [CLOCK], {"a": at_least(4_001)}, {}),
    ("enough units", [CLOCK], {"a": percent(1_000, min_quantity=2)}, {"RETRO-CLOCK": 400}),
    ("too few units", [CLOCK], {"a": percent(1_000, min_quantity=3)}, {}),
    ("thresholds count what it is about", [CLOCK, LAMP], {"a": percent(1, min_quantity=2, categories=("lamps",))}, {}),
    ("not begun", [CLOCK], {"a": percent(1_000, starts_at=NOW + 1)}, {}),
    ("just begun", [CLOCK], {"a": percent(1_000, starts_at=NOW)}, {"RETRO-CLOCK": 400}),
    ("just ended", [CLOCK], {"a": percent(1_000, ends_at=NOW)}, {}),
    ("switched off", [CLOCK], {"a": percent(1_000, enabled=False)}, {}),
    ("another currency", [CLOCK], {"a": Promotion("x", Benefit.AMOUNT, amount=5, currency="EUR")}, {}),
    ("for another group", [CLOCK], {"a": percent(1_000, groups=("staff",))}, {}),
    ("needs a code", [CLOCK], {"a": percent(1_000, needs_coupon=True)}, {}),
    ("on what is left", [CLOCK], {"a": percent(5_000), "b": percent(5_000)}, {"RETRO-CLOCK": 3_000}),
    ("one of a class", [CLOCK], {"a": percent(1_000, stacking="x"), "b": off(9, stacking="x")}, {"RETRO-CLOCK": 400}),
    ("two classes", [CLOCK], {"a": off(7, stacking="x"), "b": off(9, stacking="y")}, {"RETRO-CLOCK": 16}),
    ("priority", [CLOCK], {"a": off(7, stacking="x"), "b": off(9, stacking="x", priority=1)}, {"RETRO-CLOCK": 9}),
    ("exclusive comes first", [CLOCK], {"a": off(7), "b": off(9, exclusive=True, priority=1)}, {"RETRO-CLOCK": 9}),
    ("exclusive comes too late", [CLOCK], {"a": off(7), "b": off(9, exclusive=True)}, {"RETRO-CLOCK": 7}),
    ("buy 2 get 1 of 3", [SOCKS], {"a": buy(2, 1)}, {"SOCKS": 333}),
    ("buy 2 get 1 of 2", [CLOCK], {"a": buy(2, 1)}, {}),
    ("the cheapest are got", [SOCKS, CLOCK, LAMP], {"a": buy(2, 1)}, {"SOCKS": 666}),
    ("so many times at most", [SOCKS, CLOCK, LAMP], {"a": buy(2, 1, most_times=1)}, {"SOCKS": 333}),
    ("buy these, get those", [CLOCK, LAMP], {"a": LAMP_BRINGS_CLOCK}, {"RETRO-CLOCK": 2_000}),
    ("half off what is got", [SOCKS], {"a": HALF_OFF_THE_THIRD}, {"SOCKS": 167}),
]


@pytest.mark.parametrize(("lines", "promotions", "expected"), named(TABLE))
def test_what_promotions_take_off(
    lines: list[Goods], promotions: dict[str, Promotion], expected: dict[str, int]
) -> None:
    found = quoted(*lines, promotions=promotions)
    assert taken_off(found) == expected
    assert found.total == found.goods_price - found.discount


def test_a_code_brings_its_promotion_and_is_used_up() -> None:
    found = quoted(CLOCK, promotions={"summer": percent(1_000, needs_coupon=True)}, coupons={"SUMMER10": "summer"})
    assert found.lines[0].discounts == (Discount("summer", "Some percent off", 400, "SUMMER10"),)
    assert found.coupons == ("SUMMER10",)


CODES = [
    ("excluded", {"best": off(9, exclusive=True, priority=1), "summer": percent(1_000, needs_coupon=True)}, "excluded"),
    ("nothing to take off", {"summer": percent(1_000, needs_coupon=True, products=("SOFA",))}, "not-applicable"),
    ("over", {"summer": percent(1_000, needs_coupon=True, ends_at=1)}, "not-applicable"),
    ("without a promotion", {}, "not-applicable"),
]


@pytest.mark.parametrize(("promotions", "why"), named(CODES))
def test_a_code_that_takes_nothing_off_is_not_used_up(promotions: dict[str, Promotion], why: str) -> None:
    found = quoted(CLOCK, promotions=promotions, coupons={"SUMMER10": "summer"})
    assert (found.coupons, found.unused) == ((), (UnusedCoupon("SUMMER10", why),))


def test_of_two_codes_of_one_promotion_one_is_used() -> None:
    codes = {"A": "summer", "B": "summer"}
    found = quoted(CLOCK, promotions={"summer": percent(1_000, needs_coupon=True)}, coupons=codes)
    assert (found.coupons, found.unused) == (("A",), (UnusedCoupon("B", "excluded"),))


def test_a_group_gets_what_is_for_it() -> None:
    assert quoted(CLOCK, promotions={"a": percent(1_000, groups=("staff",))}, groups=("staff",)).total == 3_600


# -- shipping

POST = ShippingMethod("Post", "USD", (ShippingTier(0, 500), ShippingTier(5_000, 900)), regions=("us",), free_from=9_000)
PARCEL = ShippingMethod("Parcel", "USD", (ShippingTier(100, 300),), by_weight=True, most_weight_g=1_000)

SHIPPING = [
    ("first tier", POST, [CLOCK], "us-ny", 500),
    ("second tier", POST, [CLOCK, LAMP], "us", 900),
    ("free from", POST, [goods("SOFA", 9_000)], "us", 0),
    ("another region", POST, [CLOCK], "usx", None),
    ("too light", PARCEL, [goods("PIN", 1, weight_g=99)], "", None),
    ("by weight", PARCEL, [goods("PIN", 1, 2, weight_g=99)], "", 300),
    ("too heavy", PARCEL, [goods("PIN", 1, weight_g=1_001)], "", None),
]


@pytest.mark.parametrize(("method", "lines", "region", "price"), named(SHIPPING))
def test_what_shipping_costs(method: ShippingMethod, lines: list[Goods], region: str, price: int | None) -> None:
    found = quote(lines, {}, Context("USD", NOW, region), method_id="post", method=method)
    if price is None:
        assert found is None
    else:
        assert found is not None
        assert found.shipping == QuotedShipping("post", method.title, price, price)
        assert found.total == found.goods_price + price


def test_free_shipping_is_a_discount_of_the_shipping() -> None:
    free = Promotion("On us", Benefit.FREE_SHIPPING, percent_bp=10_000, amount=400, currency="USD")
    found = quoted(CLOCK, promotions={"free": free}, region="us", method_id="post", method=POST)
    assert found.shipping == QuotedShipping("post", "Post", 500, 100, (Discount("free", "On us", 400),))
    assert found.total == 4_100


# -- tax

NEW_YORK = TaxRules("us-ny", False, (TaxRate("", "State", 40_000), TaxRate("", "City", 45_000)))
GERMANY = TaxRules("de", True, (TaxRate("", "MwSt", 190_000), TaxRate("books", "MwSt", 70_000)))


def test_taxes_are_added_to_what_is_left_rounded_by_line() -> None:
    found = quoted(SOCKS, promotions={"a": off(100)}, tax=NEW_YORK)
    # 899 x 4 % = 35.96, 899 x 4.5 % = 40.455
    assert found.lines[0].taxes == (Tax("State", 40_000, 899, 36), Tax("City", 45_000, 899, 40))
    assert (found.total, found.tax) == (975, 76)


def test_included_taxes_are_shown_and_change_nothing() -> None:
    found = quoted(CLOCK, tax=GERMANY)
    assert found.lines[0].taxes == (Tax("MwSt", 190_000, 3_361, 639, included=True),)
    assert found.total == 4_000


def test_a_class_has_its_own_rate_and_all_others_that_of_the_default() -> None:
    found = quoted(goods("NOVEL", 1_070, tax_class="books"), goods("PEN", 1_190, tax_class="luxury"), tax=GERMANY)
    assert [line.taxes[0].amount for line in found.lines] == [70, 190]


def test_shipping_is_taxed_too() -> None:
    method = ShippingMethod("Post", "USD", (ShippingTier(0, 500),))
    found = quoted(CLOCK, tax=NEW_YORK, method_id="post", method=method)
    assert found.shipping is not None
    assert [tax.amount for tax in found.shipping.taxes] == [20, 23]
    assert found.total == 4_000 + 160 + 180 + 500 + 43


# -- what is true of every quote

amounts = st.integers(min_value=0, max_value=100_000)
some_goods = st.lists(
    st.builds(
        Goods,
        sku=st.sampled_from([f"SKU-{number}" for number in range(6)]),
        quantity=st.integers(min_value=1, max_value=7),
        price=st.builds(Money, amounts, st.just("USD")),
        categories=st.sampled_from([(), ("home",), ("home", "lamps")]),
        tax_class=st.sampled_from(["", "books"]),
        weight_g=st.integers(min_value=0, max_value=2_000),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda one: one.sku,
)
some_promotions = st.dictionaries(
    st.sampled_from("abcdef"),
    st.builds(
        Promotion,
        title=st.just("why"),
        benefit=st.sampled_from(list(Benefit)),
        percent_bp=st.integers(min_value=1, max_value=10_000),
        amount=st.integers(min_value=1, max_value=50_000),
        currency=st.just("USD"),
        each=st.booleans(),
        buy=st.integers(min_value=1, max_value=3),
        get=st.integers(min_value=1, max_value=2),
        most_times=st.integers(min_value=0, max_value=2),
        categories=st.sampled_from([(), ("home",)]),
        get_products=st.sampled_from([(), ("SKU-1",)]),
        min_amount=st.sampled_from([0, 1_000]),
        needs_coupon=st.booleans(),
        stacking=st.sampled_from(["", "x"]),
        exclusive=st.booleans(),
        priority=st.integers(min_value=0, max_value=3),
    ),
    max_size=5,
)
some_tax = st.sampled_from([None, NEW_YORK, GERMANY])
ALL_CODES = {letter.upper(): letter for letter in "abcdef"}
METHOD = ShippingMethod("Post", "USD", (ShippingTier(0, 500), ShippingTier(10_000, 0)))


def quote_of(lines: list[Goods], promotions: dict[str, Promotion], tax: TaxRules | None) -> Quote:
    found = quote(lines, promotions, Context("USD", NOW, coupons=ALL_CODES), tax, "post", METHOD)
    assert found is not None
    return found


@settings(max_examples=30)
@given(some_goods, some_promotions, some_tax)
def test_the_parts_of_a_quote_are_its_total_and_none_is_below_zero(
    lines: list[Goods], promotions: dict[str, Promotion], tax: TaxRules | None
) -> None:
    found = quote_of(lines, promotions, tax)
    assert adds_up(found, [Line(one.sku, one.quantity, one.price) for one in lines])
    assert found.shipping is not None
    parts = (*found.lines, found.shipping)
    assert all(part.total >= 0 and all(each.amount > 0 for each in part.discounts) for part in parts)
    assert found.total == sum(part.total for part in parts)
    assert len(found.coupons) + len(found.unused) == len(ALL_CODES)


@settings(max_examples=30)
@given(some_goods, some_promotions, some_tax, st.randoms(use_true_random=False))
def test_the_order_of_lines_and_promotions_changes_nothing(
    lines: list[Goods], promotions: dict[str, Promotion], tax: TaxRules | None, random: Any
) -> None:
    shuffled, others = list(lines), list(promotions.items())
    random.shuffle(shuffled)
    random.shuffle(others)
    one, other = quote_of(lines, promotions, tax), quote_of(shuffled, dict(others), tax)
    assert sorted(one.lines, key=lambda line: line.sku) == sorted(other.lines, key=lambda line: line.sku)
    assert (one.total, one.shipping, one.coupons) == (other.total, other.shipping, other.coupons)


@given(amounts, st.dictionaries(st.text("clok-", max_size=3), amounts, max_size=8))
def test_shares_add_up_and_none_is_larger_than_its_weight(amount: int, weights: dict[str, int]) -> None:
    amount = min(amount, sum(weights.values()))
    shares = allocate(amount, weights)
    assert sum(shares.values()) == amount
    assert all(0 <= share <= weights[name] for name, share in shares.items())


def test_halves_are_rounded_up() -> None:
    assert [half_up(number, 10) for number in (4, 5, 14, 15, 16)] == [0, 1, 1, 2, 2]


def test_a_quote_of_other_lines_does_not_add_up() -> None:
    found = quoted(CLOCK)
    clock = Line("RETRO-CLOCK", 2, Money(2_000, "USD"))
    assert adds_up(found, [clock])
    assert not adds_up(found, [Line("RETRO-CLOCK", 3, Money(2_000, "USD"))])
    assert not adds_up(found, [clock, clock])
    cheaper = Quote("USD", (QuotedLine("RETRO-CLOCK", 2, 2_000, 3_999),), 3_999)
    assert not adds_up(cheaper, [clock])
