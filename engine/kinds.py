"""Every kind of entity by name: what a host needs to run the shop."""

from .account import ACCOUNT
from .cart import CART
from .category_tree import CATEGORY_TREE
from .collection import COLLECTION
from .count import COUNT
from .coupon import COUPON
from .credit import CREDIT
from .customer_group import CUSTOMER_GROUP
from .family import FAMILY
from .flash_sale import FLASH_SALE
from .gift_card import GIFT_CARD, STORE_CREDIT
from .handle import HANDLE
from .impressions import IMPRESSIONS
from .kernel import Kind
from .keyring import KEYRING
from .lease import LEASE
from .location import LOCATION
from .machines import MACHINES
from .order import ORDER
from .order_number import ORDER_NUMBER
from .price_list import PRICE_LIST
from .product import PRODUCT
from .promotion import PROMOTION, SHIPPING_METHOD
from .purchase import PURCHASE
from .recommendation_rules import RECOMMENDATION_RULES
from .reorder import REORDER
from .report_schedule import REPORT_SCHEDULE
from .search_log import SEARCH_LOG
from .search_synonyms import SEARCH_SYNONYMS
from .stock import STOCK
from .supplier import SUPPLIER, SUPPLY
from .tax_region import TAX_REGION
from .transfer import TRANSFER
from .visitor import VISITOR
from .webhook import DELIVERY, ENDPOINT

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        PRODUCT,
        STOCK,
        CART,
        ORDER,
        CREDIT,
        KEYRING,
        PRICE_LIST,
        TAX_REGION,
        ORDER_NUMBER,
        CATEGORY_TREE,
        COLLECTION,
        FAMILY,
        FLASH_SALE,
        # Suppliers and stock.
        LOCATION,
        TRANSFER,
        COUNT,
        SUPPLIER,
        SUPPLY,
        PURCHASE,
        REORDER,
        # Notifications.
        LEASE,
        ENDPOINT,
        DELIVERY,
        HANDLE,
        ACCOUNT,
        COUPON,
        CUSTOMER_GROUP,
        GIFT_CARD,
        STORE_CREDIT,
        PROMOTION,
        SHIPPING_METHOD,
        MACHINES,
        SEARCH_SYNONYMS,
        SEARCH_LOG,
        VISITOR,
        REPORT_SCHEDULE,
        IMPRESSIONS,
        RECOMMENDATION_RULES,
    )
}
