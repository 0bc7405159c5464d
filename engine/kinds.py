"""Every kind of entity by name: what a host needs to run the shop."""

from .cart import CART
from .flash_sale import FLASH_SALE
from .kernel import Kind
from .keyring import KEYRING
from .order import ORDER
from .price_list import PRICE_LIST
from .product import PRODUCT
from .stock import STOCK
from .tax_region import TAX_REGION

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        PRODUCT,
        STOCK,
        CART,
        ORDER,
        KEYRING,
        PRICE_LIST,
        TAX_REGION,
        FLASH_SALE,
    )
}
