"""The public contract of events: CloudEvents 1.0 in JSON, with a versioned type and a schema for each."""
