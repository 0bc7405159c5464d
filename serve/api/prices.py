"""What a product costs somebody: its own price, unless a price list says another for the currency, group and time."""

from collections.abc import Collection

from engine.price_list import PRICE_LIST, Price, price_of
from engine.product import ProductView

from ..shop import Shop
from .lookups import product_unavailable
from .problems import ProblemError

NO_GROUPS: Collection[str] = ()


def groups_of(shop: Shop, account_id: str) -> tuple[str, ...]:
    """The groups that a customer is in; none for a guest."""
    return shop.offers.groups_of(account_id) if account_id else ()


def shelf_price(
    shop: Shop, product: ProductView, currency: str = "", groups: Collection[str] = NO_GROUPS
) -> Price | None:
    """The price in the currency (empty: the product's own), or None where the product isn't sold in it.

    In a flash sale it is the sale's, beside the product's own.
    """
    if product.sku in shop.sales.live and (sale := _sale_price(shop, product, currency)):
        return sale
    if not product.prices and (not currency or currency == product.price.currency):
        return Price(product.price, product.compare_at)
    return price_of(product, shop.tables[PRICE_LIST].get, currency, groups, shop.now())


def _sale_price(shop: Shop, product: ProductView, currency: str) -> Price | None:
    sale = shop.sales.running(product.sku, shop.now())
    if sale is None or sale.terms.price.currency != (currency or product.price.currency):
        return None
    regular = product.price.amount if product.price.currency == sale.terms.price.currency else 0
    return Price(sale.terms.price, regular if regular > sale.terms.price.amount else 0, sale.key)


def sold_price(
    shop: Shop, product: ProductView, currency: str = "", groups: Collection[str] = NO_GROUPS, pointer: str = ""
) -> Price:
    """As `shelf_price`; raises ProblemError where the product isn't sold in the currency."""
    price = shelf_price(shop, product, currency, groups)
    if price is None:
        raise no_price(product.sku, currency, pointer)
    return price


def no_price(sku: str, currency: str, pointer: str = "") -> ProblemError:
    """The product has no price in the currency."""
    return product_unavailable(sku, pointer, f"{sku} is not sold in {currency}.")
