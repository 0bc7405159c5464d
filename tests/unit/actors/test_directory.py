"""Who runs what: even, with few moves, and a pinned shard's host has nothing else to do."""

from collections import Counter

from actors.directory import plan


def test_shards_without_a_host_are_spread_evenly() -> None:
    wanted = plan(dict.fromkeys(range(16)), ["a", "b", "c"], ())
    assert sorted(Counter(wanted.values()).values()) == [5, 5, 6]


def test_a_new_host_gets_its_share_and_no_other_shard_moves() -> None:
    before = plan(dict.fromkeys(range(16)), ["a", "b"], ())
    after = plan(before, ["a", "b", "c"], ())
    assert sorted(Counter(after.values()).values()) == [5, 5, 6]
    assert all(after[shard] in (before[shard], "c") for shard in before)


def test_a_lost_hosts_shards_go_to_the_others_and_no_other_shard_moves() -> None:
    before = plan(dict.fromkeys(range(16)), ["a", "b", "c"], ())
    after = plan({shard: None if host == "c" else host for shard, host in before.items()}, ["a", "b"], ())
    assert all(after[shard] == host for shard, host in before.items() if host != "c")


def test_a_pinned_shard_has_a_host_of_its_own() -> None:
    before = plan(dict.fromkeys(range(4)), ["a", "b"], ())
    after = plan({**before, 4: None}, ["a", "b"], {4})
    assert [shard for shard, host in after.items() if host == after[4]] == [4]


def test_one_host_runs_pinned_and_ordinary_shards() -> None:
    assert plan({0: "a", 1: None}, ["a"], {1}) == {0: "a", 1: "a"}
