"""Flash sales: who schedules them, joins their lines and buys in them, and the books of allotments and places."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from engine.cart import Line
from engine.digests import digest_of
from engine.flash_sale import OVER, CancelSale, JoinLine, LineMode, LookCall, Phase, SaleView, ScheduleSale, Terms
from engine.flash_sale.messages import SalePhaseBegan, SalePinned, SaleScheduled, SaleUnpinned
from engine.kernel import Command, Event, Reply
from engine.money import Money
from engine.order import Claim, Place
from engine.reservation import Committed, Expired, Released, Reserved
from engine.waiting_room import CallsLapsed, LineOpened, PlacesCalled, PlaceTaken, place_of

from .bank import TREATMENTS
from .books import Broken, Quantities, StockBook
from .goods import Errand
from .machines import EPOCH_MS

KIND = "flash-sale"
PRICE = Money(77, "USD")
FANS = tuple(f"fan-{number}" for number in range(12))
PHASES = list(Phase)


def draw_sales(random: Random, fronts: int, skus: tuple[str, ...], active_s: float) -> tuple[Errand, ...]:
    """The errands of one history, around one sale of one SKU."""
    if random.random() < 0.3:
        return ()
    sku = random.choice(skus)
    key = f"{sku}@friday"
    starts_s = random.choice((0.5, 3.0, 6.0))
    errands = [_errand(random, fronts, 0.0, KIND, key, ScheduleSale(_terms(random, starts_s, active_s), f"{key}-seed"))]
    if random.random() < 0.2:
        errands.append(_errand(random, fronts, random.random() * active_s, KIND, key, CancelSale("too cheap")))
    for number, fan in enumerate(random.sample(FANS, random.randint(3, len(FANS)))):
        errands += _fan(random, fronts, key, number, fan, starts_s, active_s)
    return tuple(errands)


def _terms(random: Random, starts_s: float, active_s: float) -> Terms:
    starts_at = EPOCH_MS + int(starts_s * 1_000)
    return Terms(
        price=PRICE,
        allotment=random.choice((1, 3, 6)),
        starts_at=starts_at,
        ends_at=EPOCH_MS + int(random.choice((0.6, 1.0)) * active_s * 1_000),
        announce_at=0,
        warm_at=starts_at - 400,
        customer_limit=random.choice((0, 1, 2)),
        line=random.choice((LineMode.ALWAYS, LineMode.ALWAYS, LineMode.AUTO, LineMode.NEVER)),
        calls_per_s=random.choice((1, 10)),
        call_s=random.choice((1, 3, 60)),
        places_per_address=random.choice((0, 4)),
    )


def _fan(
    random: Random, fronts: int, key: str, number: int, fan: str, starts_s: float, active_s: float
) -> Iterator[Errand]:
    """Somebody joins, perhaps again and again from everywhere, and tries to buy some times."""
    for _ in range(random.choice((1, 1, 2, 6))):
        at = random.random() * active_s * 0.6
        yield _errand(random, fronts, at, KIND, key, JoinLine(fan, random.choice(("home", "office"))), LookCall(number))
    sku = key.partition("@")[0]
    for attempt in range(random.choice((1, 2, 4))):
        at = starts_s + random.random() * active_s * 0.6
        quantity = random.choice((1, 1, 2))
        (token,) = random.choices(list(TREATMENTS), weights=list(TREATMENTS.values()))
        window_s = random.choice((2, 5, 30))
        place = Place(
            *("same", "ada@example.org", "bank", token, (Line(sku, quantity, PRICE),), "", fan, window_s),
            claims=(Claim(KIND, key, quantity),),
        )
        yield _errand(random, fronts, at, "order", f"ord-s{number}-{attempt}", place)


def _errand(random: Random, fronts: int, at: float, kind: str, key: str, *commands: Command) -> Errand:
    # Everything may be sent twice.
    steps = [command for command in commands for _ in range(random.choice((1, 1, 2)))]
    return Errand(at, random.randrange(fronts), kind, key, tuple((random.random() * 2.0, step) for step in steps))


@dataclass
class SaleBook(StockBook):
    """An allotment, kept like a stock, and a line: who has which place, who was called, who used it."""

    seed: str = ""
    phase: Phase = Phase.SCHEDULED
    line_always: bool = False
    line_open: bool = False
    numbers: dict[bytes, int] = field(default_factory=dict)
    early: int = 0
    called: int = 0
    unused: dict[int, int] = field(default_factory=dict)
    """Called places that nobody has used, with the end of the call."""
    in_use: dict[str, tuple[int, int]] = field(default_factory=dict)

    def fold(self, event: Event, at: float) -> None:
        match event:
            case SaleScheduled(terms=terms, seed=seed):
                if self.received:
                    raise Broken("a sale is scheduled twice")
                self.seed, self.customer_limit = seed, terms.customer_limit
                self.on_hand = self.received = terms.allotment
                self.line_always = terms.line is LineMode.ALWAYS
            case SalePhaseBegan(phase=phase):
                self._begin(phase)
            case SalePinned() | SaleUnpinned():
                pass
            case LineOpened() | PlaceTaken() | PlacesCalled() | CallsLapsed():
                self._line(event)
            case _:
                if isinstance(event, Reserved):
                    self._use(event)
                super().fold(event, at)
                if isinstance(event, Released | Expired | Committed):
                    self._give_back(event)
                return
        self.history.append(Quantities(at, self.on_hand, self.reserved, 0))
        self._check()

    def _begin(self, phase: Phase) -> None:
        if self.phase in OVER or PHASES.index(phase) <= PHASES.index(self.phase):
            raise Broken(f"a sale that is {self.phase} becomes {phase}")
        self.phase = phase
        if phase is Phase.ANNOUNCED:
            self.line_open = self.line_always
        elif phase is Phase.STARTED:
            self.early = len(self.numbers)

    def _line(self, event: Event) -> None:
        match event:
            case LineOpened():
                if self.line_open or self.on_hand > self.reserved:
                    raise Broken("a line opens twice, or though units are free")
                self.line_open = True
            case PlaceTaken(who=who):
                if who in self.numbers:
                    raise Broken("somebody has two places")
                self.numbers[who] = len(self.numbers)
            case PlacesCalled(up_to=up_to, until=until):
                self._call(up_to, until)
            case CallsLapsed(at=at):
                self.unused = {place: until for place, until in self.unused.items() if until > at}

    def _call(self, up_to: int, until: int) -> None:
        if not self.called < up_to <= len(self.numbers) or self.phase is not Phase.STARTED:
            raise Broken(f"{up_to} of {len(self.numbers)} places are called after {self.called}, {self.phase}")
        if len(self.unused) + up_to - self.called > self.on_hand - self.reserved:
            raise Broken("more places are called than there are units")
        self.unused.update(dict.fromkeys(range(self.called, up_to), until))
        self.called = up_to

    def _use(self, event: Reserved) -> None:
        if self.phase is not Phase.STARTED:
            raise Broken(f"units are claimed of a sale that is {self.phase}")
        if not self.line_open:
            return
        number = self.numbers.get(digest_of(self.seed, event.customer))
        if number is None:
            raise Broken(f"{event.customer} buys without a place")
        place = place_of(number, self.early, self.seed)
        if place not in self.unused:
            raise Broken(f"{event.customer} buys out of turn: place {place} of {self.called} called")
        self.in_use[event.reservation_id] = (place, self.unused.pop(place))

    def _give_back(self, event: Released | Expired | Committed) -> None:
        place, until = self.in_use.pop(event.reservation_id, (-1, 0))
        if until > event.at and not isinstance(event, Committed) and self.phase is Phase.STARTED:
            self.unused[place] = until

    @property
    def done(self) -> bool:
        """A sale that was scheduled ends."""
        return not self.received or self.phase in OVER

    def differs_from(self, reply: Reply) -> str:
        """What the living sale says otherwise."""
        if not isinstance(reply, SaleView):
            return "" if not self.received else f"is answered with {reply}, but recorded"
        lives = (reply.free, reply.held, reply.sold, reply.phase, reply.joined, reply.called)
        sold = self.committed - self.returned
        recorded = (self.on_hand - self.reserved, self.reserved, sold, self.phase, len(self.numbers), self.called)
        return "" if lives == recorded else f"lives with {lives}, recorded is {recorded}"
