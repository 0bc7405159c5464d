"""The shop of Ray's first tutorial: the servers of the `actor-per-product` contender.

Ends on SIGTERM with everything that it started.
"""

import argparse
import signal
import threading
import uuid

import ray
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from ray import serve
from ray.actor import ActorHandle

from .purchase import IdempotencyKey, Purchase

NAMESPACE = "shop"
MAX_ONGOING_REQUESTS = 1_000
"""With the default (5) Serve's router waits and asks again when all are taken, which would flatter everyone else."""

app = FastAPI(openapi_url=None)
"""At module level as `serve.ingress` wants it; it holds no state."""


class Product:
    """One product's stock and orders, in memory."""

    def __init__(self, units: int) -> None:
        self._left = units
        self._orders: dict[str, str] = {}

    def buy(self, key: str, quantity: int) -> str | None:
        """The order's id (the first one again for a key that was used before); None when sold out."""
        if key in self._orders:
            return self._orders[key]
        if self._left < quantity:
            return None
        self._left -= quantity
        order_id = self._orders[key] = uuid.uuid4().hex
        return order_id

    def left(self) -> int:
        return self._left


class Storefront:
    """Looks the product's actor up by its name once and then calls it for each request."""

    def __init__(self) -> None:
        self._products: dict[str, ActorHandle] = {}

    def _product(self, sku: str) -> ActorHandle:
        if sku not in self._products:
            self._products[sku] = ray.get_actor(sku, namespace=NAMESPACE)
        return self._products[sku]

    @app.get("/healthz")
    async def healthz(self) -> JSONResponse:
        return JSONResponse({})

    @app.get("/v1/stock/{sku}")
    async def stock(self, sku: str) -> JSONResponse:
        return JSONResponse({"on_hand": await self._product(sku).left.remote()})

    @app.post("/v1/orders")
    async def buy(self, purchase: Purchase, idempotency_key: IdempotencyKey) -> JSONResponse:
        line = purchase.lines[0]
        order_id = await self._product(line.sku).buy.remote(idempotency_key, line.quantity)
        if order_id is None:
            return JSONResponse({"type": "/problems/insufficient-stock", "sku": line.sku}, 409)
        return JSONResponse({"id": order_id, "status": "confirmed"}, 201)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--temporary-directory", required=True)
    parser.add_argument("--sku", required=True)
    parser.add_argument("--units", type=int, required=True)
    arguments = parser.parse_args()

    ray.init(
        address="local",
        include_dashboard=False,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
        _temp_dir=arguments.temporary_directory,
    )
    product = ray.remote(Product).options(name=arguments.sku, namespace=NAMESPACE).remote(arguments.units)
    ray.get(product.left.remote())
    serve.start(http_options={"host": "127.0.0.1", "port": arguments.port})
    deployment = serve.deployment(serve.ingress(app)(Storefront))
    serve.run(deployment.options(max_ongoing_requests=MAX_ONGOING_REQUESTS).bind())
    wait_for_stop()
    serve.shutdown()
    ray.shutdown()


def wait_for_stop() -> None:
    """Block until SIGTERM or SIGINT; called after Ray has installed handlers of its own, which these replace."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()


if __name__ == "__main__":
    main()
