"""From data to an artifact that the registry takes: as Ray tasks on a laptop or a cluster, and from time to time."""
