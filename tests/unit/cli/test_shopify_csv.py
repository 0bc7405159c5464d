"""Product exports as shops really write them, line by line."""

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from serve.shopify_csv.amounts import format_price, parse_price
from serve.shopify_csv.html_text import plain_text
from serve.shopify_csv.reading import CsvError, FamilyRow, ImportRow, RowError, parse, parse_quantity

HEADER = "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,"
HEADER += "Variant SKU,Variant Inventory Qty,Variant Price,Variant Barcode,Image Src,Image Position,Status"
COLUMNS = HEADER.split(",")
REAL_CATALOGUE = Path("catalogue", "products.csv.gz")


def line(**cells: Any) -> str:
    """One row; names are columns in snake case, everything else is a sellable clock."""
    usual = {"Handle": "retro-clock", "Title": "Retro Clock", "Variant SKU": "RETRO-CLOCK", "Variant Price": "19.99"}
    given = {"body": "Body (HTML)", "sku": "Variant SKU", "price": "Variant Price", "quantity": "Variant Inventory Qty"}
    given |= {"image": "Image Src", "position": "Image Position", "barcode": "Variant Barcode"}
    given |= {"category": "Product Category", "option": "Option1 Name", "value": "Option1 Value"}
    row = usual | {given.get(name, name.title()): value for name, value in cells.items()}
    assert set(row) <= set(COLUMNS)
    return ",".join('"' + str(row.get(name, "")).replace('"', '""') + '"' for name in COLUMNS) + "\r\n"


def parsed(*lines: str) -> list[Any]:
    """What stands in the lines beside pages."""
    return [row for row in parse([HEADER + "\r\n", *lines], "USD") if not isinstance(row, FamilyRow)]


def pages(*lines: str) -> list[FamilyRow]:
    return [row for row in parse([HEADER + "\r\n", *lines], "USD") if isinstance(row, FamilyRow)]


def only(*lines: str) -> ImportRow:
    (row,) = parsed(*lines)
    assert isinstance(row, ImportRow)
    return row


def test_a_product_with_everything() -> None:
    row = only(
        line(
            body="<p>Rings &amp; shines</p>", vendor="Ada", category="Home > Clocks", tags="red, gift,red", quantity=7,
            barcode="'0095", image="https://i.example/1.jpg", type="Clock", option="Title", value="Default Title",
        )
    )  # fmt: skip
    assert row.to_json() == {
        "row": 2,
        "sku": "RETRO-CLOCK",
        "title": "Retro Clock",
        "price": {"amount": 1999, "currency": "USD"},
        "description": "Rings & shines",
        "category": ["Home", "Clocks"],
        "vendor": "Ada",
        "tags": ["red", "gift"],
        "images": ["https://i.example/1.jpg"],
        "attributes": {"handle": "retro-clock", "type": "Clock"},
        "barcode": "0095",
        "quantity": 7,
    }


def test_an_empty_quantity_leaves_the_stock_alone() -> None:
    assert "quantity" not in only(line()).fields


def test_variants_share_what_their_first_row_says() -> None:
    red, blue = parsed(
        line(sku="CLOCK-RED", option="Colour", value="Red", vendor="Ada"),
        line(sku="CLOCK-BLUE", title="", value="Blue", price="21"),
    )
    assert (red.fields["title"], blue.fields["title"]) == ("Retro Clock / Red", "Retro Clock / Blue")
    assert blue.fields["vendor"] == "Ada"
    assert blue.fields["price"]["amount"] == 2100
    assert blue.fields["attributes"]["Colour"] == "Blue"


def test_rows_without_sku_add_pictures_in_their_order() -> None:
    row = only(
        line(image="https://i.example/front.jpg", position=1),
        line(title="", sku="", price="", image="https://i.example/back.jpg", position=3),
        line(title="", sku="", price="", image="https://i.example/side.jpg", position=2),
        line(title="", sku="", price="", image="https://i.example/front.jpg", position=4),
    )
    assert row.fields["images"] == [f"https://i.example/{view}.jpg" for view in ("front", "side", "back")]


def test_the_type_is_the_category_where_there_is_no_better_one() -> None:
    assert only(line(type="Notebook")).fields["category"] == ["Notebook"]


@pytest.mark.parametrize(
    ("cells", "detail"),
    [
        ({"sku": ""}, "the SKU is missing"),
        ({"title": ""}, "the title is missing"),
        ({"price": ""}, "the price is missing"),
        ({"price": "free"}, "'free' is no price"),
        ({"price": "-1"}, "'-1' is no price"),
        ({"price": "1.999"}, "the price 1.999 has more decimals than USD has (2)"),
        ({"quantity": "-3"}, "the quantity -3 is negative"),
        ({"quantity": "a few"}, "the quantity 'a few' is no whole number"),
        ({"quantity": "1.5"}, "the quantity '1.5' is no whole number"),
        ({"status": "sold"}, "the status 'sold' is none of active, draft, archived"),
    ],
)
def test_a_row_at_fault_is_named_by_its_number(cells: dict[str, str], detail: str) -> None:
    first, second = parsed(line(handle="lamp", sku="LAMP"), line(**cells))
    assert isinstance(first, ImportRow)
    assert second == RowError(3, detail)


def test_a_sku_that_occurs_twice_is_taken_once() -> None:
    first, second = parsed(line(), line(handle="other"))
    assert isinstance(first, ImportRow)
    assert second == RowError(3, "SKU RETRO-CLOCK is in row 2 already")


def test_a_variant_at_fault_does_not_take_its_siblings_along() -> None:
    good, bad = parsed(line(sku="CLOCK-RED", value="Red"), line(title="", sku="", value="Blue"))
    assert isinstance(good, ImportRow)
    assert bad == RowError(3, "the SKU is missing")


