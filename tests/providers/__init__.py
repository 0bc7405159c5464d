"""Payment providers for tests: small servers that follow the public API of the real ones, and can misbehave."""
