"""How good a model is, without self-deception: split by time, ranked in full, with intervals, beside a baseline."""
