"""The contract of accounts: who somebody is, how they log in, what they keep here."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.account import AccountView
from engine.account import Address as EngineAddress
from engine.account import OrderNote as EngineNote
from engine.account import Profile as EngineProfile
from engine.account import Session as EngineSession
from engine.machines import Machine

from ..answers import timestamp
from ..bounds import MAX_EMAIL_LENGTH
from .common import Email, Input, Label, Output, Timestamp

ACCOUNT_ID_PATTERN = r"^acc_[A-Za-z0-9_-]{1,64}$"
MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 200
MAX_LINK_LENGTH = 2_000
MAX_TOKEN_LENGTH = 4_000
MAX_PREFERENCES = 50

Password = Annotated[
    str,
    Field(
        min_length=MIN_PASSWORD_LENGTH,
        max_length=MAX_PASSWORD_LENGTH,
        description="Long is good; nothing else is asked of it.",
        examples=["correct horse battery staple"],
    ),
]
GivenPassword = Annotated[str, Field(max_length=MAX_PASSWORD_LENGTH)]
LinkToken = Annotated[
    str, Field(min_length=1, max_length=MAX_LINK_LENGTH, description="`token` of the link in the mail.")
]
Code = Annotated[str, Field(min_length=1, max_length=32, description="Of the second factor, or a recovery code.")]
Text = Annotated[str, Field(max_length=MAX_EMAIL_LENGTH)]


class Profile(Input):
    name: Annotated[Label, Field(examples=["Ada Lovelace"])] = ""
    phone: Annotated[str, Field(max_length=40)] = ""
    locale: Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z0-9-]*$", examples=["en-GB"])] = ""

    def to_engine(self) -> EngineProfile:
        return EngineProfile(self.name, self.phone, self.locale)

    @classmethod
    def of(cls, profile: EngineProfile) -> "Profile":
        return cls.model_construct(name=profile.name, phone=profile.phone, locale=profile.locale)


class Address(Input):
    """Where to deliver or to bill."""

    name: Annotated[Label, Field(min_length=1, examples=["Ada Lovelace"])]
    line1: Annotated[Label, Field(min_length=1, examples=["12 St James's Square"])]
    line2: Label = ""
    city: Annotated[Label, Field(min_length=1, examples=["London"])]
    region: Label = ""
    postal_code: Annotated[str, Field(max_length=20, examples=["SW1Y 4JH"])] = ""
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2.", examples=["GB"])]
    phone: Annotated[str, Field(max_length=40)] = ""

    def to_engine(self) -> EngineAddress:
        return EngineAddress(**self.model_dump())

    @classmethod
    def of(cls, address: EngineAddress) -> "Address":
        return cls.model_construct(**{name: getattr(address, name) for name in cls.model_fields})


class Addresses(Output):
    """Addresses by the names that they were given."""

    addresses: dict[str, Address]


class Preferences(Input):
    """Whatever the storefront keeps for a customer."""

    preferences: Annotated[
        dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=1_000)]],
        Field(max_length=MAX_PREFERENCES, examples=[{"newsletter": "no"}]),
    ]


class RegisterIn(Input):
    email: Email
    password: Password
    profile: Profile = Profile()


class VerifyIn(Input):
    token: LinkToken


class ResetIn(Input):
    email: Email


class ChangeEmailIn(Input):
    """Another address, and the password, to show that it is really you; empty for an account that has none."""

    email: Email
    password: GivenPassword = ""


class NewPasswordIn(Input):
    token: LinkToken
    password: Password


class ChangePasswordIn(Input):
    old_password: GivenPassword
    password: Password


class PasswordIn(Input):
    """A password, to show that it is really you; empty for an account that has none."""

    password: GivenPassword = ""


class CodeIn(Input):
    code: Code


class TokenIn(BaseModel):
    """A token request of OAuth2 (RFC 6749). What it names beyond this is ignored, as the RFC wants it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    grant_type: Annotated[
        str,
        Field(max_length=64, description="password, refresh_token or client_credentials", examples=["password"]),
    ]
    username: Annotated[Text, Field(description="The e-mail address.")] = ""
    password: GivenPassword = ""
    otp: Annotated[str, Field(max_length=32, description="The code of the second factor, or a recovery code.")] = ""
    refresh_token: Annotated[str, Field(max_length=MAX_TOKEN_LENGTH)] = ""
    client_id: Annotated[str, Field(max_length=64, description="Of a machine.")] = ""
    client_secret: Annotated[str, Field(max_length=200)] = ""
    scope: Annotated[str, Field(max_length=200, description="What the token shall open; else all it may.")] = ""
    cart_id: Annotated[str, Field(max_length=70, description="A guest's cart, to be merged into the customer's.")] = ""
    anonymous_id: Annotated[
        str, Field(max_length=64, description="By which events were sent until now: they are the customer's, then.")
    ] = ""


