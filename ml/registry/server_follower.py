"""Following a registry on an MLflow server, by its REST API."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from ..errors import RegistryUnreachable
from .fetching import fetched
from .release import (
    DEFAULT_MARKET,
    DIGEST_TAG,
    MODEL_TAG,
    REGISTERED,
    RELEASE_TAG,
    Release,
    Version,
    document_of,
    effective,
    market_of,
    registered_name,
)

API = "/api/2.0/mlflow"
TIMEOUT_S = 2.0
MARKETS_LIMIT = 1_000
VERSIONS_KNOWN = 64
NOT_FOUND = 404


class ServerFollower:
    """One request for each look; a version is asked for once, since it doesn't change.

    The credentials are those of the URL, or the ones that MLflow's own clients take from the environment. They are in
    no message of an error: those have the server's name only.
    """

    def __init__(self, registry: str, cache: Path, transport: httpx.BaseTransport | None = None) -> None:
        self._registry = registry
        self._cache = cache
        self._name = urlsplit(registry).hostname or "?"
        self._client = httpx.Client(
            base_url=registry.rstrip("/") + API,
            timeout=TIMEOUT_S,
            trust_env=False,
            transport=transport,
            verify=os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() != "true",
            **_credentials(),
        )
        self._versions: dict[tuple[str, int], Version] = {}

    def release(self, market: str = DEFAULT_MARKET) -> Release:
        found = self._get("/registered-models/get", {"name": registered_name(market)})
        model = found.get("registered_model", {}) if found else {}
        tags = {tag["key"]: tag.get("value", "") for tag in model.get("tags", ())}
        aliases = {alias["alias"]: int(alias["version"]) for alias in model.get("aliases", ())}
        now = effective(document_of(tags.get(RELEASE_TAG)), aliases)
        champion, challenger = (
            None if number is None else self.version(market, number) for number in (now.champion, now.challenger)
        )
        return Release(market, champion, challenger, now.mode, now.share, now.number)

    def version(self, market: str, number: int) -> Version | None:
        if (market, number) in self._versions:
            return self._versions[market, number]
        query = {"name": registered_name(market), "version": str(number)}
        found = self._get("/model-versions/get", query)
        if found is None:
            return None
        told = found["model_version"]
        tags = {tag["key"]: tag.get("value", "") for tag in told.get("tags", ())}
        place = self._get("/model-versions/get-download-uri", query) or {}
        location = place.get("artifact_uri") or told.get("source", "")
        version = Version(market, number, tags.get(MODEL_TAG, ""), location, tags.get(DIGEST_TAG, ""))
        # Without a digest it isn't ours, or not yet: it may still be tagged.
        if version.digest:
            if len(self._versions) >= VERSIONS_KNOWN:
                self._versions.clear()
            self._versions[market, number] = version
        return version

    def markets(self) -> Sequence[str]:
        query = {"filter": f"name LIKE '{REGISTERED}%'", "max_results": str(MARKETS_LIMIT)}
        found = self._get("/registered-models/search", query) or {}
        markets = [market_of(model["name"]) for model in found.get("registered_models", ())]
        return sorted(market for market in markets if market is not None)

    def fetch(self, version: Version) -> Path:
        return fetched(version, self._registry, self._cache)

    def close(self) -> None:
        self._client.close()

    def _get(self, path: str, query: Mapping[str, str]) -> Any:
        """The answer's JSON, or None where the server has no such thing."""
        try:
            answer = self._client.get(path, params=query)
            if answer.status_code == NOT_FOUND and answer.json().get("error_code") == "RESOURCE_DOES_NOT_EXIST":
                return None
            if not answer.is_success:
                raise RegistryUnreachable(f"The registry at {self._name} answers {answer.status_code}.")
            return answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise RegistryUnreachable(f"The registry at {self._name} can't be read: {type(error).__name__}") from error


def _credentials() -> dict[str, Any]:
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        return {"headers": {"Authorization": f"Bearer {token}"}}
    if user := os.environ.get("MLFLOW_TRACKING_USERNAME"):
        return {"auth": (user, os.environ.get("MLFLOW_TRACKING_PASSWORD", ""))}
    return {}
