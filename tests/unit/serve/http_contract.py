"""Holds answers to the OpenAPI document: their status, their media type and their body."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
from jsonschema_rs import Draft202012Validator, Registry

DOCUMENT = "urn:doorbuster:openapi"
Steps = tuple[str, ...]


class HttpContract:
    """What a document promises. Each of its schemas is compiled once, when the first answer asks for it."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._paths = [(path.split("/"), path, operations) for path, operations in document["paths"].items()]
        self._schemas = Registry([(DOCUMENT, document)])
        self._validators: dict[Steps, Draft202012Validator] = {}
        self._operations: dict[tuple[str, str], tuple[Steps, dict[str, Any] | None]] = {}

    def hold(self, response: httpx.Response) -> None:
        """Fails if this isn't among what the document says that the request can be answered."""
        request, status = response.request, response.status_code
        path = request.url.raw_path.partition(b"?")[0].decode()
        media_type = response.headers.get("content-type", "").partition(";")[0]
        if status >= 400:
            assert media_type == "application/problem+json", response.text
        template, operation = self._operation("get" if request.method == "HEAD" else request.method.lower(), path)
        if operation is None:
            return
        assert str(status) in operation["responses"], f"{request.method} {path} answers {status}: {response.text}"
        documented = operation["responses"][str(status)].get("content")
        if documented is None or request.method == "HEAD":
            assert not response.content
            return
        assert media_type in documented
        if media_type.endswith("json"):
            self._validator((*template, "responses", str(status), "content", media_type)).validate(response.json())

    def _operation(self, method: str, path: str) -> tuple[Steps, dict[str, Any] | None]:
        """Where the document tells of the operation, and what."""
        if (method, path) not in self._operations:
            self._operations[method, path] = self._found(method, path)
        return self._operations[method, path]

    def _found(self, method: str, path: str) -> tuple[Steps, dict[str, Any] | None]:
        steps = path.split("/")
        for wanted, template, operations in self._paths:
            if len(wanted) == len(steps) and all(
                want == step or want.startswith("{") for want, step in zip(wanted, steps, strict=True)
            ):
                return ("paths", template, method), operations.get(method)
        return (), None

    def _validator(self, steps: Steps) -> Draft202012Validator:
        validator = self._validators.get(steps)
        if validator is None:
            pointer = "/".join(quote(step.replace("~", "~0").replace("/", "~1")) for step in steps)
            schema = {"$ref": f"{DOCUMENT}#/{pointer}/schema"}
            validator = self._validators[steps] = Draft202012Validator(schema, registry=self._schemas)
        return validator