@pytest.mark.parametrize(
    ("cells", "status"),
    [({"status": "draft"}, "draft"), ({"published": "FALSE"}, "draft"), ({"status": "active"}, None)],
)
def test_what_is_not_for_sale_comes_in_as_a_draft(cells: dict[str, str], status: str | None) -> None:
    assert only(line(**cells)).fields.get("status") == status


def test_rows_of_one_handle_are_a_page_of_variants() -> None:
    (page,) = pages(
        line(sku="CLOCK-RED", option="Colour", value="Red", vendor="Ada", status="draft"),
        line(title="", sku="CLOCK-BLUE", value="Blue"),
        line(handle="lamp", sku="LAMP", option="Title", value="Default Title"),
    )
    assert (page.row, page.handle) == (2, "retro-clock")
    assert page.fields["options"] == [{"name": "Colour", "values": ["Red", "Blue"]}]
    assert page.fields["variants"] == [
        {"sku": "CLOCK-RED", "values": ["Red"]},
        {"sku": "CLOCK-BLUE", "values": ["Blue"]},
    ]
    assert (page.fields["title"], page.fields["vendor"], page.fields["status"]) == ("Retro Clock", "Ada", "draft")


def test_a_weight_a_price_before_and_an_alternative_text_are_read() -> None:
    lines = [
        "Handle,Title,Variant SKU,Variant Price,Variant Grams,Variant Compare At Price,Image Src,Image Alt Text\n",
        "c,Clock,CLOCK,19.99,420.0,29.99,https://i.example/1.jpg,A clock\n",
        "d,Clock,HEAVY,19.99,a lot,,,\n",
    ]
    clock, heavy = parse(lines, "USD")
    assert isinstance(clock, ImportRow)
    assert clock.fields["weight_g"] == 420
    assert clock.fields["compare_at_price"] == {"amount": 2999, "currency": "USD"}
    assert clock.fields["image_alts"] == ["A clock"]
    assert heavy == RowError(3, "the weight 'a lot' is no whole number of grams")


def test_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    rows = parsed("\r\n", line(body="two\r\nlines"), ",,,\r\n", line(handle="b", sku="B", price="x"))
    assert [row.row for row in rows] == [3, 5]


def test_a_missing_quote_is_noticed() -> None:
    good, bad = parsed(line(), line(handle="b", sku="B").removesuffix("\r\n") + ",extra,cells\r\n")
    assert isinstance(good, ImportRow)
    assert bad == RowError(3, "19 cells, but the header has 17: is a quote missing?")


def test_a_byte_order_mark_and_quotes_in_the_header_are_no_part_of_it() -> None:
    lines = ['\ufeff"Handle",Title,Variant SKU,Variant Price\n', 'c,"17"" Clock, red",C-17,"1,299.5"\n']
    (row,) = parse(lines, "USD")
    assert isinstance(row, ImportRow)
    assert row.fields["title"] == '17" Clock, red'
    assert row.fields["price"]["amount"] == 129_950


@pytest.mark.parametrize("lines", [[], ["sku;title;price\n"], ["Handle,Title\n"]])
def test_another_kind_of_file_is_refused_as_a_whole(lines: list[str]) -> None:
    with pytest.raises(CsvError, match="no Shopify product export"):
        list(parse(lines, "USD"))


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("19.99", "USD", 1999),
        (" 5 ", "USD", 500),
        ("0", "USD", 0),
        ("0.5", "USD", 50),
        ("7.", "USD", 700),
        ("1,299.00", "USD", 129_900),
        ("1,234,567.8", "USD", 123_456_780),
        ("19.9900", "USD", 1999),
        ("500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("1.234", "KWD", 1234),
    ],
)
def test_prices_as_people_write_them(text: str, currency: str, amount: int) -> None:
    assert parse_price(text, currency) == amount


@pytest.mark.parametrize("currency", ["USD", "JPY", "KWD"])
@pytest.mark.parametrize("amount", [0, 5, 1999, 123_456_789])
def test_a_price_is_read_as_it_is_written(amount: int, currency: str) -> None:
    assert parse_price(format_price(amount, currency), currency) == amount


@pytest.mark.parametrize("text", ["", "1.299,00", "1,29", "$5", "1e3", "1 000", "٣", "NaN", "1.2.3", ",5"])
def test_prices_that_can_be_read_in_two_ways_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="price"):
        parse_price(text, "USD")


def test_a_currency_without_cents_takes_none() -> None:
    with pytest.raises(ValueError, match="more decimals than JPY has"):
        parse_price("5.5", "JPY")


def test_quantities_are_whole() -> None:
    assert [parse_quantity(text) for text in ("0", " 12 ", "")] == [0, 12, None]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("<p>one</p><p>two  \n three</p>", "one\ntwo three"),
        ("a<br>b &lt;c&gt; &#8364;", "a\nb <c> €"),
        ("<script>alert(1)</script><style>p{}</style>safe", "safe"),
        ("<ul><li>red</li><li>blue</li></ul>", "red\nblue"),
        ("5 < 6 & 7", "5 < 6 & 7"),
        ("", ""),
    ],
)
def test_descriptions_are_text(html: str, text: str) -> None:
    assert plain_text(html) == text


def test_the_real_catalogue_is_read_whole() -> None:
    root = Path(os.environ.get("DOORBUSTER_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
    if not (file := root / REAL_CATALOGUE).is_file():
        pytest.skip(f"no {REAL_CATALOGUE} in $DOORBUSTER_TEST_DATA or ../shared/data")
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        rows = list(parse(text, "USD"))
    assert len(rows) == 19_406
    assert all(isinstance(row, ImportRow) for row in rows)
