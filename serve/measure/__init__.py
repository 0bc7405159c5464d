"""Measures the engine without HTTP: `python -m serve.measure.reservations` (`.memory`, `.recovery`) prints JSON."""
