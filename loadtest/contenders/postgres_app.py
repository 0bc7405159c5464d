"""The shop a team would write on PostgreSQL: the web process of the `postgres` contender."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from .purchase import IdempotencyKey, Purchase

BUY = "SELECT buy($1, $2, $3, $4, $5, $6)"
FIRST_ANSWER = "SELECT id FROM orders WHERE idempotency_key = $1"


def create_app() -> FastAPI:
    """The application; the database and the pool's size come from the environment of its process."""
    app = FastAPI(lifespan=connected, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> JSONResponse:
        return JSONResponse({})

    @app.post("/v1/orders")
    async def buy(request: Request, purchase: Purchase, idempotency_key: IdempotencyKey) -> JSONResponse:
        pool: asyncpg.Pool = request.app.state.pool
        line = purchase.lines[0]
        order_id = uuid.uuid4()
        async with pool.acquire() as connection:
            sold = await connection.fetchval(
                BUY, order_id, idempotency_key, line.sku, line.quantity, purchase.email, purchase.payment.token
            )
            if sold is None:
                order_id = await connection.fetchval(FIRST_ANSWER, idempotency_key)
        if sold is False:
            return JSONResponse({"type": "/problems/insufficient-stock", "sku": line.sku}, 409)
        return JSONResponse({"id": str(order_id), "status": "confirmed"}, 201)

    return app


@asynccontextmanager
async def connected(app: FastAPI) -> AsyncIterator[None]:
    size = int(os.environ["BENCH_POOL_SIZE"])
    async with asyncpg.create_pool(os.environ["BENCH_DSN"], min_size=size, max_size=size) as pool:
        app.state.pool = pool
        yield
