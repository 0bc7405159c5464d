"""How a request is held to the limits, and what its answer says of them (IETF draft "RateLimit header fields")."""

from starlette.requests import Request
from starlette.responses import Response

from ..limits import Policy, Taken
from ..shop import Shop
from .problems import ProblemError

Counted = tuple[Policy, Taken]


async def count(shop: Shop, request: Request, policy_name: str) -> Counted | None:
    """Count the request; raises ProblemError (429) for one too many."""
    policy = shop.limits.policy(policy_name)
    if policy is None:
        return None
    taken = await shop.limits.take(policy, client_of(request, shop.settings.trusted_proxies))
    if not taken.allowed:
        headers = {**limit_headers(policy, taken), "retry-after": str(taken.reset_s)}
        raise ProblemError("too-many-requests", headers=headers)
    return policy, taken


def tell(response: Response, counted: Counted | None) -> Response:
    """Add to the answer how much is left."""
    if counted is not None:
        for name, value in limit_headers(*counted).items():
            response.raw_headers.append((name.encode(), value.encode()))
    return response


def limit_headers(policy: Policy, taken: Taken) -> dict[str, str]:
    return {
        "ratelimit-policy": f'"{policy.name}";q={policy.quota};w={policy.window_s}',
        "ratelimit": f'"{policy.name}";r={taken.remaining};t={taken.reset_s}',
    }


def client_of(request: Request, trusted_proxies: int) -> str:
    """The address that a request came from: each proxy in front has written down who asked it, the last one last."""
    if trusted_proxies:
        hops = [hop.strip() for value in request.headers.getlist("x-forwarded-for") for hop in value.split(",")]
        if len(hops) >= trusted_proxies:
            return hops[-trusted_proxies][:64]
    return request.client.host if request.client else ""
