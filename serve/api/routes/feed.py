"""How far the consumers of the event feed have come: for the merchant."""

from typing import Annotated

from fastapi import Path
from starlette.responses import Response

from ..answers import shaped
from ..auth import ADMIN_KEY
from ..openapi import body_problems, problems
from ..routing import AdminRoute, MerchantRoute, TheShop, router_of
from ..schemas.feed import FeedConsumer, FeedConsumers, FeedReplayIn
from ..schemas.times import instant_of

CONSUMER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:~-]{0,99}$"

router = router_of(MerchantRoute, "admin", security=ADMIN_KEY)
admin_router = router_of(AdminRoute, "admin", security=ADMIN_KEY)

ConsumerPath = Annotated[str, Path(pattern=CONSUMER_PATTERN, examples=["lake"])]


@router.get("/v1/admin/feed", response_model=FeedConsumers, responses=problems(401))
async def list_feed_consumers(shop: TheShop) -> Response:
    """Every consumer with its positions and how far it is behind; 503 while the feed process starts."""
    found = await shop.feed.ask("feed.status")
    return shaped(FeedConsumers(items=[FeedConsumer.model_validate(each) for each in found]))


@admin_router.post(
    "/v1/admin/feed/{consumer}/replay", response_model=FeedConsumers, responses=body_problems(401, 404, 409)
)
async def replay_feed(consumer: ConsumerPath, replay: FeedReplayIn, shop: TheShop) -> Response:
    """Have a consumer read again from there: what it has told already is told again, with the same ids."""
    begin = replay.begin if replay.begin in ("start", "newest") else instant_of(replay.begin)
    await shop.feed.ask("feed.replay", {"consumer": consumer, "begin": begin})
    return await list_feed_consumers(shop)
