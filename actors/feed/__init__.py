"""The event feed: consumers that read what every shard recorded, in order, at least once, outside of what sells."""
