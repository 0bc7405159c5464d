"""Which models there are and which of them serve: MLflow's tracking and registry, through its own API.

`releases` and `recording` write and import MLflow; `following` is what serving reads with, and imports none of it.
"""
