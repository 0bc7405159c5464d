"""Where payment providers call back."""

from typing import Annotated, Literal

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from ..openapi import problems
from ..payments import hear_webhook
from ..routing import StrictRoute, TheShop, read_body, router_of

router = router_of(StrictRoute, "payments")

_RAW = {"requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}}

ProviderName = Annotated[Literal["stripe", "paypal"], Path(description="Whose webhook it is.")]


@router.post("/v1/webhooks/{provider}", status_code=204, responses=problems(401, 404), openapi_extra=_RAW)
async def hear_provider(provider: ProviderName, request: Request, shop: TheShop) -> Response:
    """Take a webhook, which must be signed. Answers once the order has recorded what it comes to."""
    await hear_webhook(shop, provider, request.headers, await read_body(request, shop.settings.max_body_bytes))
    return Response(status_code=204)
