"""OAuth2's words for what happens: problems that carry `error` and `error_description`, clients by HTTP Basic."""

from base64 import b64decode
from binascii import Error as Base64Error
from urllib.parse import unquote_plus

from starlette.requests import Request

from engine.kernel import Rejected
from engine.reasons import Reason

from .problems import PROBLEM_TYPES, ProblemError, retry_after

_NAMES = {
    Reason.LOGIN_REFUSED: "invalid-grant",
    Reason.NOT_FOUND: "invalid-grant",
    Reason.SCOPE_REFUSED: "invalid-scope",
    Reason.SECOND_FACTOR_REQUIRED: "mfa-required",
    Reason.TOO_MANY_ATTEMPTS: str(Reason.TOO_MANY_ATTEMPTS),
}


def oauth_refused(rejected: Rejected) -> ProblemError:
    """The problem of a token request that was refused."""
    return oauth_error(_NAMES.get(rejected.reason, "invalid-grant"), retry_after(rejected))


def oauth_error(name: str, headers: dict[str, str] | None = None) -> ProblemError:
    """A problem that clients of OAuth2 understand, too."""
    members = {"error": name.replace("-", "_"), "error_description": PROBLEM_TYPES[name].explanation}
    if name == "invalid-client":
        headers = {"www-authenticate": 'Basic realm="doorbuster"'}
    return ProblemError(name, members=members, headers=headers)


def basic_client(request: Request) -> tuple[str, str] | None:
    """Id and secret of a client that shows them by HTTP Basic (RFC 6749, 2.3.1)."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = b64decode(credentials.strip(), validate=True).decode().partition(":")
    except (Base64Error, ValueError):
        return None
    return unquote_plus(client_id), unquote_plus(secret)
