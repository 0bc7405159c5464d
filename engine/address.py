"""Where a purchase goes: kept with the cart and with the order, as it was when that was placed."""

from .kernel import Message


class DeliveryAddress(Message, frozen=True):
    """`country` is an ISO 3166 code; `region` the state or province in it, where taxes or prices need it."""

    name: str
    line1: str
    city: str
    country: str
    line2: str = ""
    postal_code: str = ""
    region: str = ""
    phone: str = ""
