"""Where entries are made durable: the port, and one module per store that implements it."""
