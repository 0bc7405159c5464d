"""The envelope of every public event: CloudEvents 1.0, with the extensions `sequence` and `partitionkey`."""

from typing import Any

import msgspec

from actors.journals.port import Entry

from ...instants import timestamp
from .catalogue import EVENT_TYPES

MEDIA_TYPE = "application/cloudevents+json"
VERSION_DIGITS = 12


Told = tuple[int, str, Any]
"""The event's number in its entry, the name of the public type, and the data."""


class CloudEvent(msgspec.Struct, frozen=True):
    """One event. Whatever is read again has the same `id`; of one subject, `sequence` compares as a text does."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    dataschema: str
    sequence: str
    partitionkey: str
    data: Any


encode = msgspec.json.Encoder().encode
"""An event as JSON."""


def event_of(name: str, source: str, entry: Entry, index: int, data: Any) -> CloudEvent:
    """What the entry's event number `index` tells the outside."""
    kind = EVENT_TYPES[name]
    assert type(data) is kind.data
    return CloudEvent(
        specversion="1.0",
        id=f"{entry.kind}:{entry.key}:{entry.version}:{index}",
        source=source,
        type=kind.full_name,
        subject=entry.key,
        time=timestamp(entry.at),
        datacontenttype="application/json",
        dataschema=kind.schema_id,
        sequence=f"{entry.version:0{VERSION_DIGITS}}.{index:02}",
        partitionkey=f"{entry.kind}:{entry.key}",
        data=data,
    )
