"""What the columns of a table mean, and what its shop meant by its codes. A preset has all of it for a known table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from zoneinfo import ZoneInfo

REQUIRED = ("order", "sku", "quantity", "date", "price")
OPTIONAL = ("title", "customer", "email", "country")


class Use(StrEnum):
    """What a code in the SKU's column stands for."""

    GOODS = "goods"
    SHIPPING = "shipping"
    DISCOUNT = "discount"
    NONE = "none"
    """No sale at all: fees, samples, corrections by hand."""


class MappingError(ValueError):
    """A mapping that can't be; the message is for whoever wrote it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """How to read a table. `columns` has the table's name of each field of `REQUIRED` and some of `OPTIONAL`."""

    columns: Mapping[str, str]
    source: str
    currency: str
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    """Of dates that have no offset of their own."""
    returns_prefix: str = ""
    """What the number of an invoice begins with that takes something back; empty: a negative quantity does."""
    fold_case: bool = False
    """SKUs that differ only by case are one: in capitals."""
    keep_duplicates: bool = False
    codes: Mapping[str, Use] = field(default_factory=dict)
    """Codes, in capitals, that aren't goods."""
    countries: Mapping[str, str] = field(default_factory=dict)
    """Names of countries that only this table uses, with their codes."""

    def __post_init__(self) -> None:
        if missing := [name for name in REQUIRED if not self.columns.get(name)]:
            raise MappingError(f"no column is named for {', '.join(missing)}")
        if unknown := sorted(set(self.columns) - {*REQUIRED, *OPTIONAL}):
            raise MappingError(f"there is no field {', '.join(unknown)}; there are {', '.join((*REQUIRED, *OPTIONAL))}")


ONLINE_RETAIL = ColumnMapping(
    columns={
        "order": "InvoiceNo",
        "sku": "StockCode",
        "title": "Description",
        "quantity": "Quantity",
        "date": "InvoiceDate",
        "price": "UnitPrice",
        "customer": "CustomerID",
        "country": "Country",
    },
    source="online-retail",
    currency="GBP",
    timezone=ZoneInfo("Europe/London"),
    returns_prefix="C",
    fold_case=True,
    codes={
        "POST": Use.SHIPPING,
        "DOT": Use.SHIPPING,
        "C2": Use.SHIPPING,
        "D": Use.DISCOUNT,
        "M": Use.NONE,
        "S": Use.NONE,
        "B": Use.NONE,
        "BANK CHARGES": Use.NONE,
        "AMAZONFEE": Use.NONE,
        "CRUK": Use.NONE,
    },
    countries={
        "EIRE": "IE",
        "RSA": "ZA",
        # Two bailiwicks without a code in common: the larger one's.
        "Channel Islands": "JE",
        # Reserved for the Union as a whole.
        "European Community": "EU",
        "Unspecified": "",
    },
)
"""UCI's Online Retail: a year of a British shop for gifts."""

PRESETS: Mapping[str, ColumnMapping] = {ONLINE_RETAIL.source: ONLINE_RETAIL}


def parse_pairs(text: str, what: str) -> dict[str, str]:
    """`a=b,c=d` as a table."""
    pairs = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise MappingError(f"{pair!r} is no {what}: write name=value")
        pairs[name.strip()] = value.strip()
    return pairs


def parse_codes(text: str) -> dict[str, Use]:
    """`POST=shipping,M=none` as a table; codes in capitals."""
    codes = {}
    for code, use in parse_pairs(text, "code").items():
        try:
            codes[code.upper()] = Use(use)
        except ValueError:
            raise MappingError(f"{code}: {use!r} is none of {', '.join(Use)}") from None
    return codes
