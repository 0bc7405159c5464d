"""The words of mails: Jinja2 templates of this package, in HTML escaped by themselves.

A letter is `NAME.txt`, whose first line is the subject, and `NAME.html` beside it.
"""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from .port import Message


class Letters:
    """Writes letters; whatever a template names and nobody gives is an error."""

    def __init__(self, shop_name: str, shop_url: str) -> None:
        self._always = {"shop": shop_name, "shop_url": shop_url}
        self._templates = Environment(
            loader=PackageLoader(__package__ or "serve.mail"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def write(self, letter: str, to: str, id: str, values: Mapping[str, Any]) -> Message:
        """The letter to this address; `id` is the same for the same mail."""
        given = {**self._always, **values}
        subject, _, text = self._templates.get_template(f"{letter}.txt").render(given).partition("\n")
        html = self._templates.get_template(f"{letter}.html").render(given)
        return Message(id, to, subject.removeprefix("Subject:").strip(), text.lstrip("\n"), html)
