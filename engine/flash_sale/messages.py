"""What a flash sale is told and asked, how it answers, and what it records."""

from enum import StrEnum

import msgspec

from ..kernel import Answer, Command, Event, Instant, tag_of
from ..money import Money


class Phase(StrEnum):
    SCHEDULED = "scheduled"
    ANNOUNCED = "announced"
    WARMED = "warmed"
    STARTED = "started"
    ENDED = "ended"
    CANCELLED = "cancelled"


OVER = frozenset((Phase.ENDED, Phase.CANCELLED))


class LineMode(StrEnum):
    """When whoever buys must have stood in line."""

    ALWAYS = "always"
    """From the announcement on people join, and at the start they draw their places."""
    AUTO = "auto"
    """From the moment on when all units are claimed but not all are paid: what comes back goes to those in line."""
    NEVER = "never"


class Terms(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is sold, when, to whom and how."""

    price: Money
    allotment: int
    starts_at: Instant
    ends_at: Instant
    announce_at: Instant
    warm_at: Instant
    """When its stock gets a host of its own, and everything is brought into memory."""
    customer_limit: int = 0
    """Units per customer; 0: no limit."""
    payment_window_s: int = 300
    line: LineMode = LineMode.AUTO
    calls_per_s: int = 100
    """Places called in one second at most: what the payment provider can take."""
    call_s: int = 120
    """How long whoever was called may wait with the purchase."""
    places_per_address: int = 0
    """Places in line for one address; 0: no limit."""


class ScheduleSale(Command, frozen=True):
    """Set the sale's terms, or others while it hasn't started. `seed` draws the places; the first one stays.

    With `if_revision`, only if the terms were set so many times before.
    """

    terms: Terms
    seed: str
    if_revision: int | None = None


class CancelSale(Command, frozen=True):
    """No purchase at the sale's price begins any more; those under way are honoured."""

    note: str = ""


class JoinLine(Command, frozen=True):
    """Take a place in line for `customer`, who has one at most. `address`: from where, in whatever form."""

    customer: str
    address: str = ""


class LookSale(Command, frozen=True):
    """Read the sale."""


class LookCall(Command, frozen=True):
    """Read how far somebody in line has come, by number."""

    number: int


class SaleScheduled(Event, frozen=True):
    terms: Terms
    seed: str
    at: Instant


class SalePhaseBegan(Event, frozen=True):
    phase: Phase
    at: Instant
    note: str = ""


class SalePinned(Event, frozen=True):
    """Its stock has a host of its own, where there are several."""


class SaleUnpinned(Event, frozen=True):
    """Its stock shares a host again."""


class SaleView(Answer, frozen=True):
    """The sale now. Places count from 0; numbers below `early` drew theirs with `seed`, told once the sale started."""

    key: str
    revision: int
    phase: Phase
    terms: Terms
    free: int
    """Units that can be claimed."""
    held: int
    """Units claimed by orders that aren't paid yet."""
    sold: int
    line_open: bool
    joined: int
    called: int
    early: int
    commitment: str
    """SHA-256 of the seed, in hexadecimal: told from the beginning."""
    seed: str
    changed_at: Instant = 0
    """When the phase began."""
    version: int = 0

    @property
    def sku(self) -> str:
        return tag_of(self.key)

    @property
    def sold_out(self) -> bool:
        """Whether every unit is paid: only a cancelled order brings one back."""
        return self.free <= 0 and self.held <= 0

    def runs(self, now: Instant) -> bool:
        """Whether it sells: by the clock, for the word of its start may be late."""
        return self.phase not in OVER and self.terms.starts_at <= now < self.terms.ends_at


class PlaceInLine(Answer, frozen=True):
    """Whoever joined has this number."""

    number: int


class CallView(Answer, frozen=True):
    """`waiting`, `called` (then `until` when) or `passed`: the call was used or has lapsed."""

    state: str
    until: Instant = 0


class WarmSale(Command, frozen=True):
    """To the runtime: give the stock of this sale a host of its own, and bring both into memory."""

    sku: str
    sale_key: str


class CoolSale(Command, frozen=True):
    """To the runtime: have the stock of this sale share a host again."""

    sku: str
    sale_key: str
