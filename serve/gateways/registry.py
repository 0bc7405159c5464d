"""Which payment providers a shop has: those whose secrets its settings hold."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.kernel import Instant

from .port import Gateway, Provider
from .sandbox import OnSettled, SandboxGateway

if TYPE_CHECKING:
    from ..settings import Settings

SANDBOX = "sandbox"
STRIPE = "stripe"
PAYPAL = "paypal"


def methods_of(settings: "Settings") -> tuple[str, ...]:
    """What a purchase may name as its payment method."""
    return tuple(
        name
        for name, offered in (
            (SANDBOX, settings.sandbox_payments),
            (STRIPE, settings.takes_stripe),
            (PAYPAL, settings.takes_paypal),
        )
        if offered
    )


def providers_of(settings: "Settings", now: Callable[[], Instant]) -> dict[str, Provider]:
    """The providers far away. Their modules are loaded only where they are used: they take time and memory."""
    providers: dict[str, Provider] = {}
    if settings.takes_stripe:
        from .stripe import StripeGateway

        providers[STRIPE] = StripeGateway(
            settings.stripe_secret_key.get_secret_value(),
            settings.stripe_webhook_secret.get_secret_value(),
            now,
            api_url=settings.stripe_api_url,
            return_url=settings.payment_return_url,
        )
    if settings.takes_paypal:
        from .paypal import PayPalGateway
        from .paypal_api import PayPalApi, paypal_http

        http = paypal_http(settings.paypal_api_url)
        api = PayPalApi(settings.paypal_client_id, settings.paypal_client_secret.get_secret_value(), http, now)
        providers[PAYPAL] = PayPalGateway(api, settings.paypal_webhook_id, return_url=settings.payment_return_url)
    return providers


def gateways_of(settings: "Settings", on_settled: OnSettled, now: Callable[[], Instant]) -> dict[str, Gateway]:
    """What the orders of a host call. The sandbox is always there for the orders that were paid by it."""
    return {SANDBOX: SandboxGateway(on_settled), **providers_of(settings, now)}
