"""The flash sale a team would write on Redis: the web process of the `redis` contender."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from .pipelined_script import PipelinedScript
from .purchase import IdempotencyKey, Purchase

BUY = """
local first_answer = redis.call('GET', KEYS[3])
if first_answer then return first_answer end
local left = tonumber(redis.call('GET', KEYS[1]) or 0)
local quantity = tonumber(ARGV[2])
if left < quantity then return '' end
redis.call('DECRBY', KEYS[1], quantity)
redis.call('HSET', KEYS[2], 'sku', ARGV[1], 'quantity', quantity, 'email', ARGV[3], 'payment_token', ARGV[4])
redis.call('SET', KEYS[3], ARGV[5])
redis.call('INCR', KEYS[4])
return ARGV[5]
"""


def create_app() -> FastAPI:
    """The application; the server's socket comes from the environment of its process."""
    app = FastAPI(lifespan=connected, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        return JSONResponse({})

    @app.post("/v1/orders")
    async def buy(request: Request, purchase: Purchase, idempotency_key: IdempotencyKey) -> JSONResponse:
        line = purchase.lines[0]
        order_id = uuid.uuid4().hex
        keys = (f"stock:{line.sku}", f"order:{order_id}", f"key:{idempotency_key}", "orders:count")
        arguments = (line.sku, line.quantity, purchase.email, purchase.payment.token, order_id)
        script: PipelinedScript = request.app.state.script
        sold = await script(keys, arguments)
        if not sold:
            return JSONResponse({"type": "/problems/insufficient-stock", "sku": line.sku}, 409)
        return JSONResponse({"id": sold.decode(), "status": "confirmed"}, 201)

    return app


@asynccontextmanager
async def connected(app: FastAPI) -> AsyncIterator[None]:
    socket = os.environ["BENCH_REDIS_SOCKET"]
    async with redis.asyncio.Redis(unix_socket_path=socket, single_connection_client=True) as client:
        app.state.script = PipelinedScript(client, await client.script_load(BUY))
        yield
