"""One-time passwords by time (TOTP, RFC 6238): the secret is sealed before it is stored."""

import hmac
import secrets
from typing import NamedTuple

import pyotp

from engine.account import SecondFactor
from engine.kernel import Instant

from ..access.sealing import NONCE_BYTES, Seal
from .secrets import hash_of

STEP_MS = 30_000
TOLERATED_STEPS = (-1, 0, 1)
"""Clocks of phones are seldom right to the second."""
CODE_DIGITS = 6


class Enrolment(NamedTuple):
    """A new secret: as it is stored, as a person types it, and as a phone scans it."""

    sealed: str
    secret: str
    uri: str


class SecondFactors:
    """Makes secrets and tells which time step a code is of; whether the step counts is the account's to decide."""

    def __init__(self, secret: bytes, issuer: str) -> None:
        self._seal = Seal(secret, "totp")
        self._issuer = issuer

    def enrol(self, email: str) -> Enrolment:
        secret = pyotp.random_base32()
        uri = pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=self._issuer)
        return Enrolment(self._seal.close(secret.encode(), secrets.token_bytes(NONCE_BYTES)), secret, uri)

    def factor_of(self, sealed: str, code: str, now: Instant) -> SecondFactor | None:
        """The factor that a code shows, or None for one that is wrong by itself."""
        if len(code) != CODE_DIGITS:
            return SecondFactor(recovery=hash_of(code))
        opened = self._seal.open(sealed)
        assert opened is not None, "what an account keeps was sealed with this shop's secret"
        totp = pyotp.TOTP(opened.decode())
        found = None
        for offset in TOLERATED_STEPS:
            step = now // STEP_MS + offset
            # All are compared every time.
            if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode()):
                found = SecondFactor(step=step)
        return found
