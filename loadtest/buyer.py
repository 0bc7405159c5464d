"""A buyer seen from the client's side: one purchase with one key, and what was answered, kept for the audit."""

import asyncio
import contextlib
import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

import aiohttp

from .errors import LoadTestError

PENDING = 202
CONFIRMED = 201
SOLD_OUT = 409
DECLINED = 402
FINAL_STATUSES = (CONFIRMED, SOLD_OUT, DECLINED)
UNANSWERED = 0
ASK_AGAIN_AFTER_S = 0.25
REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30)


@dataclass(frozen=True)
class Attempt:
    """One request to buy and its answer. `status` 0: none came, so it may or may not have been carried out."""

    key: str
    path: str
    body: Mapping[str, Any]
    status: int = UNANSWERED
    order_id: str = ""
    access_token: str = ""
    problem: str = ""
    """The problem's type where the purchase was refused."""
    digest: str = ""
    """Of the answer's bytes: the same key must get the same ones."""
    retry_after_s: float = 0
    """When the shop wants to be asked again; 0 where it doesn't say."""

    def units_of(self, sku: str) -> int:
        return sum(line["quantity"] for line in self.body.get("lines", ()) if line["sku"] == sku)


def answered(key: str, path: str, body: Mapping[str, Any], status: int, answer: bytes) -> Attempt:
    """The attempt with what it was answered. Anything may come back from a shop in trouble, so nothing is assumed."""
    try:
        told = json.loads(answer)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        told = {}
    is_order = status in (CONFIRMED, PENDING)
    return Attempt(
        key,
        path,
        body,
        status,
        order_id=str(told.get("id", "")) if is_order else "",
        access_token=str(told.get("access_token", "")) if is_order else "",
        problem="" if is_order else str(told.get("type", "")),
        digest=hashlib.sha256(answer).hexdigest(),
    )


async def buy(session: aiohttp.ClientSession, url: str, path: str, body: Mapping[str, Any], key: str) -> Attempt:
    """Send the purchase once; raises aiohttp.ClientError or TimeoutError when no answer comes."""
    async with session.post(url + path, json=body, headers={"Idempotency-Key": key}, timeout=REQUEST_TIMEOUT) as answer:
        attempt = answered(key, path, body, answer.status, await answer.read())
        # Only seconds are ever sent, not dates.
        return replace(attempt, retry_after_s=float(answer.headers.get("Retry-After", 0)))


async def settle(session: aiohttp.ClientSession, url: str, attempt: Attempt, patience_s: float) -> Attempt:
    """Ask again with the same key until the purchase has ended: this is what makes a lost answer harmless.

    Raises LoadTestError when it has not ended after `patience_s`.
    """
    deadline = time.monotonic() + patience_s
    while attempt.status not in FINAL_STATUSES:
        if time.monotonic() > deadline:
            raise LoadTestError(f"the purchase with key {attempt.key} did not end in {patience_s:.0f} s")
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            attempt = await buy(session, url, attempt.path, attempt.body, attempt.key)
        if attempt.status not in FINAL_STATUSES:
            await asyncio.sleep(ASK_AGAIN_AFTER_S)
    return attempt


def write_attempt(file: IO[str], attempt: Attempt) -> None:
    """One line of JSON per attempt."""
    file.write(json.dumps(asdict(attempt)) + "\n")


def read_attempts(file: Path) -> list[Attempt]:
    return [Attempt(**json.loads(line)) for line in file.read_text().splitlines()]


def distinct(attempts: Iterable[Attempt]) -> dict[str, Attempt]:
    """By key; of several attempts with one key, the first that was answered for good."""
    chosen: dict[str, Attempt] = {}
    for attempt in attempts:
        if attempt.key not in chosen or chosen[attempt.key].status not in FINAL_STATUSES:
            chosen[attempt.key] = attempt
    return chosen
