"""What was made for one and is good for others, for a moment: in memory, and in a Redis that replicas share."""
