"""Credits: what another system gave back for no sale that is known here. In the ledger they undo what isn't in it."""

from collections.abc import Iterator, Sequence

from engine.credit import DISCOUNT, GOODS, CreditImported, CreditLine
from engine.kernel import Event
from engine.order import ACCOUNT_PREFIX

from ..tables import Row, Sale
from .around import Around, Where
from .ledger import NO_LINE


def credit_rows(where: Where, credit_id: str, events: Sequence[Event], around: Around) -> Iterator[Row]:
    """A row for each line: goods are returned, a discount comes off, other money is refunded."""
    for event in events:
        assert isinstance(event, CreditImported), "nothing else happens to a credit"
        for index, line in enumerate(event.lines):
            yield _row(where, credit_id, event, index, line, around)


def _row(where: Where, credit_id: str, event: CreditImported, index: int, line: CreditLine, around: Around) -> Sale:
    product = around.product(line.sku)
    customer = event.customer if event.customer.startswith(ACCOUNT_PREFIX) else ""
    off = line.amount if line.kind == DISCOUNT else 0
    return Sale(
        shard=where.shard,
        position=where.position,
        index=index,
        at=event.at,
        kind="return" if line.kind == GOODS else "refund",
        order_id=credit_id,
        line=index if line.kind == GOODS else NO_LINE,
        sku=line.sku,
        category=product.category,
        vendor=product.vendor,
        units=-line.quantity,
        gross=off - line.amount,
        discount=off,
        tax=0,
        net=-line.amount,
        total=-line.amount,
        currency=event.total.currency,
        customer=customer,
        groups=around.groups(customer),
        country=event.address.country if event.address is not None else "",
        region=event.address.region if event.address is not None else "",
        ordered_at=0,
        reason="" if line.kind == GOODS else line.kind,
    )
