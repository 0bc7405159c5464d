"""The demo catalogue: made up from a seed, so that it is the same on every machine and in every test."""

import random
from collections.abc import Iterator
from typing import Any, NamedTuple

SEED = 20_261_122
CURRENCY = "USD"
HERO = "RETRO-CLOCK"
"""The first product: the one that examples buy."""
HERO_QUANTITY = 1_000


class Family(NamedTuple):
    """Things of one sort: where they stand in the shop and what they cost, in cents."""

    noun: str
    category: tuple[str, ...]
    low: int
    high: int


FAMILIES = (
    Family("Alarm Clock", ("Home", "Clocks"), 1_900, 8_900),
    Family("Wall Clock", ("Home", "Clocks"), 2_900, 14_900),
    Family("Desk Lamp", ("Home", "Lighting"), 2_500, 19_900),
    Family("Lantern", ("Outdoor", "Lighting"), 1_500, 7_900),
    Family("Teapot", ("Kitchen", "Tea"), 1_800, 12_900),
    Family("Mug", ("Kitchen", "Cups"), 700, 2_900),
    Family("Kettle", ("Kitchen", "Tea"), 3_500, 15_900),
    Family("Frying Pan", ("Kitchen", "Cookware"), 2_400, 13_900),
    Family("Backpack", ("Outdoor", "Bags"), 3_900, 21_900),
    Family("Tent", ("Outdoor", "Camping"), 8_900, 59_900),
    Family("Sleeping Bag", ("Outdoor", "Camping"), 4_900, 29_900),
    Family("Headphones", ("Electronics", "Audio"), 2_900, 39_900),
    Family("Speaker", ("Electronics", "Audio"), 2_500, 49_900),
    Family("Turntable", ("Electronics", "Audio"), 12_900, 89_900),
    Family("Keyboard", ("Electronics", "Computing"), 3_900, 24_900),
    Family("Camera", ("Electronics", "Photo"), 9_900, 129_900),
    Family("Chess Set", ("Toys", "Games"), 1_900, 18_900),
    Family("Kite", ("Toys", "Outdoor Play"), 1_200, 5_900),
    Family("Puzzle", ("Toys", "Games"), 900, 3_900),
    Family("Notebook", ("Office", "Paper"), 500, 2_900),
    Family("Fountain Pen", ("Office", "Writing"), 1_900, 29_900),
    Family("Scarf", ("Fashion", "Accessories"), 1_900, 9_900),
    Family("Raincoat", ("Fashion", "Outerwear"), 4_900, 24_900),
    Family("Sneakers", ("Fashion", "Shoes"), 3_900, 19_900),
)
STYLES = (
    *("Retro", "Midnight", "Copper", "Nordic", "Velvet", "Solar", "Bamboo", "Cobalt", "Harbour", "Ember"),
    *("Willow", "Arctic", "Saffron", "Granite", "Juniper", "Paper", "Brass", "Coral", "Tundra", "Orchard"),
    *("Marble", "Lunar", "Maple", "Indigo", "Quartz", "Meadow"),
)
VENDORS = ("Ada & Sons", "Bauwerk", "Fjordlight", "Kissaten", "Northwind", "Oaktree Goods", "Pico Supply", "Zephyr")
COLOURS = ("amber", "black", "blue", "green", "ivory", "red", "silver", "white")
TAGS = ("bestseller", "gift", "handmade", "limited", "new", "recycled", "sale", "travel")


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows for the bulk import: `count` products with stock, `RETRO-CLOCK` first. More only adds at the end."""
    chance = random.Random(SEED)  # noqa: S311 - a catalogue, not a secret
    seen: set[str] = set()
    if count:
        yield _hero()
        seen.add(HERO)
    number = 1
    while number < count:
        style, family = chance.choice(STYLES), chance.choice(FAMILIES)
        row = _row(number + 1, style, family, chance)
        if row["sku"] in seen:
            row["sku"] = f"{row['sku']}-{number + 1}"
            row["title"] = f"{row['title']} No. {number + 1}"
        seen.add(row["sku"])
        yield row
        number += 1


def _row(number: int, style: str, family: Family, chance: random.Random) -> dict[str, Any]:
    sku = f"{style}-{family.noun}".upper().replace(" ", "-")
    colour = chance.choice(COLOURS)
    vendor = chance.choice(VENDORS)
    article = "An" if style[0] in "AEIOU" else "A"
    return {
        "row": number,
        "sku": sku,
        "title": f"{style} {family.noun}",
        # Prices end in 99 cents or are round, like prices do.
        "price": {
            "amount": chance.randrange(family.low, family.high, 100) + chance.choice((0, 99)),
            "currency": CURRENCY,
        },
        "description": f"{article} {style.lower()} {family.noun.lower()} in {colour}, made by {vendor}.",
        "category": list(family.category),
        "vendor": vendor,
        "tags": sorted(chance.sample(TAGS, chance.randint(0, 3))),
        "images": [f"https://images.example.com/{sku.lower()}-{view}.jpg" for view in ("front", "side")],
        "attributes": {"colour": colour, "weight_g": chance.randrange(50, 5_000, 10)},
        "quantity": chance.randint(5, 500),
    }


def _hero() -> dict[str, Any]:
    return {
        "row": 1,
        "sku": HERO,
        "title": "Retro Clock",
        "price": {"amount": 1_999, "currency": CURRENCY},
        "description": "The clock that everybody wants at the same second.",
        "category": ["Home", "Clocks"],
        "vendor": "Doorbuster",
        "tags": ["bestseller", "limited"],
        "images": ["https://images.example.com/retro-clock-front.jpg"],
        "attributes": {"colour": "red", "weight_g": 420},
        "quantity": HERO_QUANTITY,
    }
