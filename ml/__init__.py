"""Data and learning beside the shop: the event lake now, recommenders on top of it."""
