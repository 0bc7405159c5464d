"""What clients notice when a part of the shop dies: `python -m loadtest.faults`."""
