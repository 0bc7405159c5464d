"""Parts of the shop die while it sells: it goes on, or resumes by itself, and the books add up."""

import asyncio

import pytest

from loadtest.faults.faults import CONTROLLER, DIRECTORY, HAPROXY, HOSTS, REPLICA, Fault, kill, kill_host, stop_host
from loadtest.faults.report import Row
from loadtest.faults.scene import Scene, Site
from loadtest.faults.trial import attempt

from ..running import RunningShop

PURCHASES_PER_S = 20
WARM_UP_S = 0.5
"""It has sold before, in other tests."""
WINDOW_S = 2.0
GIVEN_UP_AFTER_S = 6.0
"""A host that doesn't answer for two seconds has lost its shards; a busy machine takes longer to say so."""
BACK_WITHIN_S = 5.0
"""Measured: 0.2 to 0.5 s. A machine that runs all tests at once has other things to do."""
BEGUN_ANEW_WITHIN_S = 20.0
"""For what takes the start of a process: measured 2 to 4 s, and 10 s with eight others at work on two cores."""
BEGINS_ANEW_S = 6.0
UNNOTICED_S = 5.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture
def site(hosts_shop: RunningShop) -> Site:
    return Site(hosts_shop.api, hosts_shop, hosts_shop.data)


def tried(fault: Fault, site: Site) -> Row:
    """One strike; whatever was hit, nothing may be lost or sold twice."""
    row = asyncio.run(attempt(fault, site, 1, PURCHASES_PER_S, print, warm_up_s=WARM_UP_S))
    print(row)
    assert not row.wrong
    assert (row.lost, row.sold_twice, row.figures.never_back) == (0, 0, 0)
    assert row.orders > 0
    return row


def test_a_killed_hosts_shards_sell_again_at_once_and_nobody_has_to_ask_twice(site: Site) -> None:
    row = tried(Fault("host", "", HOSTS, kill_host(window_s=WINDOW_S)), site)
    assert row.figures.p99_back_s < BACK_WITHIN_S
    assert set(row.figures.answers) == {"201"}


def test_a_host_that_stood_still_and_goes_on_sells_nothing_twice(site: Site) -> None:
    row = tried(Fault("stopped", "", HOSTS, stop_host(stopped_s=GIVEN_UP_AFTER_S, window_s=WINDOW_S)), site)
    # Found out while it stood still: the others sell, not it.
    assert row.figures.p99_back_s < GIVEN_UP_AFTER_S


def test_who_only_directs_is_not_missed(site: Site) -> None:
    async def kill_both(scene: Scene) -> str:
        for part in (DIRECTORY, CONTROLLER):
            await kill(part, window_s=WINDOW_S)(scene)
        return ""

    row = tried(Fault("directory and controller", "", HOSTS, kill_both), site)
    assert row.figures.slowest_s < UNNOTICED_S
    assert set(row.figures.answers) == {"201"}


def test_the_other_replica_sells_on(site: Site) -> None:
    row = tried(Fault("replica", "", HOSTS, kill(REPLICA, window_s=WINDOW_S, count=2)), site)
    assert row.figures.p99_back_s < BACK_WITHIN_S


def test_haproxy_comes_back_by_itself(site: Site) -> None:
    row = tried(Fault("haproxy", "", HOSTS, kill(HAPROXY, window_s=BEGINS_ANEW_S)), site)
    assert row.figures.p99_back_s < BEGUN_ANEW_WITHIN_S
