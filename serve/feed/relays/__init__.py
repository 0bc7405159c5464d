"""Relays: public events into a broker, at least once, in order for each entity."""
