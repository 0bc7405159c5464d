"""Interactions from the event lake: who did what with which item, each visitor's joined to the customer they became.

What an anonymous visitor did belongs to the customer who logged in next, as docs/behaviour.md shows. A visit is what
has one session id; without one (purchases have none), what the same person did within 30 minutes of what came before.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import NotEnoughData
from ..interactions import NOBODY, Dataset, Items, dataset_of
from ..lake.reading import Instant, connect, instant_of
from .lake_rows import PLACE, TEXTS, Through, by_ray_data, logins_of, rows_of

if TYPE_CHECKING:
    import pyarrow as pa

VISIT_GAP_MS = 30 * 60_000
EVER_MS = 2**62
Codes = NDArray[np.int64]

CATALOGUE = """
    SELECT sku, title, category, vendor FROM products_now
    WHERE active OR list_contains($1, sku) ORDER BY sku"""


def read_lake(lake: Path, first_ms: int = 0, last_ms: int = EVER_MS, *, through: Through = "auto") -> Dataset:
    """All interactions from `first_ms` to `last_ms` (milliseconds UTC, inclusive), with the products as they are now.

    The numbers of all rows fit into this process (41 bytes each); their texts needn't: with `through="ray"`, or where
    it has to be, Ray Data reads them on all nodes. The answer is the same. Raises NotEnoughData.
    """
    instant = instant_of(lake)
    if through == "auto":
        through = "ray" if by_ray_data(instant) else "arrow"
    tables = rows_of(lake, instant, first_ms, last_ms, through)
    if not sum(map(len, tables)):
        raise NotEnoughData(f"The lake {lake} has no interactions in this time.")
    columns, texts = _columns(tables)
    logins, names = _columns(logins_of(lake, instant, first_ms, through))
    skus = texts["sku"]
    catalogue = _catalogue(lake, instant, skus)
    index = {sku: number for number, sku in enumerate(catalogue.skus)}
    _tie_to_customers(columns, texts, logins, names)
    order = np.lexsort([columns[name] for name in (*reversed(PLACE), "did", "at")])
    columns = {name: column[order] for name, column in columns.items()}
    customers, customer = _numbered(columns["customer"], texts["customer"])
    return dataset_of(
        catalogue,
        np.array([index[sku] for sku in skus], np.int32)[columns["sku"]],
        columns["at"],
        session=_sessions(columns, texts),
        customer=customer,
        did=columns["did"].astype(np.int8),
        quantity=np.clip(columns["quantity"], 0, 2**31 - 1).astype(np.int32),
        customers=customers,
        source={"source": f"lake:{lake}", "from": str(columns["at"][0]), "to": str(columns["at"][-1])},
    )


def _columns(tables: "Sequence[pa.Table]") -> tuple[dict[str, Codes], dict[str, list[str]]]:
    """All rows as columns of numbers, and what the numbers of texts mean."""
    import pyarrow as pa

    if not tables:
        return {}, {}
    whole = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    columns: dict[str, Codes] = {}
    texts: dict[str, list[str]] = {}
    for name in whole.column_names:
        (chunk,) = whole[name].chunks or [pa.array([], whole[name].type)]
        if name in TEXTS:
            texts[name] = chunk.dictionary.to_pylist()
            columns[name] = chunk.indices.to_numpy().astype(np.int64)
        else:
            columns[name] = chunk.to_numpy(zero_copy_only=False).astype(np.int64)
    return columns, texts


def _catalogue(lake: Path, instant: Instant, skus: Sequence[str]) -> Items:
    """What can be bought and what anybody did something with, in order of their SKUs."""
    with connect(lake, instant=instant, threads=1) as connection:
        rows = connection.execute(CATALOGUE, [list(skus)]).fetchall()
    known = {row[0]: row for row in rows}
    ordered = sorted({*known, *skus})
    nothing = ("", "", "", "")
    _, titles, categories, vendors = zip(*(known.get(sku, nothing) for sku in ordered), strict=True)
    return Items(ordered, titles, categories, vendors)


def _tie_to_customers(
    columns: dict[str, Codes], texts: dict[str, list[str]], logins: Mapping[str, Codes], names: Mapping[str, list[str]]
) -> None:
    """Rows without a customer get the one of the visitor's next login, of as many as there is one."""
    if not logins or not len(logins["visitor"]):
        return
    visitors = {name: number for number, name in enumerate(texts["visitor"])}
    known = np.array([visitors.get(name, NOBODY) for name in names["visitor"]], np.int64)[logins["visitor"]]
    customers = {name: number for number, name in enumerate(texts["customer"])}
    for name in names["customer"]:
        customers.setdefault(name, len(customers))
    texts["customer"] = list(customers)
    who = np.array([customers[name] for name in names["customer"]], np.int64)[logins["customer"]]
    nobody = customers.get("", NOBODY)
    anonymous = np.flatnonzero((columns["customer"] == nobody) & np.isin(columns["visitor"], known))
    order = np.lexsort((logins["received_at"], known))
    order = order[known[order] != NOBODY]
    if not len(anonymous):
        return
    asked_by, asked_at = columns["visitor"][anonymous], columns["received_at"][anonymous]
    place = _next_of(known[order], logins["received_at"][order], asked_by, asked_at)
    found = place < len(order)
    columns["customer"][anonymous[found]] = who[order[place[found]]]


