"""A real fuzzer against the whole way (HAProxy, Serve, the lean front, the application), held to `/openapi.json`.

What it sends is derived from the contract, the same in every run: valid requests, and ones that break it in one place.
Each operation is broken in every place by those whom it lets in: whom it doesn't, it tells so before it looks further.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from examples.story import Mailbox, Storyteller, ada_registers
from loadtest.processes import clean_environment

from .running import RunningShop

EXAMPLES_PER_OPERATION = 3
REQUEST_TIMEOUT_S = 30
TIMEOUT_S = 400

CONFIGURATION = """\
# Every refusal is one: a body may break the schema and be too large as well (413).
[checks.negative_data_rejection]
expected-statuses = ["4xx"]
"""
LOCKED = """
[[operations]]
include-name = {names}
phases.coverage.enabled = false
generation.max-examples = 1
"""
"""Where somebody else is let in: whoever is not is refused whatever they send, so a few requests will do."""
OPEN_TO_ALL = """
[[operations]]
include-name = {names}
phases.coverage.generation.mode = "positive"
"""
"""For somebody with a token where none is needed: what is valid may have another answer, what is broken has none."""
NOT_CHECKED = "positive_data_acceptance"
"""A schema can't say which SKUs are sold, which version a cart has, or that 1.0 is no count: all that is refused."""


def fuzz(shop: RunningShop, configuration: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    """One run of schemathesis with its checks: statuses, media types, headers, schemas, what must be refused."""
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert program, "schemathesis is among the packages for development"
    command = [
        *(program, "--config-file", str(configuration), "run", f"{shop.url}/openapi.json"),
        *("--checks", "all", "--exclude-checks", NOT_CHECKED, "--phases", "examples,coverage,fuzzing"),
        *("--max-examples", str(EXAMPLES_PER_OPERATION), "--generation-deterministic", "--continue-on-failure"),
        *("--request-timeout", str(REQUEST_TIMEOUT_S), "--no-shrink", "--no-color", "--warnings", "off"),
        *options,
    ]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        env=clean_environment(),
        # It keeps what it learned below the directory that it runs in.
        cwd=configuration.parent,
        check=False,
    )


def token_of_a_customer(shop: RunningShop) -> str:
    """The access token of somebody who has just registered."""
    with httpx.Client(base_url=shop.url, trust_env=False, timeout=REQUEST_TIMEOUT_S) as http:
        ada = Storyteller("Ada", http)
        ada_registers(ada, "ada-of-the-contract@example.org", Mailbox(shop.data / "mail"))
        return ada.token


class Who(NamedTuple):
    """Who asks, which paths, with which token, and what the contract calls what it opens."""

    paths: str
    token: Callable[[RunningShop], str | None]
    schemes: set[str]


WHO = {
    "anyone": Who("^(?!/v1/admin/)", lambda _shop: None, set()),
    "a customer": Who("^/v1/(me|carts|orders|quote|sales)", token_of_a_customer, {"customer"}),
    "the admin": Who(
        "^/v1/(admin/|reports|orders|products)",
        lambda shop: shop.api.admin_key,
        {"staff", "accessToken"},
    ),
}


def configured(contract: dict[str, Any], who: str) -> str:
    """The configuration for one of them, by what the contract says of who is let in where."""
    asking = WHO[who]
    locked, open_to_all = [], []
    for path, operations in contract["paths"].items():
        for method, operation in operations.items():
            needed = {scheme for schemes in operation.get("security", ()) for scheme in schemes}
            if needed & asking.schemes:
                continue
            if asking.schemes:
                open_to_all.append(f"{method.upper()} {path}")
            elif any(needed & other.schemes and re.search(other.paths, path) for other in WHO.values()):
                locked.append(f"{method.upper()} {path}")
    tables = ((LOCKED, locked), (OPEN_TO_ALL, open_to_all))
    return CONFIGURATION + "".join(table.format(names=json.dumps(names)) for table, names in tables if names)


@pytest.mark.slow
@pytest.mark.timeout(TIMEOUT_S + 60)
@pytest.mark.parametrize("who", WHO)
def test_every_answer_is_one_that_the_contract_names(shop: RunningShop, who: str, tmp_path: Path) -> None:
    paths, token_for, _ = WHO[who]
    token = token_for(shop)
    options = ["--include-path-regex", paths]
    if token:
        options += ["--header", f"Authorization: Bearer {token}"]
    contract = httpx.get(f"{shop.url}/openapi.json", trust_env=False, timeout=REQUEST_TIMEOUT_S).json()
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(configured(contract, who))
    fuzzed = fuzz(shop, configuration, *options)
    assert fuzzed.returncode == 0, fuzzed.stdout[-20_000:] + fuzzed.stderr
