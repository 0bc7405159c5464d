"""Problem details (RFC 9457): the one table from what went wrong to what a client is told.

ProblemError    terminal for the request: carries the problem that answers it
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from actors.errors import Overloaded, Unavailable
from engine.kernel import Rejected
from engine.reasons import Reason

from .answers import PROBLEM_JSON, HttpAnswer, answer


class ProblemType(NamedTuple):
    """A kind of problem: its name makes the stable `type` URI, its explanation is served there."""

    name: str
    status: int
    title: str
    explanation: str

    @property
    def uri(self) -> str:
        return f"/problems/{self.name}"


_TYPES = (
    # The business says no: one for each engine.reasons.Reason.
    ProblemType(Reason.INVALID_COMMAND, 422, "Invalid request", "A value is outside of what the shop accepts."),
    ProblemType(Reason.NOT_FOUND, 404, "Not found", "There is nothing here, or it is not yours to see."),
    ProblemType(
        Reason.VERSION_CONFLICT,
        412,
        "Precondition failed",
        "It has changed since the version that `If-Match` or `If-None-Match` names: read it again, then decide.",
    ),
    ProblemType(
        Reason.KEY_REUSED,
        422,
        "Idempotency key reused",
        "The idempotency key was used before for another request. Use a new key for a new request.",
    ),
    ProblemType(
        Reason.INSUFFICIENT_STOCK,
        409,
        "Insufficient stock",
        "Not all lines are available, so nothing was bought; `lines` says what is left.",
    ),
    ProblemType(
        Reason.CUSTOMER_LIMIT, 409, "Limit per customer", "The quantity would exceed what one customer may buy."
    ),
    ProblemType(Reason.RESERVATION_UNKNOWN, 409, "Reservation unknown", "There is no such reservation."),
    ProblemType(
        Reason.RESERVATION_ENDED, 409, "Reservation ended", "The units are no longer held; nothing was bought."
    ),
    ProblemType(Reason.STOCK_IN_USE, 409, "Stock in use", "Units that are reserved can't be taken off the stock."),
    ProblemType(
        Reason.CART_SEALED, 409, "Cart sealed", "An order is checking this cart out, or has: it can't be changed now."
    ),
    ProblemType(Reason.CART_EMPTY, 409, "Cart empty", "There is nothing in the cart to check out."),
    ProblemType(Reason.CART_EXPIRED, 410, "Cart expired", "The cart was not used for 30 days. Open a new one."),
    ProblemType(
        Reason.CART_CHANGED, 409, "Cart changed", "The cart has changed since it was looked at. Nothing was bought."
    ),
    ProblemType(Reason.COUPON_UNKNOWN, 422, "Coupon unknown", "There is no such coupon code."),
    ProblemType(Reason.COUPON_ENDED, 409, "Coupon ended", "The coupon code can't be used any more."),
    ProblemType(Reason.COUPON_EXHAUSTED, 409, "Coupon exhausted", "The coupon code was used as often as it may be."),
    ProblemType(Reason.COUPON_LIMIT, 409, "Coupon limit reached", "A customer can't use the coupon code so often."),
    ProblemType(Reason.GIFT_CARD_UNKNOWN, 422, "Gift card unknown", "There is no such gift card."),
    ProblemType(Reason.GIFT_CARD_BLOCKED, 409, "Gift card blocked", "The gift card is blocked."),
    ProblemType(Reason.GIFT_CARD_EXPIRED, 409, "Gift card expired", "The gift card has expired."),
    ProblemType(
        Reason.GIFT_CARD_INSUFFICIENT, 409, "Gift card insufficient", "There is less left than the order would take."
    ),
    ProblemType(Reason.CART_MERGED, 410, "Cart merged", "Its lines are in the cart of the customer who logged in."),
    ProblemType(Reason.CART_FULL, 409, "Cart full", "The cart can't take another line or so many units."),
    ProblemType(
        Reason.CURRENCY_MISMATCH, 422, "Currency mismatch", "All lines of a cart or an order have one currency."
    ),
    ProblemType(
        Reason.PRODUCT_UNAVAILABLE, 422, "Product unavailable", "A line names a SKU that this shop doesn't sell."
    ),
    ProblemType(
        Reason.PAYMENT_DECLINED,
        402,
        "Payment declined",
        "The payment provider declined; nothing was bought. Try again with a new idempotency key.",
    ),
    ProblemType(
        Reason.PAYMENT_EXPIRED,
        402,
        "Payment expired",
        "The payment was not completed in time; nothing was bought and nothing will be charged.",
    ),
    ProblemType(
        Reason.ORDER_NOT_CANCELLABLE, 409, "Order not cancellable", "The order has ended or has left the warehouse."
    ),
    ProblemType(Reason.ORDER_NOT_FULFILLABLE, 409, "Order not fulfillable", "Only a confirmed order can leave."),
    ProblemType(Reason.ORDER_CANCELLED, 409, "Order cancelled", "The order was cancelled before it was confirmed."),
    ProblemType(
        Reason.TOO_MANY_ATTEMPTS, 429, "Too many attempts", "It was tried too often. Try again after `Retry-After`."
    ),
    ProblemType(Reason.HANDLE_TAKEN, 409, "Taken", "Another account is found by this already."),
    ProblemType(Reason.LOGIN_REFUSED, 403, "Refused", "Password, code or link isn't right, or not any more."),
    ProblemType(Reason.SCOPE_REFUSED, 400, "Scope refused", "There is no such scope, or it isn't yours to ask for."),
    ProblemType(Reason.SECOND_FACTOR_REQUIRED, 403, "Code required", "Send a code of your second factor, too."),
    ProblemType(Reason.SECOND_FACTOR_IN_USE, 409, "Second factor in use", "End the one in use before another."),
    ProblemType(Reason.TOO_MANY, 409, "Too many", "There are as many of these as there can be."),
    ProblemType(Reason.NUMBER_TAKEN, 409, "Number taken", "Another order has this number."),
    ProblemType(
        Reason.ORDER_NOT_OPEN, 409, "Order not open", "Only an order that was bought, and not undone, can do this."
    ),
    ProblemType(
        Reason.ORDER_IMPORTED, 409, "Order imported", "Another system sold it: here it can be looked at, not changed."
    ),
    ProblemType(
        Reason.UNITS_UNAVAILABLE,
        409,
        "Units not available",
        "More units were named than are free for this: others are packed, have left, came back or were cancelled.",
    ),
    ProblemType(Reason.STEP_NOT_ALLOWED, 409, "Step not allowed", "It has not come so far, or is further already."),
    ProblemType(
        Reason.RETURN_WINDOW_OVER, 409, "Return window over", "Returns are asked for within days of the arrival."
    ),
    ProblemType(
        Reason.REFUND_TOO_HIGH,
        409,
        "Refund too high",
        "Never more goes back than was captured; `refundable` says how much is left, in minor units.",
    ),
    ProblemType(
        Reason.EDIT_UNDER_WAY, 409, "Edit under way", "An order is edited once at a time: wait, pay or withdraw it."
    ),
    ProblemType(
        Reason.BACKORDER_WAITING,
        409,
        "Goods not here yet",
        "The line was sold before it was here: it can leave when the goods have come, those of older orders first.",
    ),
    ProblemType(Reason.SALE_NOT_STARTED, 409, "Sale not started", "The sale begins at `starts_at`, to the second."),
    ProblemType(
        Reason.SALE_ENDED, 409, "Sale ended", "Nothing is sold at the sale's price any more; nothing was bought."
    ),
    ProblemType(
        Reason.SALE_NOT_CHANGEABLE, 409, "Sale not changeable", "A sale that has started can only be cancelled."
    ),
    ProblemType(Reason.SALE_OVERLAPS, 409, "Sales overlap", "Another sale of the same SKU runs at that time."),
    ProblemType(
        Reason.CATEGORY_RING,
        409,
        "Ring of categories",
        "A category can't be below itself; `path` says how it would be.",
    ),
    ProblemType(Reason.CATEGORY_NOT_EMPTY, 409, "Category not empty", "Move or remove the categories below it first."),
    ProblemType(Reason.CATEGORY_TREE_FULL, 409, "Category tree full", "The tree can't take another category."),
    ProblemType(Reason.SOLD_OUT, 409, "Sold out", "All units of the sale are sold."),
    ProblemType(
        Reason.WAITING_ROOM,
        409,
        "Waiting room",
        "Others come first: take a place in line at `line`, wait until it is called, and buy with its ticket.",
    ),
    ProblemType(
        Reason.TICKET_INVALID,
        403,
        "Ticket invalid",
        "The ticket is not for this sale and this customer, was used already, or its call has lapsed.",
    ),
    ProblemType(Reason.LINE_CLOSED, 409, "No line", "Nobody needs a place in line now: just buy."),
    ProblemType(Reason.LINE_FULL, 409, "Line full", "No more places are given; there are far more than units."),
    ProblemType(
        Reason.LINE_ADDRESS_LIMIT, 429, "Too many places", "No more places in line are given to this network address."
    ),
    ProblemType(
        Reason.WRONG_STATE, 409, "Wrong state", "This can't be done with it any more, or not yet; `status` says why."
    ),
    ProblemType(
        Reason.MORE_THAN_SENT, 409, "More than was sent", "A transfer can't deliver more than is in transit of a SKU."
    ),
    ProblemType(Reason.LEASE_TAKEN, 409, "Taken", "Another process does this now."),
    ProblemType(Reason.ENDPOINT_DISABLED, 409, "Endpoint disabled", "Nothing is sent there; enable it first."),
    ProblemType(Reason.REORDER_OPEN, 409, "On another draft", "Another automatic draft has the SKU."),
    # The request itself is at fault.
    ProblemType("malformed-json", 400, "Malformed JSON", "The body is not a JSON text in UTF-8."),
    ProblemType(
        "idempotency-key-missing",
        400,
        "Idempotency key missing",
        "Purchases need an `Idempotency-Key` header: new for each purchase, the same for its retries.",
    ),
    ProblemType(
        "idempotency-key-invalid",
        400,
        "Idempotency key invalid",
        "An idempotency key has 1 to 255 visible ASCII characters; a UUID is a good one.",
    ),
    ProblemType(
        "webhook-unverified", 401, "Webhook not verified", "The signature is missing, too old, or not the provider's."
    ),
    ProblemType(
        "payment-method-unknown",
        422,
        "Payment method unknown",
        "This shop doesn't take that payment method; `methods` lists those that it takes.",
    ),
    ProblemType("bad-request", 400, "Bad request", "The request can't be understood."),
    ProblemType("unauthorized", 401, "Unauthorized", "Send `Authorization: Bearer` with the right key or token."),
    ProblemType("forbidden", 403, "Forbidden", "Your token is good, and not for this: it lacks a scope."),
    ProblemType("method-not-allowed", 405, "Method not allowed", "`Allow` lists the methods of this resource."),
    ProblemType(
        "price-changed",
        409,
        "Price changed",
        "It costs more than was seen. The cart shows it now: check out again to accept.",
    ),
    ProblemType(
        "coupon-unused", 409, "Coupon unused", "A coupon code takes nothing off, so nothing was bought: leave it out."
    ),
    ProblemType(
        "region-required", 422, "Region required", "Taxes depend on where it goes: send `region` or an address."
    ),
    ProblemType("promotion-unknown", 422, "Promotion unknown", "There is no such promotion."),
    ProblemType("shipping-required", 422, "Shipping required", "Choose how it is brought: send `shipping`."),
    ProblemType("shipping-unavailable", 422, "Shipping unavailable", "The method doesn't bring these goods there."),
    ProblemType(
        "too-many-requests", 429, "Too many requests", "You ask too often: `RateLimit` says how much is left, and when."
    ),
    ProblemType("invalid-grant", 400, "Invalid grant", "Password, code or token isn't right, or not any more."),
    ProblemType("invalid-client", 401, "Invalid client", "The client isn't known by this id and secret."),
    ProblemType("invalid-scope", 400, "Invalid scope", "There is no such scope, or it isn't yours to ask for."),
    ProblemType("unsupported-grant-type", 400, "Unsupported grant type", "See the metadata for what is supported."),
    ProblemType("mfa-required", 400, "Code required", "Send the same again with your second factor's code as `otp`."),
    ProblemType("body-too-large", 413, "Body too large", "The body is larger than this resource accepts."),
    ProblemType("unsupported-media-type", 415, "Unsupported media type", "Send a body as `application/json`."),
    ProblemType(
        "invalid-request",
        422,
        "Invalid request",
        "Fields are missing, unknown or have a wrong type or value; `errors` lists each.",
    ),
    ProblemType(
        "not-replayable", 409, "Not replayable", "This consumer keeps its position with its data: it can't read again."
    ),
    # The shop is at fault.
    ProblemType("internal-error", 500, "Internal error", "The fault is ours; the request id helps us to find it."),
    ProblemType(
        "unavailable",
        503,
        "Temporarily unavailable",
        "The shop could not answer in time. Send the same again, with the same idempotency key, after `Retry-After`.",
    ),
    ProblemType(
        "overloaded", 503, "Overloaded", "Too many requests wait for the same thing. Retry after `Retry-After`."
    ),
    ProblemType("not-ready", 503, "Not ready", "The shop is starting or stopping."),
)
PROBLEM_TYPES: Mapping[str, ProblemType] = {str(kind.name): kind for kind in _TYPES}

_encode = msgspec.json.Encoder().encode


def problem(
    name: str,
    detail: str = "",
    *,
    instance: str = "",
    members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> HttpAnswer:
    """The answer that tells of a problem; `members` are its extension members."""
    kind = PROBLEM_TYPES[name]
    body = {"type": kind.uri, "title": kind.title, "status": kind.status, "detail": detail or kind.explanation}
    if instance:
        body["instance"] = instance
    # The standard members are named last, so that an extension can't take their place.
    content = _encode({**body, **(members or {}), **body})
    return answer(kind.status, content, media_type=PROBLEM_JSON, headers=(headers or {}).items())


class ProblemError(Exception):
    """Ends a request with a problem."""

    def __init__(
        self,
        name: str,
        detail: str = "",
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name, detail, members, headers)
        self.name = name
        self.detail = detail
        self.members = members
        self.headers = headers

    def answer(self) -> HttpAnswer:
        return problem(self.name, self.detail, members=self.members, headers=self.headers)


def refusal(rejected: Rejected, *, instance: str = "") -> HttpAnswer:
    """The problem for a refusal of the business."""
    return problem(rejected.reason, _sentence(rejected), instance=instance, members=_members(rejected))


def refused(rejected: Rejected) -> ProblemError:
    """The same, to raise from a route."""
    return ProblemError(rejected.reason, _sentence(rejected), _members(rejected), retry_after(rejected))


def retry_after(rejected: Rejected) -> dict[str, str] | None:
    """The header that tells when to try again, where the refusal says it."""
    seconds = rejected.details.get("retry_after_s")
    return {"retry-after": str(seconds)} if seconds else None


def unavailable(error: Unavailable) -> HttpAnswer:
    """The problem for a command that nobody could carry out in time."""
    return problem(unavailable_name(error), headers={"retry-after": str(error.retry_after_s)})


def unavailable_name(error: Unavailable) -> str:
    """The name of that problem."""
    return "overloaded" if isinstance(error, Overloaded) else "unavailable"


def _sentence(rejected: Rejected) -> str:
    """The reason in words with this case's figures; empty where the general explanation says it all."""
    details = rejected.details
    match rejected.reason:
        case Reason.INVALID_COMMAND if "field" in details:
            return f"{details['field']} must {details['must']}."
        case Reason.INSUFFICIENT_STOCK:
            return " ".join(_line_sentence(line) for line in details.get("lines", ()))
        case Reason.CUSTOMER_LIMIT:
            return " ".join(f"{line['sku']} is limited to {line['limit']}." for line in details.get("lines", ()))
        case Reason.PAYMENT_DECLINED if "code" in details:
            return f"The payment provider declined: {details['code']}."
    return ""


def _line_sentence(line: Mapping[str, Any]) -> str:
    left = f"{line['available']} left" if line["available"] else "sold out"
    return f"{line['sku']}: {line['requested']} requested, {left}."


def _members(rejected: Rejected) -> Mapping[str, Any]:
    """What a client may use of the details; which field of a command is at fault means nothing to it."""
    return {} if rejected.reason is Reason.INVALID_COMMAND else rejected.details
