"""What a gateway remembers to spare a question: never needed for its answers to be right."""

from typing import Generic, TypeVar

KEPT = 10_000
"""Entries remembered; the oldest is forgotten first."""

Value = TypeVar("Value")


class BoundedMemory(Generic[Value]):
    """A dictionary that forgets."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._values: dict[str, Value] = {}

    def get(self, key: str) -> Value | None:
        return self._values.get(key)

    def put(self, key: str, value: Value) -> None:
        self._values[key] = value
        if len(self._values) > self._kept:
            del self._values[next(iter(self._values))]
