"""How rows of another system's history become entities: customers first, then products nobody sells, then the rest.

Every key is made from the source's name and its own number, so a row that is sent again meets what it made before.
"""

from asyncio import gather
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.account import AccountView, ImportAccount, OpenAccount
from engine.address import DeliveryAddress
from engine.credit import CREDIT, ImportCredit
from engine.handle import HandleView, LookHandle
from engine.history import Imported
from engine.kernel import Command, Rejected
from engine.order import ORDER, ImportOrder, ImportReturn
from engine.product import PutProduct
from engine.publication import Status

from ..identity import fingerprint_of, imported_id_of
from ..shop import Shop
from .bulk import Fault, fault_of
from .lookups import product_of
from .schemas.common import Money
from .schemas.history import HistoryCredit, HistoryCustomer, HistoryOrder, HistoryResult, HistoryReturn
from .schemas.times import instant_of

PRODUCTS_AT_ONCE = 200
"""A first invoice may name a thousand: all at once would leave buyers no room in the queues of the hosts."""
Rows = Sequence[Mapping[str, Any]]
Who = tuple[str, str]
"""A customer's number and e-mail address, as far as they are known."""


async def import_orders(
    shop: Shop, source: str, rows: Rows, found: Sequence[HistoryOrder | Fault]
) -> list[HistoryResult]:
    """Each order with its customer and its products. Raises actors.errors.Unavailable: then all may be sent again."""
    orders = [row for row in found if isinstance(row, HistoryOrder)]
    customers = await _customers(shop, source, orders)
    await _ensure_products(shop, orders)

    async def bring(row: HistoryOrder) -> HistoryResult:
        order_id = imported_id_of(shop.secret, "ord", source, row.reference)
        command = _order_of(source, row, customers.get(_who(row.customer), ""))
        return await _sent(shop, ORDER.name, order_id, row.reference, command)

    return await gather(*(_each(bring, given, row) for given, row in zip(rows, found, strict=True)))


async def import_returns(
    shop: Shop, source: str, rows: Rows, found: Sequence[HistoryReturn | Fault]
) -> list[HistoryResult]:
    """As `import_orders`, for what came back of orders that are here."""

    async def bring(row: HistoryReturn) -> HistoryResult:
        order_id = imported_id_of(shop.secret, "ord", source, row.order)
        units = tuple(line.to_engine() for line in row.lines)
        command = ImportReturn(row.reference, instant_of(row.returned_at), units)
        return await _sent(shop, ORDER.name, order_id, row.reference, command)

    return await gather(*(_each(bring, given, row) for given, row in zip(rows, found, strict=True)))


async def import_credits(
    shop: Shop, source: str, rows: Rows, found: Sequence[HistoryCredit | Fault]
) -> list[HistoryResult]:
    """As `import_orders`, for credits."""
    customers = await _customers(shop, source, [row for row in found if isinstance(row, HistoryCredit)])

    async def bring(row: HistoryCredit) -> HistoryResult:
        credit_id = imported_id_of(shop.secret, "crd", source, row.reference)
        command = _credit_of(source, row, customers.get(_who(row.customer), ""))
        return await _sent(shop, CREDIT.name, credit_id, row.reference, command)

    return await gather(*(_each(bring, given, row) for given, row in zip(rows, found, strict=True)))


async def _each(bring: Any, given: Mapping[str, Any], row: Any) -> HistoryResult:
    if not isinstance(row, Fault):
        done: HistoryResult = await bring(row)
        return done
    reference = given.get("reference")
    name = reference if isinstance(reference, str) else None
    return HistoryResult(reference=name, id=None, status="error", error=row.detail)


async def _sent(shop: Shop, kind: str, key: str, reference: str, command: Command) -> HistoryResult:
    reply = await shop.client.send(kind, key, command)
    if isinstance(reply, Rejected):
        return HistoryResult(reference=reference, id=key, status="error", error=fault_of(reply).detail)
    assert isinstance(reply, Imported), "an import is answered by whether it is new"
    return HistoryResult(reference=reference, id=key, status="imported" if reply.new else "unchanged")


def _order_of(source: str, row: HistoryOrder, customer: str) -> ImportOrder:
    lines = tuple(line.to_engine(row.currency) for line in row.lines)
    at, email = instant_of(row.placed_at), _who(row.customer)[1]
    # Of what was told, not of what it is here: an account may have been erased since.
    content = (at, row.currency, lines, row.shipping, row.country, _who(row.customer))
    fingerprint = fingerprint_of("orders/import", row.reference, content)
    return ImportOrder(
        *(source, row.reference, fingerprint, at, row.currency, lines, row.shipping),
        customer=customer,
        email=email,
        address=_address_of(row.country),
    )


def _credit_of(source: str, row: HistoryCredit, customer: str) -> ImportCredit:
    lines = tuple(line.to_engine() for line in row.lines)
    at = instant_of(row.credited_at)
    fingerprint = fingerprint_of(
        "credits/import", row.reference, (at, row.currency, lines, row.country, _who(row.customer))
    )
    return ImportCredit(source, row.reference, fingerprint, at, row.currency, lines, customer, _address_of(row.country))


def _address_of(country: str) -> DeliveryAddress | None:
    return DeliveryAddress("", "", "", country) if country else None


def _who(customer: HistoryCustomer | None) -> Who:
    return (customer.reference or "", customer.email or "") if customer is not None else ("", "")


async def _customers(shop: Shop, source: str, rows: Iterable[HistoryOrder | HistoryCredit]) -> Mapping[Who, str]:
    """The accounts of these rows' customers, made where there are none; one that was erased stays nobody's."""
    wanted = {who: row.country for row in rows if any(who := _who(row.customer))}
    accounts = await gather(*(_account(shop, source, who, country) for who, country in wanted.items()))
    return dict(zip(wanted, accounts, strict=True))


async def _account(shop: Shop, source: str, who: Who, country: str) -> str:
    reference, email = who
    if not email:
        account_id = imported_id_of(shop.secret, "acc", source, reference)
        reply = await shop.client.send("account", account_id, ImportAccount(source, reference, country))
        return account_id if isinstance(reply, AccountView) else ""
    handle = shop.accounts.handle_of_mail(email)
    holder = await shop.client.send("handle", handle, LookHandle())
    if isinstance(holder, HandleView) and holder.account_id:
        return holder.account_id
    # Nobody knows a password for it: by the way for a forgotten one, whoever reads the address' mails comes in.
    account_id = imported_id_of(shop.secret, "acc", "mail", handle)
    opened = await shop.accounts.open(account_id, OpenAccount(email, handle))
    return account_id if isinstance(opened, AccountView) else ""


async def _ensure_products(shop: Shop, orders: Iterable[HistoryOrder]) -> None:
    """What this shop never sold is an archived product: history has its title, shoppers don't see it."""
    new: dict[str, PutProduct] = {}
    for order in orders:
        for line in order.lines:
            if line.sku not in new and shop.catalogue.product(line.sku) is None:
                price = Money(amount=line.price, currency=order.currency).to_engine()
                new[line.sku] = PutProduct(line.title or line.sku, price, if_version=0, status=Status.ARCHIVED)
    products = list(new.items())
    for start in range(0, len(products), PRODUCTS_AT_ONCE):
        await gather(
            *(_ensure_product(shop, sku, product) for sku, product in products[start : start + PRODUCTS_AT_ONCE])
        )


async def _ensure_product(shop: Shop, sku: str, product: PutProduct) -> None:
    if await product_of(shop, sku) is None:
        # Whoever puts it meanwhile is right: this one is refused then.
        await shop.client.send("product", sku, product)
