"""The composition of the HTTP API: routes, problem handlers and the frame around them, for one shop."""

from functools import cache
from importlib import metadata

from fastapi import APIRouter
from starlette.middleware.cors import CORSMiddleware

from ..metrics.requests import Requests
from ..shop import Shop
from . import docs
from .handlers import add_handlers
from .middlewares import Frame
from .openapi import Api
from .routes import (
    access,
    admin,
    aftersales,
    auth,
    behaviour,
    cart_wishes,
    carts,
    categories,
    collections,
    families,
    feed,
    gift_cards,
    health,
    history,
    inventory,
    me,
    merchandise,
    metrics,
    oidc,
    online_figures,
    orders,
    outgoing_webhooks,
    payments,
    pricing,
    problems,
    products,
    promotions,
    purchasing,
    quotes,
    recommendations,
    report_schedules,
    reports,
    sale_admin,
    sales,
    search,
    search_admin,
    stock,
    webhooks,
)

ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    products.router,
    products.admin_router,
    stock.router,
    stock.admin_router,
    carts.router,
    orders.router,
    orders.own_router,
    aftersales.own_router,
    aftersales.support_router,
    aftersales.merchant_router,
    webhooks.router,
    payments.router,
    admin.router,
    history.router,
    history.support_router,
    auth.router,
    auth.form_router,
    auth.public_router,
    oidc.router,
    me.router,
    me.secret_router,
    behaviour.router,
    behaviour.own_router,
    recommendations.router,
    recommendations.admin_router,
    online_figures.router,
    access.support_router,
    access.admin_router,
    merchandise.router,
    categories.router,
    categories.admin_router,
    collections.router,
    collections.admin_router,
    families.router,
    families.admin_router,
    families.rename_router,
    pricing.lists_router,
    pricing.router,
    pricing.regions_router,
    sales.router,
    sale_admin.router,
    inventory.locations_router,
    inventory.router,
    purchasing.suppliers_router,
    purchasing.supplies_router,
    purchasing.router,
    outgoing_webhooks.router,
    quotes.router,
    cart_wishes.router,
    promotions.promotions_router,
    promotions.methods_router,
    promotions.groups_router,
    promotions.router,
    gift_cards.router,
    gift_cards.own_router,
    gift_cards.merchant_router,
    gift_cards.support_router,
    search.router,
    search_admin.router,
    feed.router,
    feed.admin_router,
    reports.router,
    report_schedules.schedules_router,
    report_schedules.router,
    metrics.router,
    problems.router,
    docs.router,
)


def build_app(shop: Shop) -> Api:
    """The API as an ASGI application; it holds nothing but `shop`."""
    app = Api(
        title="Doorbuster",
        version=_version(),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Ours is one level further out, in the process that serves; asking for it costs every request.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for router in ROUTERS:
        # As they are: including a router would look every request up twice, for prefixes that ours don't have.
        app.router.routes.extend(router.routes)
    app.state.shop = shop
    if origins := [origin for origin in shop.settings.cors_origins.split(",") if origin]:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Prefer"],
            expose_headers=["ETag", "Location", "Link", "Retry-After", "RateLimit", "RateLimit-Policy", "X-Request-Id"],
            # Tokens travel in a header that a page sets itself: no browser adds them by itself.
            allow_credentials=False,
            max_age=600,
        )
    heard = Requests(shop.metrics).observe
    app.add_middleware(Frame, new_id=shop.new_id, heard=heard, names_requests=shop.names_requests)
    add_handlers(app)
    return app


@cache
def _version() -> str:
    try:
        return metadata.version("doorbuster")
    except metadata.PackageNotFoundError:
        return "0"
