"""The public HTTP API: routes, contract, problems. It needs a `Shop` and nothing of Ray.

Nothing is imported here: the command line uses a part of the contract, and not a second's worth of routes.
"""
