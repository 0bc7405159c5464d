"""Choices of attributes as a query writes them: `colour:red`, `weight_g:100..500`, `ports:2..`."""

import re
from collections.abc import Iterable

from ..search.request import Between
from .problems import ProblemError

Values = tuple[tuple[str, tuple[str, ...]], ...]
Figures = tuple[tuple[str, Between], ...]

_FIGURE = r"-?\d{1,15}(?:\.\d{1,9})?"
_RANGE = re.compile(rf"({_FIGURE})?\.\.({_FIGURE})?")


def attribute_choices(texts: Iterable[str]) -> tuple[Values, Figures]:
    """Values by attribute, of which one must match, and ranges, which must all match. Raises ProblemError."""
    values: dict[str, list[str]] = {}
    figures: list[tuple[str, Between]] = []
    for text in texts:
        name, colon, value = text.partition(":")
        if not (name and colon and value):
            raise _unreadable(text)
        if match := _RANGE.fullmatch(value):
            least, most = (None if bound is None else float(bound) for bound in match.groups())
            figures.append((name, Between(least, most)))
        else:
            values.setdefault(name, []).append(value)
    return tuple((name, tuple(chosen)) for name, chosen in values.items()), tuple(figures)


def _unreadable(text: str) -> ProblemError:
    detail = f"{text!r} is no choice: write it as name:value or name:least..most."
    return ProblemError("invalid-request", detail, {"errors": [{"in": "query", "name": "attribute", "detail": detail}]})
