"""The limits of what a request may say, shared by the contract's models and the purchase's own decoder."""

SKU_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$"
"""No `@` and no `/`: both have a meaning in keys and paths."""
CART_ID_PATTERN = r"^cart_[A-Za-z0-9_-]{8,64}$"
ORDER_ID_PATTERN = r"^ord_[0-9a-f]{32}$"
AFTER_SALE_ID_PATTERN = r"^[A-Za-z0-9_-]{1,40}$"
"""A shipment, a return, an edit."""
CURRENCY_PATTERN = r"^[A-Z]{3}$"
EMAIL_PATTERN = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,187}[A-Za-z0-9])?$"
"""What an HTML e-mail field accepts, at most 254 characters: whether the mailbox exists, only a mail can tell."""
IDEMPOTENCY_KEY_PATTERN = r"^[!-~]{1,255}$"

PAYMENT_METHOD_PATTERN = r"^[a-z][a-z0-9_-]{0,31}$"
LOCATION_PATTERN = r"^[a-z0-9][a-z0-9-]{0,39}$"
"""A location's name, like a supplier's."""
SUPPLY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}@[a-z0-9][a-z0-9-]{0,39}$"
"""What a supplier asks for a SKU."""
PROCESS_ID_PATTERN = r"^(trf|po|cnt)_[0-9a-f]{32}$"
MESSAGE_ID_PATTERN = r"^msg_[0-9a-f]{32}$"
MAX_PURCHASE_LINES = 200
COUPON_CODE_PATTERN = r"^[A-Za-z0-9 _-]{1,64}$"
CARD_CODE_PATTERN = r"^[A-Za-z0-9 -]{8,40}$"
GIFT_CARD_ID_PATTERN = r"^gc_[0-9a-f]{32}$"
STORE_CREDIT_ACCOUNT_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
DOCUMENT_KEY_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"
REGION_PATTERN = r"^([a-z]{2}(-[a-z0-9]{1,3})?)?$"
"""A country, or a state in it; empty: not told."""
MAX_COUPONS = 10
MAX_GIFT_CARDS = 5
MAX_COUPONS_AT_ONCE = 1_000
"""Codes that one request generates."""

MAX_EMAIL_LENGTH = 254
MAX_QUANTITY = 10_000
"""Units in one line of a cart or an order."""
MAX_ORDER_LINES = 100
MAX_TOKEN_LENGTH = 255
SALE_KEY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}@[a-z0-9][a-z0-9-]{0,39}$"
"""The SKU and a name of the sale: one SKU can have one sale after the other."""
MAX_SALE_TICKETS = 10
MAX_SALE_TICKET_LENGTH = 100
MAX_AMOUNT = 10**12
"""Minor units."""
MAX_RECEIPT_QUANTITY = 1_000_000
MAX_TITLE_LENGTH = 500
MAX_DESCRIPTION_LENGTH = 50_000
MAX_LABEL_LENGTH = 200
"""A vendor, a tag, a step of a category path, a reason, a reference."""
MAX_NOTE_LENGTH = 2_000
MAX_ORDER_ITEMS = 600
"""Lines of an order with those that were added to it."""
MAX_URL_LENGTH = 2_048
MAX_CATEGORY_DEPTH = 10
MAX_TAGS = 100
MAX_IMAGES = 50
MAX_ATTRIBUTES = 100
MAX_IMPORT_ROWS = 500
MAX_COMPONENTS = 50
MAX_COMPONENT_QUANTITY = 1_000
MAX_CATEGORIES = 20
"""Of one product."""
MAX_WEIGHT_G = 10**9
CATALOGUE_KEY_PATTERN = r"^[a-z0-9][a-z0-9-]{0,126}$"
"""Categories, collections, pages, price lists, tax classes: what stands well in an address."""
MAX_EVENT_ID_LENGTH = 64
"""Characters of whatever the sender likes, also of a recommendation's id: only ever compared."""
ANONYMOUS_ID_PATTERN = r"^[A-Za-z0-9_-]{8,50}$"
"""Of a browser or an app, and of a visit."""
ACCOUNT_ID_PATTERN = r"^acc_[A-Za-z0-9_-]{1,60}$"
PLACEMENT_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,39}$"
MAX_EVENTS = 100
"""Of one batch."""
MAX_EVENT_QUERY_LENGTH = 200
MAX_POSITION = 10_000
SOURCE_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}$"
"""What an import calls the system that its history comes from."""
REFERENCE_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$"
"""What that system calls an order, a return, a customer."""
CREDIT_ID_PATTERN = r"^crd_[0-9a-f]{32}$"
MAX_IMPORTED_LINES = 1_500
MARKET_PATTERN = r"^[a-z0-9][a-z0-9-]{0,39}$"
MAX_RECOMMENDATIONS = 50
"""Items of one list."""
DEFAULT_PAGE = 20
MAX_PAGE = 100


def whole(pattern: str) -> str:
    """The pattern for Python's `re`, whose `$` would let a final newline through."""
    return pattern.removesuffix("$") + r"\Z"
