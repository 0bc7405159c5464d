"""Saved reports over HTTP, and the mails that they become: at their hour, once, also after an absence."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.errors import FeedRefused, Unavailable
from engine.report_schedule import ReportAnswered, ReportSchedulePut, SendReport
from serve.mail.composing import composed
from serve.mail.letters import Letters
from serve.mail.port import MailRefused, MailUnavailable
from serve.mail.port import Message as Mail
from serve.reports.posting import ReportPosting

from .shopfront import MailboxInMemory, Shopfront, SmallSettings, kind_of

PATH = "/v1/admin/report-schedules/daily-sales"
DAILY = {"report": "sales", "every": "day", "recipients": ["ada@example.org"], "timezone": "Europe/London"}
"""The shop's clock begins on 2026-11-18 at 11:06 UTC."""
NOON = 1_795_608_060_000
"""A minute past the hour of this schedule, whose next time is a day later."""
SCHEDULE = ReportSchedulePut("sales", {}, "csv", ("ada@example.org",), "day", 12, 1, 1, "UTC", True, NOON)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


class FakeDesk:
    """Makes reports of nothing; the lake is behind by `lag_ms`."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self.refusal: Exception | None = None
        self.lag_ms = 0

    async def ask(self, method: str, arguments: Mapping[str, Any] | None = None) -> Any:
        if method == "feed.status":
            return [{"name": "lake", "lag_entries": int(self.lag_ms > 0), "lag_ms": self.lag_ms}]
        assert method == "reports.run"
        assert arguments is not None
        self.asked.append(arguments)
        if self.refusal is not None:
            raise self.refusal
        return b"period,currency\r\n"


class Picky(MailboxInMemory):
    """Fails so many times, and never takes anything for Eve."""

    def __init__(self, failures: int = 0) -> None:
        super().__init__()
        self.failures = failures

    async def send(self, message: Mail) -> None:
        if message.to.startswith("eve@"):
            raise MailRefused("nobody is called so")
        if self.failures:
            self.failures -= 1
            raise MailUnavailable("busy")
        await super().send(message)


@pytest.fixture
def shop() -> Iterator[Shopfront]:
    with Shopfront() as front:
        yield front


@pytest.fixture
def desk(shop: Shopfront) -> FakeDesk:
    desk = FakeDesk()
    shop.desk.open(desk)
    return desk


def put(shop: Shopfront, **changes: Any) -> Any:
    answer = shop.put(PATH, admin=True, json={**DAILY, **changes})
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def look(shop: Shopfront) -> Any:
    return shop.get(PATH, admin=True).json()


def pass_time(shop: Shopfront, ms: int) -> None:
    shop.clock.advance(ms)
    shop.let_time_pass()
    shop.let_effects_run()


def test_a_schedule_is_a_document_with_an_etag(shop: Shopfront) -> None:
    made = shop.put(PATH, admin=True, json=DAILY)
    assert (made.status_code, made.headers["etag"]) == (201, '"1"')
    assert made.json()["next_at"] == "2026-11-19T06:01:00.000Z"
    assert made.json()["parameters"] == {"currency": "", "interval": "", "by": "", "limit": 10_000}
    assert shop.put(PATH, admin=True, json={**DAILY, "hour": 7}, headers={"If-Match": '"9"'}).status_code == 412
    changed = shop.put(PATH, admin=True, json={**DAILY, "enabled": False}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["next_at"]) == (200, None)
    (item,) = shop.get("/v1/admin/report-schedules", admin=True).json()["items"]
    assert item == look(shop) == changed.json()
    assert shop.delete(PATH, admin=True).status_code == 204
    assert shop.get(PATH, admin=True).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"report": "weather"},
        {"timezone": "Mars/Olympus"},
        {"report": "suppliers", "parameters": {"by": "vendor"}},
        {"recipients": []},
        {"recipients": ["nobody"]},
        {"recipients": [f"a{number}@example.org" for number in range(21)]},
        {"every": "minute"},
        {"hour": 24},
        {"every": "week", "weekday": 0},
        {"format": "json"},
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(shop: Shopfront, changes: dict[str, Any]) -> None:
    answer = shop.put(PATH, admin=True, json={**DAILY, **changes})
    assert (answer.status_code, kind_of(answer)) == (422, "invalid-request")


def test_a_report_leaves_once_at_its_hour(shop: Shopfront, desk: FakeDesk) -> None:
    put(shop, recipients=["ada@example.org", "bob@example.org"], parameters={"interval": "hour"})
    pass_time(shop, 18 * HOUR_MS)
    assert not shop.mailbox.mails
    pass_time(shop, HOUR_MS)
    pass_time(shop, HOUR_MS)
    (asked,) = desk.asked
    assert asked["given"] == {
        "interval": "hour",
        "limit": "10000",
        "from": "2026-11-18",
        "to": "2026-11-18",
        "timezone": "Europe/London",
    }
    mail, other = shop.mailbox.mails
    assert [mail.to, other.to] == ["ada@example.org", "bob@example.org"]
    assert mail.subject == "Doorbuster: Sales, 2026-11-18"
    (file,) = mail.attachments
    assert (file.name, file.content) == ("sales-2026-11-18.csv", b"period,currency\r\n")
    (part,) = composed(mail, "shop@example.org", 0).iter_attachments()
    assert (part.get_content_type(), part.get_filename()) == ("text/csv", file.name)
    found = look(shop)
    assert (found["next_at"], found["last"]["problem"]) == ("2026-11-20T06:01:00.000Z", "")
    pass_time(shop, DAY_MS)
    assert len({each.id for each in shop.mailbox.mails}) == 2
    assert len(shop.mailbox.mails) == 4


def test_of_three_that_were_missed_only_the_newest_leaves(shop: Shopfront, desk: FakeDesk) -> None:
    put(shop)
    pass_time(shop, 3 * DAY_MS)
    (mail,) = shop.mailbox.mails
    assert mail.subject.endswith("2026-11-20")
    assert look(shop)["next_at"] == "2026-11-22T06:01:00.000Z"


def test_while_the_feed_process_is_away_a_report_waits_and_then_leaves_once(shop: Shopfront) -> None:
    put(shop)
    shop.desk.shut()
    pass_time(shop, DAY_MS)
    assert look(shop)["sending"]
    assert not shop.mailbox.mails
    desk = FakeDesk()
    shop.desk.open(desk)
    shop.let_effects_run(20)
    assert len(shop.mailbox.mails) == 1
    assert not look(shop)["sending"]


def test_a_report_waits_until_all_of_its_period_was_read(shop: Shopfront, desk: FakeDesk) -> None:
    put(shop)
    desk.lag_ms = DAY_MS
    pass_time(shop, 20 * HOUR_MS)
    assert not desk.asked
    desk.lag_ms = HOUR_MS
    shop.let_effects_run(20)
    assert len(shop.mailbox.mails) == 1


def test_a_mail_that_fails_is_sent_again_and_one_that_is_refused_is_told(desk: FakeDesk, shop: Shopfront) -> None:
    shop.mailbox = Picky(failures=2)
    put(shop, recipients=["ada@example.org", "eve@example.org"])
    pass_time(shop, DAY_MS)
    shop.let_effects_run(20)
    (mail,) = shop.mailbox.mails
    assert mail.to == "ada@example.org"
    assert look(shop)["last"]["problem"] == "eve@example.org: nobody is called so"


def test_a_report_that_can_never_be_made_says_why_and_the_next_is_tried(shop: Shopfront, desk: FakeDesk) -> None:
    put(shop)
    desk.refusal = FeedRefused("not-found", "This shop has no reports.")
    pass_time(shop, DAY_MS)
    found = look(shop)
    assert found["last"]["problem"] == "This shop has no reports."
    assert found["next_at"] == "2026-11-20T06:01:00.000Z"
    desk.refusal = None
    pass_time(shop, DAY_MS)
    assert look(shop)["last"]["problem"] == ""


def test_a_removed_schedule_sends_nothing(shop: Shopfront, desk: FakeDesk) -> None:
    put(shop)
    shop.delete(PATH, admin=True)
    pass_time(shop, DAY_MS)
    assert not desk.asked


def test_a_saved_report_is_read_whenever_it_is_wanted(tmp_path: Path) -> None:
    with Shopfront(settings=SmallSettings(lake=tmp_path / "lake")) as shop:
        shop.sell("RETRO-CLOCK")
        shop.buy(("RETRO-CLOCK", 1))
        shop.let_lake_read()
        put(shop, enabled=False, recipients=[], parameters={"by": "product"})
        shop.clock.advance(DAY_MS)
        answer = shop.get(f"{PATH}/report", admin=True)
        assert answer.headers["content-type"].startswith("text/csv")
        assert "RETRO-CLOCK" in answer.text
        assert shop.get("/v1/admin/report-schedules/none/report", admin=True).status_code == 404


def test_a_report_that_can_t_be_made_is_tried_less_and_less_often_and_then_told() -> None:
    desk, clock = FakeDesk(), [NOON]
    desk.refusal = RuntimeError("IO Error: a file is away\nand more")
    posting = ReportPosting(desk, lambda: (MailboxInMemory(), Letters("Shop", "http://shop")), lambda: clock[0])
    call = SendReport("daily-sales", SCHEDULE, NOON)

    async def story() -> None:
        tried_after: list[int] = []
        while True:
            asked = len(desk.asked)
            try:
                answer = await posting.call(call)
                break
            except Unavailable:
                if len(desk.asked) > asked:
                    tried_after.append((clock[0] - NOON) // 1_000)
                clock[0] += 5_000
        assert tried_after == [0, 10, 30, 70, 150, 310, 630]
        assert isinstance(answer, ReportAnswered)
        assert answer.problem == "The report could not be made: RuntimeError: IO Error: a file is away"
        assert answer.next_at > clock[0]
        # The next one begins anew, and one that was made has nothing against it.
        desk.refusal = None
        later = msgspec.structs.replace(call, due_at=answer.next_at)
        clock[0] = answer.next_at
        told = await posting.call(later)
        assert isinstance(told, ReportAnswered)
        assert not told.problem

    asyncio.run(story())
