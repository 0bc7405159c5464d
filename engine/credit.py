"""Money that another system gave back for no sale that is known here: a return without its order, or a discount.

It happened elsewhere and is over: it is recorded once, with its own date, and never changes.
"""

import msgspec

from .address import DeliveryAddress
from .history import LONGEST_TEXT, Imported, misdated_import, misnamed_import
from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Message, Outcome, Rejected, invalid
from .money import MOST_TOTAL, Money
from .reasons import Reason
from .reservation import MOST_UNITS

GOODS, SHIPPING, DISCOUNT = "goods", "shipping", "discount"
KINDS_OF_LINE = frozenset((GOODS, SHIPPING, DISCOUNT))
MOST_CREDIT_LINES = 1_500
LONGEST_TITLE = 500
"""Characters."""


class CreditLine(Message, frozen=True):
    """What `amount` (minor units) was given back for: units of a SKU, or shipping or a discount, which have neither."""

    kind: str
    amount: int
    sku: str = ""
    quantity: int = 0
    title: str = ""


class ImportCredit(Command, frozen=True):
    """`source` gave this back at `credited_at`, under its own `reference`; again: no change.

    `fingerprint` is of the content: the same credit with another content is refused.
    """

    source: str
    reference: str
    fingerprint: str
    credited_at: Instant
    currency: str
    lines: tuple[CreditLine, ...]
    customer: str = ""
    address: DeliveryAddress | None = None


class LookCredit(Command, frozen=True):
    """Read the credit."""


class CreditImported(Event, frozen=True):
    """It was given back `at` that time."""

    source: str
    reference: str
    fingerprint: str
    at: Instant
    total: Money
    lines: tuple[CreditLine, ...]
    customer: str
    address: DeliveryAddress | None


class CreditView(Answer, frozen=True):
    credit_id: str
    source: str
    reference: str
    at: Instant
    total: Money
    lines: tuple[CreditLine, ...]
    customer: str
    country: str


class Credit(msgspec.Struct, array_like=True, gc=False):
    """The state of a credit: what was recorded of it."""

    credit_id: str
    content: CreditImported | None = None


def decide(credit: Credit, command: Command, now: Instant) -> Outcome:
    """A credit is recorded once, and looked at."""
    if isinstance(command, LookCredit):
        return Rejected(Reason.NOT_FOUND) if credit.content is None else Accepted((), view(credit))
    assert isinstance(command, ImportCredit), "a credit is imported or looked at"
    if refusal := _misshapen(command, now) or _misnamed_lines(command):
        return refusal
    if credit.content is not None:
        same = credit.content.fingerprint == command.fingerprint
        return Accepted((), Imported(False)) if same else Rejected(Reason.KEY_REUSED)
    total = Money(sum(line.amount for line in command.lines), command.currency)
    imported = CreditImported(
        command.source,
        command.reference,
        command.fingerprint,
        command.credited_at,
        total,
        command.lines,
        command.customer,
        command.address,
    )
    return Accepted((imported,), Imported(True))


def _misshapen(command: ImportCredit, now: Instant) -> Rejected | None:
    names = misnamed_import(command.source, command.reference, command.fingerprint, command.customer)
    if refusal := names or misdated_import(command.credited_at, command.currency, now):
        return refusal
    if not 0 < len(command.lines) <= MOST_CREDIT_LINES:
        return invalid("lines", f"be 1 to {MOST_CREDIT_LINES}")
    return None


def _misnamed_lines(command: ImportCredit) -> Rejected | None:
    for line in command.lines:
        if line.kind not in KINDS_OF_LINE:
            return invalid("kind", f"be one of {', '.join(sorted(KINDS_OF_LINE))}")
        goods = line.kind == GOODS
        if bool(line.sku) != goods or len(line.sku) > LONGEST_TEXT or "@" in line.sku:
            return invalid("sku", f"have 1 to {LONGEST_TEXT} characters and no @ where there are goods, else none")
        if not (0 < line.quantity <= MOST_UNITS if goods else line.quantity == 0):
            return invalid("quantity", f"be 1 to {MOST_UNITS} where there are goods, else 0")
        if not 0 <= line.amount <= MOST_TOTAL // MOST_CREDIT_LINES:
            return invalid("amount", f"be 0 to {MOST_TOTAL // MOST_CREDIT_LINES} minor units")
        if len(line.title) > LONGEST_TITLE:
            return invalid("title", f"have at most {LONGEST_TITLE} characters")
    return None


def apply(credit: Credit, event: Event) -> None:
    """Keep what was recorded."""
    assert isinstance(event, CreditImported), "nothing else happens to a credit"
    credit.content = event


def view(credit: Credit) -> CreditView:
    """The credit as the world sees it."""
    content = credit.content
    assert content is not None, "only a recorded credit is seen"
    country = content.address.country if content.address is not None else ""
    return CreditView(
        credit.credit_id,
        content.source,
        content.reference,
        content.at,
        content.total,
        content.lines,
        content.customer,
        country,
    )


CREDIT = Kind(
    name="credit",
    new=Credit,
    decide=decide,
    apply=apply,
    commands=ImportCredit | LookCredit,
    events=CreditImported,
    answers=CreditView | Imported,
    state=Credit,
)
