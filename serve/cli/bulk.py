"""Brings products into a running shop over HTTP: in batches, several under way, each sent again when it must be.

Sending a batch twice changes nothing: a product that is the same stays, and a stock receipt counts once per SKU.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import httpx

ROWS_PER_REQUEST = 250
"""The API takes 500; with half of that, four requests in flight are spread evenly even over a small file."""
REQUESTS_IN_FLIGHT = 4
REQUEST_TIMEOUT_S = 60.0
ATTEMPTS = 8
LONGEST_PAUSE_S = 5.0
RETRYABLE = frozenset({429, 502, 503, 504})


class BulkError(Exception):
    """The shop can't be reached or doesn't take the import; the message says what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)


class Result(NamedTuple):
    """What became of one row."""

    row: int
    sku: str
    status: str
    error: str | None


def bring_in(rows: Iterable[dict[str, Any]], url: str, key_file: Path) -> Iterator[Result]:
    """Send all rows; results come as batches are answered, in no particular order. Raises `BulkError`."""
    with admin_client(url, key_file) as client, ThreadPoolExecutor(REQUESTS_IN_FLIGHT) as pool:
        ensure_there(client)
        remaining = iter(rows)
        under_way: set[Future[list[Result]]] = set()
        while True:
            # Only as many batches are read ahead as are under way: a file of any size needs little memory.
            while len(under_way) < REQUESTS_IN_FLIGHT and (batch := list(islice(remaining, ROWS_PER_REQUEST))):
                under_way.add(pool.submit(_send, client, batch))
            if not under_way:
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for answered in done:
                yield from answered.result()


def bring_in_families(rows: Sequence[dict[str, Any]], url: str, key_file: Path) -> Iterator[Result]:
    """As `bring_in`, for pages of products: rows have a `handle` in place of the SKU."""
    with admin_client(url, key_file) as client:
        for start in range(0, len(rows), ROWS_PER_REQUEST):
            batch = rows[start : start + ROWS_PER_REQUEST]
            families = [{name: value for name, value in row.items() if name != "row"} for row in batch]
            answered = post(client, "/v1/admin/families/bulk", {"families": families})
            for row, result in zip(batch, answered, strict=True):
                yield Result(row["row"], row["handle"], result["status"], result.get("error"))


def admin_client(url: str, key_file: Path) -> httpx.Client:
    """A client of the shop with the admin key; raises `BulkError` without one."""
    try:
        key = key_file.read_text().strip()
    except OSError as error:
        raise BulkError(
            f"The admin key {key_file} can't be read ({error.strerror}). Name it with --key-file."
        ) from error
    # Proxies of the environment are for the internet, not for a shop that was named by its address.
    return httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=REQUEST_TIMEOUT_S, trust_env=False
    )


def ensure_there(client: httpx.Client) -> None:
    """A shop that was never there is not waited for; one that restarts meanwhile is."""
    try:
        client.get("/healthz")
    except httpx.TransportError as error:
        raise BulkError(f"The shop at {client.base_url} does not answer ({error}). Does it run?") from error


def _send(client: httpx.Client, batch: list[dict[str, Any]]) -> list[Result]:
    return [
        Result(result["row"], result["sku"], result["status"], result.get("error"))
        for result in post(client, "/v1/admin/import", {"rows": batch})
    ]


def post(client: httpx.Client, path: str, body: Any) -> list[dict[str, Any]]:
    """The results of a bulk route, sent for again as long as it makes sense. Raises `BulkError`."""
    content = json.dumps(body, ensure_ascii=False).encode()
    for attempt in range(ATTEMPTS):
        last = attempt == ATTEMPTS - 1
        try:
            answer = client.post(path, content=content, headers={"Content-Type": "application/json"})
        except httpx.TransportError as error:
            if last:
                raise BulkError(f"The shop at {client.base_url} does not answer ({error}). Does it run?") from error
            time.sleep(min(0.1 * 2**attempt, LONGEST_PAUSE_S))
            continue
        if answer.status_code in RETRYABLE and not last:
            time.sleep(_pause_s(answer, attempt))
            continue
        return _results(answer)
    raise AssertionError("the last attempt returns or raises")


def _pause_s(answer: httpx.Response, attempt: int) -> float:
    """What the shop asks for, within reason."""
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked) if asked.isdecimal() else 0.1 * 2**attempt, LONGEST_PAUSE_S)


def _results(answer: httpx.Response) -> list[dict[str, Any]]:
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        raise BulkError("The shop does not accept this admin key. Is it another shop's? Name the file with --key-file.")
    if answer.status_code != httpx.codes.OK:
        raise BulkError(f"The shop refuses the import: {answer.status_code} {_detail(answer)}")
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def _detail(answer: httpx.Response) -> str:
    """The problem's own words, if it is a problem document."""
    try:
        problem = answer.json()
    except ValueError:
        return answer.text[:200]
    return str(problem.get("detail") or problem.get("title") or "") if isinstance(problem, dict) else ""
