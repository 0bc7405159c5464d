"""Customers' accounts as the HTTP face sees them: registering, logging in, second factors, outside providers."""
