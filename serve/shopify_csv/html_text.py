"""HTML to text and back: a description is text in the shop, never markup for somebody's browser."""

import re
from html import escape
from html.parser import HTMLParser


def plain_text(html: str) -> str:
    """What the HTML says, without its tags: a description is text here, never markup for somebody's browser."""
    if "<" not in html and "&" not in html:
        return html.strip()
    reader = _TextOfHtml()
    reader.feed(html)
    reader.close()
    return reader.text()


def markup(text: str) -> str:
    """The text as HTML that reads back as that text, unless it has blank lines or runs of spaces."""
    return escape(text, quote=False).replace("\n", "<br>")


class _TextOfHtml(HTMLParser):
    """Collects text; elements that end a line of thought end a line."""

    BLOCKS = frozenset({"br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "table", "tr", "ul"})
    UNREAD = frozenset({"script", "style"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unread += tag in self.UNREAD
        self._break_at(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unread -= tag in self.UNREAD and self._unread > 0
        self._break_at(tag)

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self._parts.append(re.sub(r"\s+", " ", data))

    def text(self) -> str:
        lines = (line.strip() for line in "".join(self._parts).split("\n"))
        return "\n".join(line for line in lines if line)

    def _break_at(self, tag: str) -> None:
        if tag in self.BLOCKS:
            self._parts.append("\n")
