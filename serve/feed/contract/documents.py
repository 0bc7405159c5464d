"""The contract as documents, generated from the code: a JSON Schema for each type, and an AsyncAPI 3 document.

`make contract` writes them into docs/events.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from .catalogue import CHANNEL, EVENT_TYPES, EventType
from .envelope import MEDIA_TYPE, CloudEvent

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ENVELOPE: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "specversion": ("The version of CloudEvents.", {"const": "1.0"}),
    "id": ("With `source`, the same however often the event comes: de-duplicate by it.", {"minLength": 1}),
    "source": ("The shop.", {"format": "uri-reference", "minLength": 1}),
    "type": ("What happened, with the version of its data at the end.", {"pattern": r"^doorbuster\.[a-z.]+\.v[0-9]+$"}),
    "subject": ("The key of what it happened to: an order, a stock (SKU@LOCATION), a product, an account.", {}),
    "time": ("When it happened.", {"format": "date-time"}),
    "datacontenttype": ("What `data` is.", {"const": "application/json"}),
    "dataschema": ("The `$id` of the schema of `data`.", {"format": "uri"}),
    "sequence": ("Of one subject, a later event compares as greater, as text.", {"pattern": r"^[0-9]{12}\.[0-9]{2}$"}),
    "partitionkey": ("Events with the same one come in order.", {"minLength": 1}),
}


def documents() -> dict[str, Any]:
    """Every document, by its path below docs/events."""
    found: dict[str, Any] = {"asyncapi.json": asyncapi(), "cloudevent.json": envelope_schema()}
    for each in EVENT_TYPES.values():
        found[f"schemas/{each.name}.json"] = data_schema(each)
    return found


def data_schema(event_type: EventType) -> dict[str, Any]:
    """The JSON Schema of the type's data."""
    return {
        "$schema": DIALECT,
        "$id": event_type.schema_id,
        "title": f"Data of {event_type.full_name}",
        "description": event_type.meaning,
        **msgspec.json.schema(event_type.data),
    }


def envelope_schema() -> dict[str, Any]:
    """The JSON Schema of the envelope."""
    return {"$schema": DIALECT, "$id": "urn:doorbuster:cloudevent", **_envelope()}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI document: what the shop sends, by which channel."""
    data = [each.data for each in EVENT_TYPES.values()]
    _, schemas = msgspec.json.schema_components(data, ref_template="#/components/schemas/{name}")
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Doorbuster's events",
            "version": "1.0.0",
            "description": "What happens in the shop, as CloudEvents 1.0. At least once; in order for each subject.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": MEDIA_TYPE,
        "channels": {
            "events": {
                "address": CHANNEL,
                "description": "A Redis Stream (member `event` of each entry) or a Kafka topic (the record's value).",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in EVENT_TYPES},
            }
        },
        "operations": {
            "tell": {
                "action": "send",
                "summary": "The shop tells what happened.",
                "channel": {"$ref": "#/channels/events"},
                "messages": [{"$ref": f"#/channels/events/messages/{name}"} for name in EVENT_TYPES],
            }
        },
        "components": {
            "messages": {each.name: _message(each) for each in EVENT_TYPES.values()},
            "schemas": {"CloudEvent": _envelope(), **schemas},
        },
    }


def _message(event_type: EventType) -> dict[str, Any]:
    return {
        "name": event_type.full_name,
        "title": event_type.full_name,
        "summary": event_type.meaning,
        "contentType": MEDIA_TYPE,
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": event_type.full_name},
                        "dataschema": {"const": event_type.schema_id},
                        "data": {"$ref": f"#/components/schemas/{event_type.data.__name__}"},
                    },
                },
            ]
        },
        "bindings": {"kafka": {"key": {"type": "string", "description": "The partition key."}}},
    }


def _envelope() -> dict[str, Any]:
    names = [field for field in CloudEvent.__struct_fields__ if field != "data"]
    assert set(names) == set(_ENVELOPE)
    properties = {name: {"type": "string", "description": _ENVELOPE[name][0], **_ENVELOPE[name][1]} for name in names}
    return {
        "title": "CloudEvent",
        "description": "CloudEvents 1.0 in structured JSON, with the extensions `sequence` and `partitionkey`.",
        "type": "object",
        "properties": {**properties, "data": {"description": "As `dataschema` says."}},
        "required": [*names, "data"],
    }


def write(directory: Path) -> None:
    """Write every document; what isn't generated any more goes."""
    wanted = documents()
    for name, document in wanted.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(document))
    for path in directory.rglob("*.json"):
        if str(path.relative_to(directory)) not in wanted:
            path.unlink()


def written(document: Any) -> str:
    """As it stands in its file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Write them into the directory that is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    write(parser.parse_args(arguments).directory)


if __name__ == "__main__":
    main()