def _next_of(visitor: Codes, at: Codes, asked: Codes, asked_at: Codes) -> Codes:
    """Places in (visitor, at), which is ordered, of the first of the asked visitor at or after that time; its length
    where there is none."""
    visitors, times = np.unique(visitor), np.unique(np.concatenate((at, asked_at)))

    def numbers(of: Codes, when: Codes) -> Codes:
        # One number that rises with the visitor, then with the time: one search finds all.
        return np.searchsorted(visitors, of) * len(times) + np.searchsorted(times, when)

    place = np.searchsorted(numbers(visitor, at), numbers(asked, asked_at))
    inside = np.minimum(place, len(visitor) - 1)
    return np.where((place < len(visitor)) & (visitor[inside] == asked), place, len(visitor))


def _numbered(codes: Codes, names: Sequence[str]) -> tuple[list[str], NDArray[np.int32]]:
    """Customers in order of their ids, and who of them did each row."""
    present = sorted({names[code] for code in np.unique(codes)} - {""})
    index = {name: number for number, name in enumerate(present)}
    numbers = np.array([index.get(name, NOBODY) for name in names], np.int32)
    return present, numbers[codes]


def _sessions(columns: Mapping[str, Codes], texts: Mapping[str, list[str]]) -> NDArray[np.int32]:
    """Each row's visit, numbered in order of their last interaction. Rows are in order of time."""
    count = len(columns["at"])
    who = _people(columns, texts)
    named = columns["session"] != _code_of("", texts["session"])
    order = np.lexsort((np.arange(count), who))
    person, at, has_name = who[order], columns["at"][order], named[order]
    begins = np.ones(count, bool)
    begins[1:] = (person[1:] != person[:-1]) | (at[1:] - at[:-1] > VISIT_GAP_MS)
    # The last row at or before each one that says itself which visit it is of, or begins one.
    said_by = np.maximum.accumulate(np.where(has_name | begins, np.arange(count), 0))
    _, by_name = np.unique(person * (len(texts["session"]) + 1) + columns["session"][order], return_inverse=True)
    visit = np.where(has_name, by_name, count + np.arange(count))[said_by]
    visits = np.empty(count, np.int64)
    visits[order] = visit
    unknown = (who < 0) & ~named
    return _in_order_of_their_end(visits, unknown)


def _people(columns: Mapping[str, Codes], texts: Mapping[str, list[str]]) -> Codes:
    """A number for each customer and each visitor who is none; below zero: nobody knows who."""
    customer, visitor = columns["customer"], columns["visitor"]
    people = np.where(customer != _code_of("", texts["customer"]), customer, len(texts["customer"]) + visitor)
    nobody = (customer == _code_of("", texts["customer"])) & (visitor == _code_of("", texts["visitor"]))
    return np.where(nobody, -1, people)


def _in_order_of_their_end(visits: Codes, unknown: NDArray[np.bool_]) -> NDArray[np.int32]:
    known = np.flatnonzero(~unknown)
    numbers = np.full(len(visits), NOBODY, np.int32)
    if not len(known):
        return numbers
    kinds, last = np.unique(visits[known][::-1], return_index=True)
    ranks = np.empty(len(kinds), np.int32)
    ranks[np.argsort(-last)] = np.arange(len(kinds))
    numbers[known] = ranks[np.searchsorted(kinds, visits[known])]
    return numbers


def _code_of(text: str, texts: Sequence[Any]) -> int:
    """A text's number; one that no row has, where it isn't among them."""
    try:
        return texts.index(text)
    except ValueError:
        return len(texts)