class Token(Output):
    """What a token request gives (RFC 6749)."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105
    expires_in: Annotated[int, Field(description="Seconds.")]
    scope: Annotated[str, Field(examples=["customer"])]
    refresh_token: Annotated[str | None, Field(description="Good once, for the next tokens.")] = None


class RevokeIn(BaseModel):
    """A token to be revoked (RFC 7009)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    token: Annotated[str, Field(min_length=1, max_length=MAX_TOKEN_LENGTH)]
    token_type_hint: Annotated[str, Field(max_length=64)] = ""


class Keys(Output):
    """A JSON Web Key Set."""

    keys: list[dict[str, Any]]


class Metadata(Output):
    """What an OAuth2 client needs to know (RFC 8414)."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    jwks_uri: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    scopes_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]


class Sent(Output):
    """Said whether there is an account or not: the mailbox knows more."""

    status: Literal["mail-sent"] = "mail-sent"


class Account(Output):
    id: str
    email: str
    profile: Profile
    roles: list[str]
    preferences: dict[str, str]
    second_factor: Annotated[bool, Field(description="Whether logins need a code.")]
    recovery_codes_left: int
    providers: Annotated[list[str], Field(description="Other providers by which it logs in.")]
    created_at: Timestamp

    @classmethod
    def of(cls, account: AccountView) -> "Account":
        return cls(
            id=account.account_id,
            email=account.email,
            profile=Profile.of(account.profile),
            roles=list(account.roles),
            preferences=account.preferences,
            second_factor=bool(account.totp),
            recovery_codes_left=account.recovery_left,
            providers=sorted(account.identities.values()),
            created_at=timestamp(account.created_at),
        )


class Session(Output):
    id: str
    device: Annotated[str, Field(description="What the client said of itself when it logged in.")]
    began_at: Timestamp
    used_at: Timestamp
    expires_at: Timestamp
    current: bool

    @classmethod
    def of(cls, session_id: str, session: EngineSession, current: str) -> "Session":
        return cls(
            id=session_id,
            device=session.label,
            began_at=timestamp(session.began_at),
            used_at=timestamp(session.used_at),
            expires_at=timestamp(session.expires_at),
            current=session_id == current,
        )


class Sessions(Output):
    items: list[Session]


class OwnOrder(Output):
    id: str
    placed_at: Timestamp
    url: str

    @classmethod
    def of(cls, note: EngineNote) -> "OwnOrder":
        return cls(id=note.order_id, placed_at=timestamp(note.at), url=f"/v1/orders/{note.order_id}")


class OwnOrders(Output):
    """Confirmed orders, newest first."""

    items: list[OwnOrder]
    next_cursor: Annotated[str | None, Field(description="Pass it as `cursor` for the next page; null at the end.")]


class Enrolment(Output):
    """A second factor to be confirmed by its first code."""

    secret: str
    uri: Annotated[str, Field(description="To be shown as a QR code.", examples=["otpauth://totp/..."])]


class RecoveryCodes(Output):
    """Shown once: each replaces a code of the second factor, and is good once."""

    codes: list[str]


class RolesIn(Input):
    roles: Annotated[list[Literal["support", "merchant", "admin"]], Field(max_length=3)]


class MachineIn(Input):
    """A program that is to use the shop in its own name."""

    name: Annotated[Label, Field(min_length=1, examples=["warehouse"])]
    scopes: Annotated[list[Literal["support", "merchant", "admin"]], Field(min_length=1, max_length=3)]
    days: Annotated[int, Field(ge=0, le=3_650, description="Days that the key is good for; 0: until revoked.")] = 365


class ApiKey(Output):
    """A machine's key, without its secret."""

    id: Annotated[str, Field(description="The `client_id`.")]
    name: str
    scopes: list[str]
    created_at: Timestamp
    expires_at: Timestamp | None
    used_at: Annotated[Timestamp | None, Field(description="To the hour.")]
    created_by: str

    @classmethod
    def fields_of(cls, machine: Machine) -> dict[str, Any]:
        return {
            "id": machine.machine_id,
            "name": machine.name,
            "scopes": list(machine.scopes),
            "created_at": timestamp(machine.created_at),
            "expires_at": timestamp(machine.expires_at) if machine.expires_at else None,
            "used_at": timestamp(machine.used_at) if machine.used_at else None,
            "created_by": machine.by,
        }


class NewApiKey(ApiKey):
    """The only time that the key is shown."""

    key: Annotated[str, Field(description="A bearer token.", examples=["dbk_..."])]
    client_secret: Annotated[str, Field(description="For the client credentials grant.")]


class ApiKeys(Output):
    items: list[ApiKey]


class RotateIn(Input):
    revoke: Annotated[bool, Field(description="Take no token of the keys before it any more, from now on.")] = False
