"""The line before a flash sale: who stands where, who may buy, and for how long. A part of the sale's own state.

Whoever comes before the start draws a place: coming first, or asking a thousand times, wins nothing. Whoever comes
later stands behind them in the order of arrival. One name has one place. Places are called in their order, never more
at a time than there are units for them; a call that isn't used lapses, and the next moves up.

The draw is a permutation by a seed. The seed is drawn when the sale is scheduled and its digest is published, the seed
itself after the start: so anybody can check that no place was given by hand.
"""

from hashlib import blake2b

import msgspec

from .digests import Digests, digest_of, number_of, put
from .kernel import Event, Instant

MOST_PLACES = 1_000_000
"""Places in one line, 17 bytes each and, with a bound per address, another 17 for each address."""

SECOND_MS = 1_000

_ROUNDS = 6
"""Four are enough for a permutation that nobody tells from a random one; two more cost a microsecond each."""


class LineOpened(Event, frozen=True):
    """From now on whoever buys needs a place that was called."""

    at: Instant


class PlaceTaken(Event, frozen=True):
    """Somebody joined, by the digest of the name; `address` is empty where addresses aren't counted."""

    who: bytes
    address: bytes


class PlacesCalled(Event, frozen=True):
    """All places below `up_to` may buy; those called just now until `until`."""

    up_to: int
    at: Instant
    until: Instant


class CallsLapsed(Event, frozen=True):
    """Calls that had not been used until then count no more."""

    at: Instant


LineEvent = LineOpened | PlaceTaken | PlacesCalled | CallsLapsed


class Call(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A place that a reservation uses; it may be used again until `until` if that comes to nothing."""

    place: int
    until: Instant


class WaitingRoom(msgspec.Struct, array_like=True, gc=False):
    """Numbers count arrivals from 0; of the first `early` numbers the draw makes places, the others are places."""

    opened_at: Instant = 0
    """0: whoever comes may buy."""
    joined: int = 0
    early: int = 0
    called: int = 0
    """All places below it have been called."""
    called_at: Instant = 0
    next_lapse: Instant = 0
    """No call lapses before this; 0 when none is unused."""
    unused: dict[int, Instant] = {}
    """Places that were called and have not begun to buy, each with the end of its call."""
    in_use: dict[str, Call] = {}
    """By reservation."""
    numbers: Digests = {}
    addresses: Digests = {}
    """How many places an address has."""

    @property
    def waiting(self) -> int:
        """How many have a place that was not called yet."""
        return self.joined - self.called


def number_in(room: WaitingRoom, seed: str, who: str) -> int | None:
    """The number of whoever has joined."""
    return number_of(room.numbers, digest_of(seed, who))


def place_of(number: int, early: int, seed: str) -> int:
    """The place that a number has once the sale has started; needs nothing but what is published then.

    A Feistel network over the next power of four, walked until it lands inside: a permutation of `early` numbers.
    """
    if number >= early:
        return number
    bits = max(1, ((early - 1).bit_length() + 1) // 2)
    key, mask = seed.encode(), (1 << bits) - 1
    place = number
    while True:
        left, right = place >> bits, place & mask
        for turn in range(_ROUNDS):
            mixed = blake2b(right.to_bytes(4, "big"), key=key, digest_size=4, salt=bytes([turn])).digest()
            left, right = right, left ^ (int.from_bytes(mixed, "big") & mask)
        place = left << bits | right
        if place < early:
            return place


def is_called(room: WaitingRoom, place: int, now: Instant) -> bool:
    """Whether the place may begin to buy now."""
    return room.unused.get(place, 0) > now


def call_next(room: WaitingRoom, now: Instant, units: int, per_second: int, call_ms: int) -> PlacesCalled | None:
    """Call as many as there are units for, at most so many a second; None where nobody can be called now."""
    if now < room.called_at + SECOND_MS:
        return None
    count = min(units - len(room.unused), room.waiting, per_second)
    return PlacesCalled(room.called + count, now, now + call_ms) if count > 0 else None


def call_again_at(room: WaitingRoom, units: int) -> Instant | None:
    """When somebody can be called, or somebody's call may lapse."""
    wanted = []
    if room.waiting and units > len(room.unused):
        wanted.append(room.called_at + SECOND_MS)
    if room.next_lapse:
        wanted.append(room.next_lapse)
    return min(wanted, default=None)


def use(room: WaitingRoom, reservation_id: str, place: int) -> None:
    """A reservation uses the call of this place."""
    until = room.unused.pop(place, 0)
    room.in_use[reservation_id] = Call(place, until)
    if not room.unused:
        room.next_lapse = 0


def give_back(room: WaitingRoom, reservation_id: str, at: Instant) -> None:
    """The reservation came to nothing: whoever made it may try again until the call lapses."""
    call = room.in_use.pop(reservation_id, None)
    if call is not None and call.until > at:
        room.unused[call.place] = call.until
        room.next_lapse = min(room.next_lapse, call.until) if room.next_lapse else call.until


def apply(room: WaitingRoom, event: LineEvent) -> None:
    """Change the line as the event tells."""
    match event:
        case PlaceTaken(who=who, address=address):
            put(room.numbers, who, room.joined)
            room.joined += 1
            if address:
                put(room.addresses, address, (number_of(room.addresses, address) or 0) + 1)
        case PlacesCalled(up_to=up_to, at=at, until=until):
            room.unused.update(dict.fromkeys(range(room.called, up_to), until))
            room.called, room.called_at = up_to, at
            room.next_lapse = min(room.next_lapse, until) if room.next_lapse else until
        case CallsLapsed(at=at):
            room.unused = {place: until for place, until in room.unused.items() if until > at}
            room.next_lapse = min(room.unused.values(), default=0)
        case LineOpened(at=at):
            room.opened_at = at
