"""What a purchase would cost now, with every discount, tax and tender; nothing is held by asking."""

import msgspec
from starlette.responses import Response

from ...shop import Shop
from ..answers import answer, response_of, timestamp
from ..charges import AmountOut, charges_of
from ..openapi import body_problems
from ..prices import groups_of
from ..purchase import lines_of
from ..quoting import Charged, charged, merged
from ..requests import OrderRequestLine
from ..routing import StrictRoute, ThePrincipal, TheShop, router_of
from ..schemas.quote import QuoteIn, QuoteOut
from ..wishes import WishRequest, wishes_of

router = router_of(StrictRoute, "orders")
_encode = msgspec.json.Encoder().encode


@router.post("/v1/quote", response_model=QuoteOut, responses=body_problems(401, 409))
async def quote_purchase(wanted: QuoteIn, shop: TheShop, principal: ThePrincipal) -> Response:
    """What an express purchase of these lines would cost."""
    wishes = wishes_of(shop.secret, WishRequest(**wanted.wishes()))
    request = [OrderRequestLine(line.sku, line.quantity) for line in wanted.lines]
    lines, _units, products = await lines_of(shop, request, wanted.currency, groups_of(shop, principal.account_id))
    costs = await charged(shop, wishes, merged(lines), products, account_id=principal.account_id, binding=False)
    return quote_answer(shop, costs)


def quote_answer(shop: Shop, costs: Charged) -> Response:
    """A quote as it is shown."""
    quote = costs.quote
    body = {
        **msgspec.to_builtins(charges_of(quote, costs.claims)),
        "unused_coupons": [{"code": each.code, "why": each.why} for each in quote.unused],
        "shipping_options": [
            {"method": method, "title": title, "price": AmountOut(price, quote.currency)}
            for method, title, price in costs.options
        ],
        "at": timestamp(shop.now()),
    }
    return response_of(answer(200, _encode(body), headers=[("cache-control", "no-store")]))
