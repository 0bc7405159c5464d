"""Who asks and what they may do: principals and scopes, the keys and tokens that prove them."""
