"""What can be done with accounts, from an address that nobody has shown to be theirs to a session and its end.

Refusals of the business come back as `Rejected`. Nothing here tells, by an answer or by its time, whether an address
has an account: passwords are always hashed, mails leave behind the scenes, attempts are counted for every address.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from engine.account import (
    AccountView,
    ChangeEmail,
    ChangePassword,
    Erase,
    LinkIdentity,
    LookAccount,
    OpenAccount,
    Profile,
    Refresh,
    Rehash,
    SecondFactor,
    SessionView,
    SignIn,
    SignOut,
)
from engine.handle import HandleView, LoginWorked, LookHandle, TakeHandle, TryLogin, TryMail
from engine.kernel import Instant, Rejected, Reply
from engine.reasons import Reason

from ..access.access import Access
from ..access.principal import Kind
from ..mail.letters import Letters
from ..mail.outbox import Outbox
from ..mail.port import Message
from .oidc import Identity
from .passwords import Passwords
from .ports import AccountSettings, Sender
from .second_factor import SecondFactors
from .secrets import SECRET_BYTES, Links, RefreshToken, handle_of, is_email, normalized

OPENING_S = 5.0
VERIFY_LIFETIME_S = 48 * 3_600
RESET_LIFETIME_S = 30 * 60
FRESH_MS = 10 * 60_000
"""Who has no password shows by a login this young that it is really them."""


class Tokens(NamedTuple):
    """What a login gives."""

    access_token: str
    expires_in: int
    scope: str
    refresh_token: str
    account_id: str


class Accounts:
    """The accounts of one shop, as one process sees them; it holds nothing of any account."""

    def __init__(
        self,
        client: Sender,
        settings: AccountSettings,
        access: Access,
        outbox: Outbox,
        letters: Letters,
        passwords: Passwords,
        *,
        secret: bytes,
        now: Callable[[], Instant],
        new_id: Callable[[], str],
    ) -> None:
        self._client = client
        self._settings = settings
        self._access = access
        self._outbox = outbox
        self._letters = letters
        self._passwords = passwords
        self._secret = secret
        self._now = now
        self._new_id = new_id
        self.factors = SecondFactors(secret, settings.shop_name)
        self._verify_links = Links(secret, "verify-email", now, VERIFY_LIFETIME_S)
        self._email_links = Links(secret, "change-email", now, VERIFY_LIFETIME_S)
        self._reset_links = Links(secret, "reset-password", now, RESET_LIFETIME_S)

    # -- opening

    async def register(self, email: str, password: str, profile: Profile) -> Rejected | None:
        """Send a link that opens the account, or word that there is one already. Nothing is kept until then."""
        handle = self.handle_of_mail(email)
        holder = await self._client.send("handle", handle, TryMail(self._new_id()))
        if isinstance(holder, Rejected):
            return holder
        assert isinstance(holder, HandleView)
        hashed = await self._passwords.hash(password)
        mail_id = self._new_id()

        async def write() -> Message | None:
            if holder.account_id:
                return self._letters.write("account-exists", email, mail_id, {})
            content = (f"acc_{self._new_id()}", email, handle, hashed, profile)
            link = self._link("verify-email", self._verify_links.make(content))
            values = {"link": link, "hours": self._verify_links.lifetime_s // 3_600}
            return self._letters.write("verify-email", email, mail_id, values)

        self._outbox.post(write)
        return None

    async def verify_email(self, token: str) -> AccountView | Rejected:
        """Open the account that the link in a mail is for; of several links for one address one does."""
        content = self._verify_links.read(token, tuple[str, str, str, str, Profile])
        if content is None:
            return Rejected(Reason.LOGIN_REFUSED)
        account_id, email, handle, hashed, profile = content
        return await self.open(account_id, OpenAccount(email, handle, hashed, profile))

    async def open(self, account_id: str, command: OpenAccount) -> AccountView | Rejected:
        """Open an account, unless another has the address."""
        reply = await self._client.send("account", account_id, command, settle_s=OPENING_S)
        if isinstance(reply, AccountView) and reply.email:
            return reply
        return Rejected(Reason.LOGIN_REFUSED)

    # -- logging in

    async def log_in(
        self, email: str, password: str, *, code: str = "", label: str = "", scopes: Iterable[str] = ()
    ) -> Tokens | Rejected:
        """Begin a session by a password and, where the account has one, a second factor."""
        attempt_id = self._new_id()
        handle = self.handle_of_mail(email)
        checked = await self._checked(handle, attempt_id, password)
        if isinstance(checked, Rejected):
            return checked
        account = checked
        second = None
        if account.totp:
            if not code:
                return Rejected(Reason.SECOND_FACTOR_REQUIRED)
            if (second := self.factors.factor_of(account.totp, code, self._now())) is None:
                return Rejected(Reason.LOGIN_REFUSED)
        tokens = await self.begin_session(account, label=label, scopes=scopes, second=second)
        if not isinstance(tokens, Rejected):
            await self._client.send("handle", handle, LoginWorked(attempt_id))
        return tokens

    async def begin_session(
        self, account: AccountView, *, label: str = "", scopes: Iterable[str] = (), second: SecondFactor | None = None
    ) -> Tokens | Rejected:
        """Begin a session for whoever has shown whose account it is."""
        token = RefreshToken(account.account_id, self._new_id(), secrets.token_urlsafe(SECRET_BYTES))
        expires_at = self._now() + self._settings.session_days * 86_400_000
        wanted = tuple(sorted(set(scopes)))
        if wanted and not {"customer", *account.roles} & set(wanted):
            return Rejected(Reason.SCOPE_REFUSED)
        sign_in = SignIn(token.session_id, token.hash, account.credentials, expires_at, label[:100], second, wanted)
        return await self._tokens(await self._client.send("account", account.account_id, sign_in), token, scopes)

    async def log_in_elsewhere(self, identity: Identity, *, trusts_email: bool, label: str = "") -> Tokens | Rejected:
        """Begin a session for whoever has logged in at a provider; with an account of their own, or a new one.

        An account that has a second factor is logged into here, where it is asked for.
        """
        handle = handle_of(self._secret, "oidc", f"{identity.issuer}\n{identity.subject}")
        holder = await self._client.send("handle", handle, LookHandle())
        assert isinstance(holder, HandleView)
        account: AccountView | Rejected | None = await self.look(holder.account_id) if holder.account_id else None
        if account is None:
            account = await self._account_for(identity, trusts_email=trusts_email)
        if isinstance(account, Rejected):
            return account
        if account.totp:
            return Rejected(Reason.SECOND_FACTOR_REQUIRED)
        if handle not in account.identities:
            # The handle first: of two accounts one gets it. The account then knows what to let go when it is erased.
            taken = await self._client.send("handle", handle, TakeHandle(account.account_id))
            if isinstance(taken, Rejected):
                return Rejected(Reason.LOGIN_REFUSED)
            linked = await self._client.send("account", account.account_id, LinkIdentity(handle, identity.provider))
            if isinstance(linked, Rejected):
                return linked
        return await self.begin_session(account, label=label)

    async def _account_for(self, identity: Identity, *, trusts_email: bool) -> AccountView | Rejected:
        """The account of the identity's address, or a new one; the provider's word on the address has to be enough."""
        if not (trusts_email and identity.email_verified and is_email(identity.email)):
            return Rejected(Reason.LOGIN_REFUSED)
        mail_handle = self.handle_of_mail(identity.email)
        holder = await self._client.send("handle", mail_handle, LookHandle())
        assert isinstance(holder, HandleView)
        if holder.account_id:
            return await self.look(holder.account_id) or Rejected(Reason.LOGIN_REFUSED)
        command = OpenAccount(identity.email, mail_handle, profile=Profile(identity.name))
        return await self.open(f"acc_{self._new_id()}", command)

    async def refresh(self, text: str, scopes: Iterable[str] = ()) -> Tokens | Rejected:
        """The next tokens of a session; its refresh token is good for nothing else from then on."""
        token = RefreshToken.read(text)
        if token is None or not token.account_id.startswith("acc_"):
            return Rejected(Reason.LOGIN_REFUSED)
        successor = token.successor(self._secret)
        reply = await self._client.send(
            "account", token.account_id, Refresh(token.session_id, token.hash, successor.hash)
        )
        return await self._tokens(reply, successor, scopes)

    async def revoke(self, text: str) -> None:
        """End the session of a refresh or an access token; what is no token of ours needs no end."""
        token = RefreshToken.read(text)
        if token is not None and token.account_id.startswith("acc_"):
            await self._client.send("account", token.account_id, SignOut(token.session_id))
            return
        principal = await self._access.identify(text)
        if principal is not None and principal.kind is Kind.CUSTOMER and principal.session:
            await self._client.send("account", principal.subject, SignOut(principal.session))

    async def second_factor(self, account: AccountView, code: str) -> SecondFactor | Rejected:
        """The factor that a code shows, counted like a login: six digits are soon guessed."""
        tried = await self._client.send("handle", self.handle_of_mail(account.email), TryLogin(self._new_id()))
        if isinstance(tried, Rejected):
            return tried
        return self.factors.factor_of(account.totp, code, self._now()) or Rejected(Reason.LOGIN_REFUSED)

    # -- passwords

    async def ask_reset(self, email: str) -> Rejected | None:
        """Send a link by which a new password can be chosen, if the address has an account."""
        reply = await self._client.send("handle", self.handle_of_mail(email), TryMail(self._new_id()))
        if isinstance(reply, Rejected):
            return reply
        assert isinstance(reply, HandleView)
        mail_id = self._new_id()

        async def write() -> Message | None:
            account = await self.look(reply.account_id) if reply.account_id else None
            if account is None:
                return None
            link = self._link("reset-password", self._reset_links.make((account.account_id, account.credentials)))
            values = {"link": link, "minutes": self._reset_links.lifetime_s // 60}
            return self._letters.write("reset-password", account.email, mail_id, values)

        self._outbox.post(write)
        return None

    async def reset_password(self, token: str, password: str) -> AccountView | Rejected:
        """Take a new password from whoever opened the link; it works once, and all sessions end."""
        content = self._reset_links.read(token, tuple[str, int])
        if content is None:
            return Rejected(Reason.LOGIN_REFUSED)
        account_id, credentials = content
        return await self._take_password(account_id, password, credentials)

    async def change_password(
        self, account_id: str, old: str, new: str, *, session: str = ""
    ) -> AccountView | Rejected:
        """Take a new password from whoever knows the old one; all other sessions end."""
        account = await self.confirmed(account_id, old)
        if isinstance(account, Rejected):
            return account
        return await self._take_password(account_id, new, account.credentials, session)

    # -- another address

    async def ask_email(self, account_id: str, email: str, password: str, logged_in_at: Instant) -> Rejected | None:
        """Send a link to the address that the account shall have instead, or word that another account has it."""
        account = await self._own(account_id, password, logged_in_at)
        if isinstance(account, Rejected):
            return account
        handle = self.handle_of_mail(email)
        holder = await self._client.send("handle", handle, TryMail(self._new_id()))
        if isinstance(holder, Rejected):
            return holder
        assert isinstance(holder, HandleView)
        mail_id = self._new_id()

        async def write() -> Message | None:
            if holder.account_id:
                return self._letters.write("account-exists", email, mail_id, {})
            link = self._link("change-email", self._email_links.make((account_id, email, handle, account.credentials)))
            values = {"link": link, "hours": self._email_links.lifetime_s // 3_600}
            return self._letters.write("change-email", email, mail_id, values)

        self._outbox.post(write)
        return None

    async def change_email(self, token: str) -> AccountView | Rejected:
        """Give the account the address to which the link was sent, unless another has it by now; the address before is
        told."""
        content = self._email_links.read(token, tuple[str, str, str, int])
        if content is None:
            return Rejected(Reason.LOGIN_REFUSED)
        account_id, email, handle, credentials = content
        before = await self.look(account_id)
        if before is None or before.email == email:
            return before or Rejected(Reason.LOGIN_REFUSED)
        command = ChangeEmail(email, handle, credentials)
        reply = await self._client.send("account", account_id, command, settle_s=OPENING_S)
        if not isinstance(reply, AccountView) or reply.email != email:
            return Rejected(Reason.LOGIN_REFUSED)
        self.tell(before, "email-changed", {"name": before.profile.name})
        return reply

    async def erase(self, account_id: str, password: str, logged_in_at: Instant) -> Rejected | None:
        """Forget whose account it is, on the word of whoever knows its password, or has logged in just now."""
        account = await self._own(account_id, password, logged_in_at)
        if isinstance(account, Rejected):
            return account
        reply = await self._client.send("account", account_id, Erase())
        return reply if isinstance(reply, Rejected) else None

    async def confirmed(self, account_id: str, password: str) -> AccountView | Rejected:
        """The account, if this is its password: counted like a login."""
        account = await self.look(account_id)
        if account is None:
            return Rejected(Reason.NOT_FOUND)
        attempt_id, handle = self._new_id(), self.handle_of_mail(account.email)
        checked = await self._checked(handle, attempt_id, password)
        if not isinstance(checked, Rejected):
            await self._client.send("handle", handle, LoginWorked(attempt_id))
        return checked

    async def look(self, account_id: str) -> AccountView | None:
        """The account, if there is one that isn't erased."""
        reply = await self._client.send("account", account_id, LookAccount())
        return reply if isinstance(reply, AccountView) else None

    def handle_of_mail(self, email: str) -> str:
        return handle_of(self._secret, "mail", normalized(email))

    # -- inside

    async def _own(self, account_id: str, password: str, logged_in_at: Instant) -> AccountView | Rejected:
        """The account, if this is its password; or, where it has none, if its owner has logged in just now."""
        account = await self.look(account_id)
        if account is None:
            return Rejected(Reason.NOT_FOUND)
        if account.password:
            return await self.confirmed(account_id, password)
        return account if self._now() - logged_in_at <= FRESH_MS else Rejected(Reason.LOGIN_REFUSED)

    async def _checked(self, handle: str, attempt_id: str, password: str) -> AccountView | Rejected:
        """The account of the handle, if this is its password. The attempt is counted first."""
        holder = await self._client.send("handle", handle, TryLogin(attempt_id))
        if isinstance(holder, Rejected):
            return holder
        assert isinstance(holder, HandleView)
        # Also for nobody, so that as many questions are asked.
        account = await self.look(holder.account_id or "acc_nobody")
        checked = await self._passwords.check(account.password if account is not None else "", password)
        if account is None or not checked.right:
            return Rejected(Reason.LOGIN_REFUSED)
        if checked.rehashed:
            await self._client.send("account", account.account_id, Rehash(checked.rehashed, account.credentials))
        return account

    async def _take_password(
        self, account_id: str, password: str, credentials: int, session: str = ""
    ) -> AccountView | Rejected:
        hashed = await self._passwords.hash(password)
        reply = await self._client.send("account", account_id, ChangePassword(hashed, credentials, session))
        if isinstance(reply, Rejected):
            return Rejected(Reason.LOGIN_REFUSED)
        assert isinstance(reply, AccountView)
        self.tell(reply, "password-changed", {"name": reply.profile.name})
        return reply

    def tell(self, account: AccountView, letter: str, values: Mapping[str, Any]) -> None:
        """Send the account's owner a letter."""
        mail_id = self._new_id()

        async def write() -> Message | None:
            return self._letters.write(letter, account.email, mail_id, values)

        self._outbox.post(write)

    async def _tokens(self, reply: Reply, token: RefreshToken, scopes: Iterable[str]) -> Tokens | Rejected:
        if isinstance(reply, Rejected):
            return reply
        if not isinstance(reply, SessionView):
            return Rejected(Reason.LOGIN_REFUSED)
        may = {"customer", *reply.roles}
        if reply.scopes:
            may &= set(reply.scopes)
        granted = sorted(may & set(scopes) if scopes else may)
        if not granted:
            return Rejected(Reason.SCOPE_REFUSED)
        issued = await self._access.tokens.issue(Kind.CUSTOMER, token.account_id, granted, token.session_id)
        return Tokens(issued, self._access.tokens.lifetime_s, " ".join(granted), str(token), token.account_id)

    def _link(self, page: str, token: str) -> str:
        return f"{self._settings.public_url}/{page}?token={quote(token)}"
