"""Payment providers, each behind the one-method seam of `port.Gateway`."""
