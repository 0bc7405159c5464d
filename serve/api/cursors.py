"""Pages: an opaque cursor names the last key that was shown, so a page is right whatever was added or removed since."""

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Annotated

from fastapi import Query

from .bounds import MAX_PAGE
from .problems import ProblemError

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Items in a page.")]
Cursor = Annotated[str, Query(max_length=400, description="`next_cursor` of the page before.")]


def cursor_after(key: str) -> str:
    """The cursor of the page that follows the key."""
    return urlsafe_b64encode(key.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> str:
    """The key that the cursor names; empty for the first page. Raises ProblemError."""
    try:
        return b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (Base64Error, ValueError) as error:
        detail = "This is no cursor of ours: take `next_cursor` of the page before."
        errors = [{"in": "query", "name": "cursor", "detail": detail}]
        raise ProblemError("invalid-request", detail, {"errors": errors}) from error
