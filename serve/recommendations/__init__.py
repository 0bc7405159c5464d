"""Recommendations: models answer in processes of their own; here is how the shop asks them, and what it makes of it."""
