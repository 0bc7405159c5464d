"""Posts webhooks: a gateway to the hosts, which calls it for each try of a delivery.

It always answers, for a failure is an answer too: when to try again is the delivery's decision. A slow endpoint has a
bounded number of posts under way, so it delays nobody else.
"""

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING

from engine.kernel import Answer, Command
from engine.webhook import PostWebhook, WebhookAnswered

from .guard import TargetError, target_of

if TYPE_CHECKING:
    import httpx

POST_TIMEOUT_S = 15.0
AT_ONCE = 64
AT_ONCE_TO_ONE = 4
USER_AGENT = "Doorbuster-Webhooks/1"


class WebhookPoster:
    """One for each host."""

    timeout_s = POST_TIMEOUT_S + 5.0
    """For the runtime: ours ends first."""

    def __init__(self, *, private: bool, timeout_s: float = POST_TIMEOUT_S) -> None:
        self._private = private
        self._post_timeout_s = timeout_s
        self._under_way: Counter[str] = Counter()
        self._client: httpx.AsyncClient | None = None

    def answer_at_once(self, _call: Command) -> Answer | None:
        return None

    async def call(self, call: Command) -> Answer:
        """What came of the post; never raises."""
        # Imported when it is first needed: most hosts never post anything, and all of them should start fast.
        import httpx

        assert isinstance(call, PostWebhook), "only webhooks are posted"
        if self._under_way[call.endpoint] >= AT_ONCE_TO_ONE or self._under_way.total() >= AT_ONCE:
            return WebhookAnswered(0, busy=True)
        self._under_way[call.endpoint] += 1
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._post_timeout_s):
                status, error = await self._post(call), ""
        except TargetError as refused:
            status, error = 0, str(refused)
        except TimeoutError:
            status, error = 0, f"no answer within {self._post_timeout_s:g} s"
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as failed:
            status, error = 0, f"{type(failed).__name__}: {failed}"
        finally:
            self._under_way[call.endpoint] -= 1
        return WebhookAnswered(status, round((time.monotonic() - began) * 1_000), error)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, call: PostWebhook) -> int:
        import httpx

        target = await target_of(call.url, private=self._private)
        if self._client is None:
            # Redirects are not followed: they could lead anywhere. Proxies of the environment are not ours to use.
            self._client = httpx.AsyncClient(trust_env=False, timeout=self._post_timeout_s)
        headers = {
            "host": target.host_header,
            "content-type": "application/json",
            "user-agent": USER_AGENT,
            "webhook-id": call.message_id,
            "webhook-timestamp": str(call.timestamp_s),
            "webhook-signature": call.signatures,
        }
        sent = self._client.stream(
            "POST",
            target.url,
            content=call.payload.encode(),
            headers=headers,
            extensions={"sni_hostname": target.host},
        )
        async with sent as answer:
            # Its status is all that counts: the body is left unread, however long it is.
            return answer.status_code
