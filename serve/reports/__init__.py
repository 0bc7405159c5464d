"""Reports: what was sold, to whom, what is left of it and what will be wanted, asked of the event lake by SQL."""
