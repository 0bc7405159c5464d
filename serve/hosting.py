"""The composition of a host: journal, kinds, gateways. It knows nothing of HTTP, so a host actor starts fast."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from actors.client import Client
from actors.clock import SteadyClock
from actors.host import Host
from actors.journals.port import Journal, JournalUnavailable
from actors.journals.urls import open_journal
from actors.pins import Pins
from engine.kernel import Instant
from engine.kinds import KINDS
from engine.order import SettlePayment
from engine.payment import Authorized

from .feed.desk import FeedDesk, NoDesk
from .feed.poster import WebhookPoster
from .gateways.registry import gateways_of
from .reports.posting import Post, ReportPosting
from .settings import Settings
from .warming import SaleWarming

REOPEN_PAUSE_S = 1.0
BOOTED_AT = "DOORBUSTER_BOOTED_AT"
"""Environment variable: when this machine began, in nanoseconds since the epoch, as `up` saw it."""
RUN_DIRECTORY = "DOORBUSTER_RUN_DIRECTORY"
"""Environment variable: the directory of this run's sockets, which only its user may enter."""

logger = logging.getLogger("doorbuster.serve")


def log_to_stderr() -> None:
    """Write what this process has to say to its real stderr, which Ray keeps as a file: Serve puts a stream of its own
    in the place of `sys.stderr`, and drops what comes there."""
    shops = logging.getLogger("doorbuster")
    if not shops.handlers:
        handler = logging.StreamHandler(sys.__stderr__)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        shops.addHandler(handler)


def now() -> Instant:
    """The wall clock in milliseconds."""
    return time.time_ns() // 1_000_000


def host_socket() -> Path:
    """Where other processes of the machine reach the host of the one that hosts every shard."""
    return Path(os.environ[RUN_DIRECTORY]) / "host.sock"


def journal_of(settings: Settings, nodes: int = 1) -> Journal:
    """The journal that the settings name. In new data, the shards that one host runs share a volume and its commits."""
    return open_journal(
        settings.journal,
        shards=settings.shards,
        volumes_if_new=max(1, settings.hosts * nodes),
        accept_data_loss=settings.accept_data_loss,
        wait_replicas=settings.journal_replicas,
    )


def clock_of(environment: Mapping[str, str]) -> Callable[[], Instant]:
    """The time of a process. Those of a shop on one machine count from what the start has told all of them; on several
    machines each goes by its own clock, which must be kept right there anyway."""
    told = environment.get(BOOTED_AT)
    return SteadyClock(int(told)) if told else now


async def all_shards(settings: Settings, journal: Journal) -> list[int]:
    """The shards of the data: the base ones, and those that were ever made for a pinned entity."""
    return sorted({*range(settings.shards), *await journal.shards()})


async def host_of(
    settings: Settings,
    journal: Journal,
    client: Client,
    *,
    pins: Pins | None = None,
    desk: FeedDesk | None = None,
    **options: Any,
) -> Host:
    """A host of the commerce kinds, with the gateways that they call; `pins` where there is more than one host, `desk`
    where there is a feed process."""
    clock = clock_of(os.environ)

    async def settled(order_id: str, authorize_key: str, reply: Authorized) -> None:
        await client.send("order", order_id, SettlePayment(authorize_key, reply))

    return Host(
        KINDS,
        journal,
        settings.shards,
        clock,
        gateways={
            **gateways_of(settings, settled, now),
            "sales": SaleWarming(client, pins),
            "webhooks": WebhookPoster(private=settings.webhook_private_addresses),
            "reports": ReportPosting(desk or NoDesk(), partial(post_of, settings, clock), clock),
        },
        send=client.send,
        mailbox_limit=settings.mailbox_limit,
        entities_in_memory=settings.entities_in_memory,
        idle_s=settings.entity_idle_s,
        **options,
    )


def post_of(settings: Settings, now: Callable[[], Instant]) -> Post:
    """The way out for a host's own mails."""
    from .accounts.composition import letters_of, mailer_of

    return mailer_of(settings, now), letters_of(settings)


async def compose_host(
    settings: Settings, client: Client, *, pins: Pins | None = None, desk: FeedDesk | None = None
) -> Host:
    """A host in an actor of its own, with its own way to the journal."""
    log_to_stderr()
    return await host_of(settings, await reached_journal_of(settings), client, pins=pins, desk=desk)


async def find_shards(settings: Settings) -> dict[int, int]:
    """The shards of the data, each with its volume, for an actor that has no journal of its own."""
    while True:
        journal = await reached_journal_of(settings)
        try:
            return {shard: journal.volume_of(shard) for shard in await all_shards(settings, journal)}
        except JournalUnavailable as error:
            logger.warning("The journal can't be read yet: %s", error)
        finally:
            await journal.close()
        await asyncio.sleep(REOPEN_PAUSE_S)


async def reached_journal_of(settings: Settings) -> Journal:
    """As `journal_of`, however long that takes."""
    while True:
        try:
            return journal_of(settings)
        except JournalUnavailable as error:
            # An actor that is started anew while the store is away must not give up: nobody would start it again.
            logger.warning("The journal can't be opened yet: %s", error)
        await asyncio.sleep(REOPEN_PAUSE_S)
