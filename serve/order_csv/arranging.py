"""Makes invoices and returns of lines: merges lines of one SKU and price, and finds the sale of what came back.

What comes back is taken from the newest earlier sale of the same SKU to the same customer that has units left, then
from the one before it. What is left over, and what a customer without a number brought back, is a credit.
"""

from collections.abc import Iterator

from .plan import Document, Plan
from .reading import Row
from .rules import Outcome, credit_of, refusal_of, sale_of

DOCUMENTS_AT_ONCE = 500

_ORDER_LINE = "INSERT INTO order_line VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_OUTCOME = "UPDATE line SET outcome = ? WHERE number = ?"
_HEAD = "UPDATE document SET customer = ?, email = ?, country = ?, shipping = ? WHERE id = ?"
_SOLD = """
SELECT document, line, left FROM order_line
WHERE customer <> '' AND customer = ? AND sku = ? AND at <= ? AND left > 0 ORDER BY at DESC, document DESC, line DESC
"""
_TAKEN = "UPDATE order_line SET left = left - ? WHERE document = ? AND line = ?"
_TASKS = """
INSERT INTO task (kind, document, sold, lines)
    SELECT 'order', document.id, 0, (SELECT count(*) FROM order_line WHERE order_line.document = document.id)
    FROM document WHERE NOT is_return AND (shipping > 0 OR id IN (SELECT document FROM order_line)) ORDER BY id;
INSERT INTO task (kind, document, sold, lines)
    SELECT 'return', document, sold, count(*) FROM returned GROUP BY document, sold ORDER BY document, sold;
INSERT INTO task (kind, document, sold, lines)
    SELECT 'credit', document, 0, count(*) FROM credited GROUP BY document ORDER BY document;
"""


def arrange(plan: Plan, *, keep_duplicates: bool) -> Iterator[int]:
    """Complete the plan; yields how many lines more were arranged, now and then."""
    for group in _groups(plan, returns=False):
        with plan.transaction():
            yield sum(_arrange_invoice(plan, document, keep_duplicates=keep_duplicates) for document in group)
    plan.db.execute("CREATE INDEX sold ON order_line (customer, sku, at) WHERE customer <> ''")
    for group in _groups(plan, returns=True):
        with plan.transaction():
            yield sum(_arrange_return(plan, document, keep_duplicates=keep_duplicates) for document in group)
    plan.db.executescript(_TASKS)


def _groups(plan: Plan, *, returns: bool) -> Iterator[list[Document]]:
    after = 0
    while group := plan.documents(returns=returns, after=after, limit=DOCUMENTS_AT_ONCE):
        after = group[-1].id
        yield group


def _sales(plan: Plan, rows: list[Row], *, keep_duplicates: bool) -> list[Row]:
    """The lines that aren't refused; the others are told why."""
    seen: set[int] = set()
    kept, refused = [], []
    for row in rows:
        duplicate = row.digest in seen and not keep_duplicates
        seen.add(row.digest)
        if reason := refusal_of(row, duplicate=duplicate):
            refused.append((reason, row.number))
        else:
            kept.append(row)
    plan.write(_OUTCOME, refused)
    return kept


def _head(plan: Plan, document: Document, rows: list[Row], shipping: int) -> str:
    """Who it is for and where it goes: as the first line says that says so; the customer's number."""
    customer = next((row.customer for row in rows if row.customer), "")
    email = next((row.email for row in rows if row.email), "")
    country = next((row.country for row in rows if row.country), "")
    plan.db.execute(_HEAD, (customer, email, country, shipping, document.id))
    return customer or email


def _arrange_invoice(plan: Plan, document: Document, *, keep_duplicates: bool) -> int:
    rows = plan.rows_of(document)
    kept = _sales(plan, rows, keep_duplicates=keep_duplicates)
    shipping = 0
    merged: dict[tuple[str, int], tuple[str, int]] = {}
    for row in kept:
        assert row.price is not None, "a line without a price was refused"
        if sale_of(row) is Outcome.SHIPPING:
            shipping += row.price * row.quantity
            continue
        title, units = merged.get((row.sku, row.price), ("", 0))
        merged[row.sku, row.price] = title or row.title, units + row.quantity
    customer = _head(plan, document, kept, shipping)
    lines = enumerate(merged.items())
    plan.write(
        _ORDER_LINE,
        [
            (document.id, line, customer, document.at, sku, title, units, price, units)
            for line, ((sku, price), (title, units)) in lines
        ],
    )
    plan.write(_OUTCOME, [(sale_of(row), row.number) for row in kept])
    return len(rows)


def _arrange_return(plan: Plan, document: Document, *, keep_duplicates: bool) -> int:
    rows = plan.rows_of(document)
    kept = _sales(plan, rows, keep_duplicates=keep_duplicates)
    customer = _head(plan, document, kept, 0)
    for row in kept:
        outcome = credit_of(row)
        assert row.price is not None, "a line without a price was refused"
        left = -row.quantity
        if outcome is Outcome.CREDITED and customer:
            left = _match(plan, document, row, customer)
            if not left:
                outcome = Outcome.RETURNED
            elif left < -row.quantity:
                outcome = Outcome.RETURNED_IN_PART
        if left:
            _credit(plan, document, row, left)
        plan.db.execute(_OUTCOME, (outcome, row.number))
    return len(rows)


def _match(plan: Plan, document: Document, row: Row, customer: str) -> int:
    """Take the units from earlier sales; the units that no sale was found of."""
    assert row.price is not None
    left = -row.quantity
    for sold, line, available in plan.db.execute(_SOLD, (customer, row.sku, document.at)).fetchall():
        taken = min(left, available)
        plan.db.execute(_TAKEN, (taken, sold, line))
        plan.db.execute(
            "INSERT INTO returned VALUES (?, ?, ?, ?, ?, ?)",
            (document.id, sold, line, taken, taken * row.price, row.number),
        )
        left -= taken
        if not left:
            break
    return left


def _credit(plan: Plan, document: Document, row: Row, units: int) -> None:
    assert row.price is not None
    goods = credit_of(row) is Outcome.CREDITED
    plan.db.execute(
        "INSERT INTO credited VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            *(document.id, row.use.value, row.sku if goods else "", row.title, units if goods else 0),
            *(units * row.price, row.number),
        ),
    )
