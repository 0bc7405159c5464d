"""What whoever reads our events gets when a part on the way is killed: `python -m loadtest.feed_faults`."""
