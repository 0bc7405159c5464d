"""Locations: the warehouses and shops whose stocks are kept apart (`SKU@location`)."""

from .document import document_kind
from .kernel import Event, Instant, Rejected, invalid
from .stock import DEFAULT_LOCATION

__all__ = ["DEFAULT_LOCATION", "LOCATION", "LocationPut"]

MOST_PRIORITY = 1_000
LONGEST_TEXT = 200
MOST_MICRODEGREES = 180_000_000


class LocationPut(Event, frozen=True):
    """A place that holds goods; there is always one called `default`.

    `priority` 1 is asked first; latitude and longitude are millionths of a degree.
    """

    name: str
    country: str = ""
    postal_code: str = ""
    priority: int = 100
    sells: bool = True
    """Whether orders are sent from here."""
    latitude: int | None = None
    longitude: int | None = None


def _check(key: str, location: LocationPut, _now: Instant) -> Rejected | None:
    if not key or "@" in key or ":" in key:
        return invalid("key", "name a location")
    if not 0 < len(location.name) <= LONGEST_TEXT:
        return invalid("name", f"have 1 to {LONGEST_TEXT} characters")
    if not 0 < location.priority <= MOST_PRIORITY:
        return invalid("priority", f"be 1 to {MOST_PRIORITY}")
    if (location.latitude is None) != (location.longitude is None):
        return invalid("latitude", "come with a longitude")
    for degrees in (location.latitude, location.longitude):
        if degrees is not None and abs(degrees) > MOST_MICRODEGREES:
            return invalid("latitude", f"be at most {MOST_MICRODEGREES} millionths of a degree, like longitude")
    return None


LOCATION = document_kind("location", LocationPut, _check)
