"""Mails reports that are due: a gateway to the hosts, which call it until it has answered.

The report is made in the feed process; only its file passes through here, and that in steps that are short. A mail's
identity is made from the schedule and the time that it was due: one that leaves twice can be told by its `Message-ID`.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from actors.errors import FeedRefused, Unavailable
from engine.kernel import Answer, Command, Instant
from engine.report_schedule import ReportAnswered, ReportSchedulePut, SendReport

from ..feed.desk import FeedDesk
from ..mail.port import Attachment, Mailer, MailRefused, Message
from .formats import MEDIA_TYPES, Format
from .patience import Patience
from .timing import Days, days_of, due_after, newest_due
from .zone import beginning_of, zone_of

if TYPE_CHECKING:
    from ..mail.letters import Letters

LAKE = "lake"
"""What the reports are asked of, by the name of its consumer."""
POST_TIMEOUT_S = 75.0
"""The report has 30 s and each mail 20 s, all of them at once."""
LARGEST_FILE = 5_000_000
"""Bytes: what mail servers take without asking, and what can be written for 20 recipients in time."""

Post = tuple[Mailer, "Letters"]

logger = logging.getLogger("doorbuster.reports")


class ReportPosting:
    """One for each host. While the feed process or the mail server is away, a call fails, and is made again; what will
    never be is answered with its problem."""

    timeout_s = POST_TIMEOUT_S
    """For the runtime."""

    def __init__(self, desk: FeedDesk, post: Callable[[], Post], now: Callable[[], Instant]) -> None:
        self._desk = desk
        self._make_post = post
        self._post: Post | None = None
        self._now = now
        self._patience = Patience()

    def answer_at_once(self, _call: Command) -> Answer | None:
        return None

    async def call(self, call: Command) -> Answer:
        """Raises actors.errors.Unavailable, serve.mail.port.MailUnavailable."""
        assert isinstance(call, SendReport), "only reports are mailed here"
        # Of several that are due, because nobody was there to send them, only the newest is still news.
        now = max(self._now(), call.due_at)
        due_at = newest_due(call.schedule, now)
        try:
            problem = await self._mail(call.key, call.schedule, due_at)
        except FeedRefused as refused:
            problem = refused.detail
        return ReportAnswered(due_at, due_after(call.schedule, now), problem)

    async def _way_out(self) -> Post:
        # Made when it is first needed, and in a thread: most hosts never mail anything, all of them should start fast,
        # and none stand still. Of two calls that come here at once, both go on with the first one made.
        if self._post is None:
            made = await asyncio.to_thread(self._make_post)
            self._post = self._post or made
        return self._post

    async def _mail(self, key: str, schedule: ReportSchedulePut, due_at: Instant) -> str:
        """Why somebody does not get it, or nothing."""
        days = days_of(schedule, due_at)
        await self._see_to_it_that_all_is_there(days, schedule)
        asked = {"name": schedule.report, "given": days.asked(schedule), "wanted": schedule.format}
        content = await self._made(key, asked, due_at)
        if len(content) > LARGEST_FILE:
            return f"The file has {len(content):,} bytes: too many for a mail."
        mailer, letters = await self._way_out()
        file = Attachment(
            f"{schedule.report}-{days.first}.{schedule.format}", MEDIA_TYPES[Format(schedule.format)], content
        )
        values = {
            "title": schedule.report.replace("-", " ").capitalize(),
            "period": str(days),
            "timezone": schedule.timezone,
            "file": file.name,
            "schedule": key,
        }
        identity = f"report:{key}:{due_at}"
        mails = [letters.write("report", to, identity, values, attachments=(file,)) for to in schedule.recipients]
        told = await asyncio.gather(*(_sent(mailer, mail) for mail in mails), return_exceptions=True)
        for outcome in told:
            if isinstance(outcome, BaseException):
                # All are sent again: the mailer knows those that have left.
                raise outcome
        return "; ".join(outcome for outcome in told if isinstance(outcome, str) and outcome)

    async def _made(self, key: str, asked: Mapping[str, Any], due_at: Instant) -> bytes:
        """The file. Raises actors.errors.Unavailable where it is to be tried again, FeedRefused where it isn't."""
        if self._patience.rests(key, due_at, self._now()):
            raise Unavailable("the report could not be made; it is tried again later")
        try:
            content: bytes = await self._desk.ask("reports.run", asked)
        except (FeedRefused, Unavailable, OSError):
            raise
        except Exception as error:
            # Of the lake or its SQL: each try reads a lot of it, so they don't follow each other closely.
            # What was raised in another process has come wrapped, with a page of where it was.
            cause = getattr(error, "cause", None) or error
            why = f"{type(cause).__name__}: {cause}".partition("\n")[0]
            logger.exception("The report of schedule %s could not be made", key)
            if self._patience.failed(key, due_at, self._now()):
                raise FeedRefused("report-failed", f"The report could not be made: {why}") from error
            raise Unavailable(f"the report could not be made: {why}") from error
        self._patience.forget(key)
        return content

    async def _see_to_it_that_all_is_there(self, days: Days, schedule: ReportSchedulePut) -> None:
        """Raises actors.errors.Unavailable while the lake has yet to read what happened on these days."""
        over_at = beginning_of(days.last + timedelta(days=1), zone_of(schedule.timezone))
        for standing in await self._desk.ask("feed.status"):
            if standing["name"] == LAKE and standing["lag_entries"] and self._now() - standing["lag_ms"] < over_at:
                raise Unavailable("the lake has not read all of it yet")


async def _sent(mailer: Mailer, mail: Message) -> str:
    try:
        await mailer.send(mail)
    except MailRefused as refused:
        return f"{mail.to}: {refused}"
    return ""
