"""Showing in a text what was looked for: safe HTML, in which nothing but our own marks is markup."""

import re
from html import escape

from .analysis import Analysis

MARK, UNMARK = "<mark>", "</mark>"
FRAGMENT_LENGTH = 200
"""Characters of a long text that are shown, around the first match."""

_WORDS = re.compile(r"[^\W_]+")


def highlighted(analysis: Analysis, text: str, stems: frozenset[str], length: int = FRAGMENT_LENGTH) -> str:
    """The text, or a part of it, as HTML with what matches in `<mark>`; empty if nothing does."""
    matches = [match for match in _WORDS.finditer(text) if stems.intersection(analysis.stems(match[0]))]
    if not matches:
        return ""
    start, end = _window(text, matches[0].start(), length)
    parts, at = [], start
    for match in matches:
        if match.end() > end:
            break
        parts += [escape(text[at : match.start()]), MARK, escape(match[0]), UNMARK]
        at = match.end()
    parts.append(escape(text[at:end]))
    return ("… " if start else "") + "".join(parts) + (" …" if end < len(text) else "")


def _window(text: str, first: int, length: int) -> tuple[int, int]:
    """The part around the first match, from a word's beginning to a word's end."""
    if len(text) <= length:
        return 0, len(text)
    start = 0 if first < length // 2 else text.rfind(" ", 0, first - length // 4) + 1
    end = min(start + length, len(text))
    if end < len(text):
        end = max(text.rfind(" ", start, end), first + 1)
    return start, end
