"""How often somebody may ask: a bucket that refills steadily, kept in this process or, for many, in Redis.

Counted by the generic cell rate algorithm: of each client only one instant is kept, that at which its bucket is full
again.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

MOST_CLIENTS = 100_000
"""Clients remembered by one process, in two halves: when the newer half is full, the older one is forgotten."""
KEY_PREFIX = "doorbuster:limit:"

logger = logging.getLogger("doorbuster.limits")


class Policy(NamedTuple):
    """`quota` requests at once, and as many again in each window."""

    name: str
    quota: int
    window_s: int

    @property
    def interval_ms(self) -> float:
        return self.window_s * 1_000 / self.quota


class Taken(NamedTuple):
    """What a request found in its bucket."""

    allowed: bool
    remaining: int
    reset_s: int
    """Until one more may be asked, if none is left; else until all may."""


class Limiter(Protocol):
    async def take(self, policy: Policy, client: str) -> Taken:
        """Take one of the client's requests, if there is one."""
        ...


def _taken(policy: Policy, full_at_ms: float, now_ms: int) -> tuple[Taken, float]:
    """What a request at `now_ms` finds, and when the bucket is full again after it."""
    window_ms = policy.window_s * 1_000
    next_full_at = max(full_at_ms, now_ms) + policy.interval_ms
    missing_ms = next_full_at - now_ms
    if missing_ms > window_ms + 0.5:
        return Taken(False, 0, max(1, -int(-(missing_ms - window_ms) // 1_000))), full_at_ms
    remaining = int((window_ms - missing_ms + 0.5) / policy.interval_ms)
    return Taken(True, remaining, -int(-missing_ms // 1_000)), next_full_at


class LocalLimiter:
    """Counts in this process alone: with several replicas each gives out the quota."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._newer: dict[tuple[str, str], float] = {}
        self._older: dict[tuple[str, str], float] = {}

    async def take(self, policy: Policy, client: str) -> Taken:
        key = (policy.name, client)
        full_at = self._newer.get(key) or self._older.get(key, 0.0)
        taken, full_at = _taken(policy, full_at, self._now())
        if key not in self._newer and len(self._newer) >= MOST_CLIENTS // 2:
            self._older, self._newer = self._newer, {}
        self._newer[key] = full_at
        return taken


_TAKE = """
local now = tonumber(ARGV[1])
local interval = tonumber(ARGV[2])
local window = tonumber(ARGV[3])
local full_at = tonumber(redis.call('GET', KEYS[1]) or '0')
local next_full_at = math.max(full_at, now) + interval
if next_full_at - now > window + 0.5 then
  return tostring(full_at)
end
redis.call('SET', KEYS[1], tostring(next_full_at), 'PX', math.ceil(next_full_at - now) + 1000)
return tostring(full_at)
"""
"""Answers with what was there before: whoever asked reckons from it as the script did."""


class RedisLimiter:
    """Counts for all replicas in one Redis. While that is away nobody is refused: a limit is no reason to be closed."""

    def __init__(self, url: str, now: Callable[[], int]) -> None:
        self._redis: Redis = Redis.from_url(url, socket_timeout=0.25, socket_connect_timeout=0.25)
        self._take = self._redis.register_script(_TAKE)
        self._now = now

    async def take(self, policy: Policy, client: str) -> Taken:
        now_ms = self._now()
        keys = [f"{KEY_PREFIX}{policy.name}:{client}"]
        try:
            full_at = await self._take(keys=keys, args=[now_ms, policy.interval_ms, policy.window_s * 1_000])
        except (RedisError, OSError) as error:
            logger.warning("Requests are not counted: %s", error)
            return Taken(True, policy.quota, policy.window_s)
        return _taken(policy, float(full_at), now_ms)[0]

    async def close(self) -> None:
        await self._redis.aclose()


class Limits:
    """The policies of one shop. Whose requests are counted is told by the caller: an address, mostly."""

    def __init__(self, limiter: Limiter, *, auth_per_minute: int, api_per_minute: int) -> None:
        self._limiter = limiter
        self._policies = {
            "auth": Policy("auth", auth_per_minute, 60) if auth_per_minute else None,
            "api": Policy("api", api_per_minute, 60) if api_per_minute else None,
        }

    def policy(self, name: str) -> Policy | None:
        """The policy, unless it is switched off."""
        return self._policies[name]

    async def take(self, policy: Policy, client: str) -> Taken:
        return await self._limiter.take(policy, client)


def limits_of(redis_url: str, now: Callable[[], int], *, auth_per_minute: int, api_per_minute: int) -> Limits:
    """The limits of one process; counted in Redis where there is one."""
    limiter = RedisLimiter(redis_url, now) if redis_url else LocalLimiter(now)
    return Limits(limiter, auth_per_minute=auth_per_minute, api_per_minute=api_per_minute)
