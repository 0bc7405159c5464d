"""What every import of another system's history shares: whence it comes, what it is called there, and the answer."""

from .kernel import Answer, Instant, Rejected, invalid
from .money import Money

LONGEST_SOURCE = 32
LONGEST_REFERENCE = 32
"""Characters: it is an order's number, too."""
LONGEST_TEXT = 255


class Imported(Answer, frozen=True):
    """It is here; `new` tells whether it came by this very command."""

    new: bool


def misnamed_import(source: str, reference: str, fingerprint: str, customer: str) -> Rejected | None:
    """The refusal of names that nothing is called."""
    bounded = (("source", source, LONGEST_SOURCE), ("reference", reference, LONGEST_REFERENCE))
    for field, text, most in (*bounded, ("fingerprint", fingerprint, LONGEST_TEXT)):
        if not 0 < len(text) <= most:
            return invalid(field, f"have 1 to {most} characters")
    if len(customer) > LONGEST_TEXT:
        return invalid("customer", f"have at most {LONGEST_TEXT} characters")
    return None


def misdated_import(at: Instant, currency: str, now: Instant) -> Rejected | None:
    """The refusal of a date that no history has, and of a currency that there isn't."""
    if not 0 < at <= now:
        return invalid("at", "be after 1970 and not in the future")
    return None if Money(0, currency).is_price() else invalid("currency", "be an ISO 4217 code")
