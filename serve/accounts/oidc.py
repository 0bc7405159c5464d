"""Logging in at another provider: OpenID Connect's authorization code flow with PKCE, state and nonce.

What must be remembered between the two requests travels with the browser, sealed, in a cookie: any replica can answer
the second one.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import httpx
import jwt
from pydantic import SecretStr

from actors.errors import Unavailable
from engine.kernel import Instant

from .secrets import Links

LOGIN_LIFETIME_S = 600
"""As long as somebody may take at the provider."""
METADATA_KEPT_MS = 3_600_000
KEYS_AGAIN_MS = 10_000
"""Keys that aren't known are asked for at most this often."""
TIMEOUT_S = 10.0
LEEWAY_S = 60
ALGORITHMS = frozenset(("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"))
"""No `none`, and none whose key both sides would have to know."""


class ProviderSettings(Protocol):
    """What is configured of a provider."""

    @property
    def issuer(self) -> str: ...

    @property
    def client_id(self) -> str: ...

    @property
    def client_secret(self) -> SecretStr: ...

    @property
    def scopes(self) -> str: ...

    @property
    def trusts_email(self) -> bool: ...


class Begun(NamedTuple):
    """Where the browser is sent, and what it keeps meanwhile."""

    url: str
    cookie: str


class Identity(NamedTuple):
    """Who somebody is at a provider."""

    provider: str
    issuer: str
    subject: str
    email: str
    email_verified: bool
    name: str


class _Begun(NamedTuple):
    provider: str
    state: str
    nonce: str
    verifier: str


class _Provider:
    """One provider: what it says of itself, and its keys."""

    def __init__(self, name: str, settings: ProviderSettings, now: Callable[[], Instant]) -> None:
        self.name = name
        self.settings = settings
        self._now = now
        self._metadata: dict[str, Any] = {}
        self._keys: dict[str, jwt.PyJWK] = {}
        self._metadata_at: Instant = 0
        self._keys_at: Instant = 0

    async def metadata(self) -> dict[str, Any]:
        """Raises `Unavailable` while the provider doesn't answer, or answers for somebody else."""
        if not self._metadata or self._now() - self._metadata_at > METADATA_KEPT_MS:
            found = await _get(f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != self.settings.issuer:
                raise Unavailable(f"{self.name} says that it is {found.get('issuer')}")
            self._metadata, self._metadata_at = found, self._now()
        return self._metadata

    async def key(self, kid: str) -> jwt.PyJWK | None:
        """The provider's key of this name; without a name, its only one."""
        if self._find(kid) is None and self._now() - self._keys_at > KEYS_AGAIN_MS:
            found = jwt.PyJWKSet.from_dict(await _get((await self.metadata())["jwks_uri"]))
            self._keys = {key.key_id or str(place): key for place, key in enumerate(found.keys)}
            self._keys_at = self._now()
        return self._find(kid)

    def _find(self, kid: str) -> jwt.PyJWK | None:
        if not kid and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    def client(self, redirect_uri: str) -> Any:
        """Authlib's client: imported here, for most shops never need it."""
        from authlib.integrations.httpx_client import AsyncOAuth2Client

        settings = self.settings
        return AsyncOAuth2Client(
            settings.client_id,
            settings.client_secret.get_secret_value(),
            scope=settings.scopes,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_S,
        )


class Providers:
    """The providers that are configured."""

    def __init__(
        self,
        configured: Mapping[str, ProviderSettings],
        public_url: str,
        *,
        secret: bytes,
        now: Callable[[], Instant],
    ) -> None:
        self._providers = {name: _Provider(name, settings, now) for name, settings in configured.items()}
        self._public_url = public_url
        self._logins = Links(secret, "oidc-login", now, LOGIN_LIFETIME_S)

    def trusts_email(self, name: str) -> bool:
        """Whether an address that the provider calls verified is taken for shown."""
        return self._providers[name].settings.trusts_email

    async def begin(self, name: str) -> Begun | None:
        """Begin a login at a provider; None if there is none of this name. Raises actors.errors.Unavailable."""
        provider = self._providers.get(name)
        if provider is None:
            return None
        metadata = await provider.metadata()
        nonce, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        async with provider.client(self._redirect_uri(name)) as client:
            url, state = client.create_authorization_url(
                metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        return Begun(url, self._logins.make(_Begun(name, state, nonce, verifier)))

    async def finish(self, name: str, code: str, state: str, cookie: str) -> Identity | None:
        """Who has logged in, if this is the browser that began and the provider says so. Raises `Unavailable`."""
        begun = self._logins.read(cookie, _Begun)
        provider = self._providers.get(name)
        if provider is None or begun is None or begun.provider != name:
            return None
        if not hmac.compare_digest(begun.state.encode(), state.encode()):
            return None
        from authlib.common.errors import AuthlibBaseError

        metadata = await provider.metadata()
        try:
            async with provider.client(self._redirect_uri(name)) as client:
                token = await client.fetch_token(
                    metadata["token_endpoint"],
                    code=code,
                    code_verifier=begun.verifier,
                    grant_type="authorization_code",
                )
        except AuthlibBaseError:
            return None
        except httpx.HTTPError as error:
            raise Unavailable(f"{name} does not answer: {error}") from error
        claims = await _claims_of(provider, str(token.get("id_token", "")), begun.nonce)
        return _identity_of(provider, claims) if claims is not None else None

    def _redirect_uri(self, name: str) -> str:
        return f"{self._public_url}/v1/auth/oidc/{name}/callback"


async def _claims_of(provider: _Provider, id_token: str, nonce: str) -> dict[str, Any] | None:
    """What the provider says in its ID token, if it is for us and for this very login."""
    settings = provider.settings
    try:
        header = jwt.get_unverified_header(id_token)
        key = await provider.key(str(header.get("kid", "")))
        if key is None or header.get("alg") not in ALGORITHMS:
            return None
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key.key,
            algorithms=[header["alg"]],
            audience=settings.client_id,
            issuer=settings.issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iat", "sub", "aud", "iss"]},
        )
    except (jwt.PyJWTError, ValueError):
        return None
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        return None
    return claims if claims.get("azp", settings.client_id) == settings.client_id else None


def _identity_of(provider: _Provider, claims: Mapping[str, Any]) -> Identity:
    return Identity(
        provider.name,
        provider.settings.issuer,
        str(claims["sub"]),
        str(claims.get("email", "")),
        claims.get("email_verified") is True,
        str(claims.get("name", ""))[:200],
    )


async def _get(url: str) -> dict[str, Any]:
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
            answer = await client.get(url)
            answer.raise_for_status()
            found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(f"{url} does not answer: {error}") from error
    if not isinstance(found, dict):
        raise Unavailable(f"{url} answers with something else")
    return found
