"""The words of mails: Jinja2 templates of this package, in HTML escaped by themselves.

A letter is `NAME.txt`, whose first line is the subject, and `NAME.html` beside it. A directory of the merchant's own is
looked into first; in it, and here, those of a language are in a folder: `de-AT/NAME.txt`, then `de/NAME.txt`, then
`NAME.txt`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined, select_autoescape

from .port import Attachment, Message


class Letters:
    """Writes letters; whatever a template names and nobody gives is an error."""

    def __init__(self, shop_name: str, shop_url: str, directory: Path | None = None) -> None:
        self._always = {"shop": shop_name, "shop_url": shop_url}
        self._templates = Environment(
            loader=ChoiceLoader(
                [
                    *([FileSystemLoader(directory)] if directory is not None else []),
                    PackageLoader(__package__ or "serve.mail"),
                ]
            ),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def write(
        self,
        letter: str,
        to: str,
        id: str,
        values: Mapping[str, Any],
        locale: str = "",
        attachments: tuple[Attachment, ...] = (),
    ) -> Message:
        """The letter to this address in this language, as far as there is one; `id` is the same for the same mail."""
        given = {**self._always, **values}
        names = names_of(letter, locale)
        subject, _, text = (
            self._templates.select_template([f"{name}.txt" for name in names]).render(given).partition("\n")
        )
        html = self._templates.select_template([f"{name}.html" for name in names]).render(given)
        return Message(id, to, subject.removeprefix("Subject:").strip(), text.lstrip("\n"), html, attachments)


def names_of(letter: str, locale: str) -> list[str]:
    """Where the letter may be, the best first. A locale that is none (it comes from customers) leads nowhere else."""
    parts = [part for part in locale.replace("_", "-").split("-") if part]
    if not all(part.isascii() and part.isalnum() for part in parts):
        return [letter]
    tags = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return [*(f"{tag}/{letter}" for tag in tags), letter]
