"""Every kind of entity by name: what a host needs to run the shop."""

from .cart import CART
from .kernel import Kind
from .keyring import KEYRING
from .order import ORDER
from .product import PRODUCT
from .stock import STOCK

KINDS: dict[str, Kind] = {kind.name: kind for kind in (PRODUCT, STOCK, CART, ORDER, KEYRING)}
