"""Paths that processes of their own answer. HAProxy's wrapper reads this at each start: nothing is imported here."""

SHOP = "/"
RECOMMENDATIONS = "/v1/recommendations"
