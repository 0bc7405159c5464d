"""The contract as pydantic models: what OpenAPI shows and what requests are held to."""
