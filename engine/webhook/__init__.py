"""Outgoing webhooks by the Standard Webhooks specification: endpoints that sign, deliveries that try for days."""

from .delivery import (
    DELIVERY,
    Attempt,
    Deliver,
    DeliveryView,
    LookDelivery,
    PostWebhook,
    Redeliver,
    WebhookAnswered,
)
from .endpoint import (
    ENDPOINT,
    EnableEndpoint,
    EndpointView,
    LookEndpoint,
    Noted,
    PutEndpoint,
    RemoveEndpoint,
    RotateSecret,
)

__all__ = [
    "DELIVERY",
    "ENDPOINT",
    "Attempt",
    "Deliver",
    "DeliveryView",
    "EnableEndpoint",
    "EndpointView",
    "LookDelivery",
    "LookEndpoint",
    "Noted",
    "PostWebhook",
    "PutEndpoint",
    "Redeliver",
    "RemoveEndpoint",
    "RotateSecret",
    "WebhookAnswered",
]
