"""Measurements that docs/recommendations.md repeats: each module is a command."""
