"""Who runs what: even, with few moves, and a pinned shard's host has nothing else to do."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from random import Random

import pytest

from actors.directory import Directory, Owned, plan
from actors.errors import CannotDrain, Unavailable


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


def by_volume(shard: int) -> int:
    return shard % 2


def test_the_shards_of_a_volume_stay_with_one_host() -> None:
    wanted = plan(dict.fromkeys(range(16)), ["a", "b"], (), by_volume)
    assert [{wanted[shard] for shard in range(16) if by_volume(shard) == volume} for volume in (0, 1)] == [{"a"}, {"b"}]


def test_a_host_that_comes_back_gets_a_whole_volume() -> None:
    alone = plan(dict.fromkeys(range(16)), ["a"], (), by_volume)
    assert set(alone.values()) == {"a"}
    wanted = plan(alone, ["a", "b"], (), by_volume)
    assert {len({wanted[shard] for shard in range(volume, 16, 2)}) for volume in (0, 1)} == {1}
    assert Counter(wanted.values()) == {"a": 8, "b": 8}


def test_more_hosts_than_volumes_share_them() -> None:
    wanted = plan(dict.fromkeys(range(16)), ["a", "b", "c"], (), by_volume)
    assert sorted(Counter(wanted.values()).values()) == [5, 5, 6]


class QuietHost:
    """Takes whatever it is given, and remembers it in order."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[int, ...]]] = []
        self.draining = False
        self._epochs: dict[int, int] = {}
        self._newest = 0

    async def own(self, shards: Sequence[int]) -> Mapping[int, int]:
        self.told.append(("own", tuple(shards)))
        self._newest += 1
        self._epochs |= dict.fromkeys(shards, self._newest)
        return dict(self._epochs)

    async def disown(self, shards: Sequence[int]) -> None:
        self.told.append(("disown", tuple(shards)))
        for shard in shards:
            self._epochs.pop(shard, None)

    async def owned(self) -> Owned:
        return Owned(dict(self._epochs), self.draining)

    async def set_draining(self, draining: bool) -> None:
        self.draining = draining


class DeadHost(QuietHost):
    async def owned(self) -> Owned:
        raise Unavailable("gone")


def test_hosts_that_start_together_get_their_shards_once() -> None:
    async def main() -> None:
        hosts = {"a": QuietHost(), "b": QuietHost()}
        directory = Directory(range(4), hosts.__getitem__, volume_of=by_volume)
        assert directory.homeless == [0, 1, 2, 3]
        await directory.join("a", "b")
        assert directory.homeless == []
        assert (hosts["a"].told, hosts["b"].told) == ([("own", (0, 2))], [("own", (1, 3))])

    asyncio.run(main())


def test_of_hosts_that_start_together_a_dead_one_is_told_and_the_others_run_everything() -> None:
    async def main() -> None:
        hosts = {"a": DeadHost(), "b": QuietHost()}
        directory = Directory(range(4), hosts.__getitem__)
        with pytest.raises(Unavailable, match="gone"):
            await directory.join("a", "b")
        assert set(directory.table()[1].values()) == {"b"}

    asyncio.run(main())


def runs(directory: Directory) -> dict[str, int]:
    return dict(Counter(directory.table()[1].values()))


def test_a_drained_hosts_shards_move_one_by_one_to_the_others() -> None:
    async def main() -> None:
        hosts = {"a": QuietHost(), "b": QuietHost(), "c": QuietHost()}
        directory = Directory(range(6), hosts.__getitem__)
        await directory.join(*hosts)
        await directory.drain("a")
        assert runs(directory) == {"b": 3, "c": 3}
        assert hosts["a"].draining
        assert [what for what, _ in hosts["a"].told] == ["own", "disown", "disown"]
        await directory.rebalance()
        assert runs(directory) == {"a": 2, "b": 2, "c": 2}
        assert not hosts["a"].draining
        assert directory.draining == []

    asyncio.run(main())


def test_the_last_host_and_an_unknown_one_cannot_be_drained() -> None:
    async def main() -> None:
        hosts = {"a": QuietHost(), "b": QuietHost()}
        directory = Directory(range(4), hosts.__getitem__)
        await directory.join(*hosts)
        with pytest.raises(CannotDrain, match="no host is called c"):
            await directory.drain("a", "c")
        with pytest.raises(CannotDrain, match="no other host is left"):
            await directory.drain("a", "b")
        assert runs(directory) == {"a": 2, "b": 2}
        await directory.drain("b")
        with pytest.raises(CannotDrain, match="no other host is left"):
            await directory.drain("a")
        assert runs(directory) == {"a": 4}

    asyncio.run(main())


def test_hosts_that_drain_go_on_if_nobody_else_lives() -> None:
    async def main() -> None:
        hosts = {"a": QuietHost(), "b": QuietHost()}
        directory = Directory(range(4), hosts.__getitem__)
        await directory.join(*hosts)
        await directory.drain("a")
        await directory.forget("b")
        assert runs(directory) == {"a": 4}
        await directory.join("b")
        assert runs(directory) == {"b": 4}

    asyncio.run(main())


def test_a_pinned_shard_moves_off_a_drained_host() -> None:
    async def main() -> None:
        hosts = {"a": QuietHost(), "b": QuietHost(), "c": QuietHost()}
        directory = Directory(range(4), hosts.__getitem__)
        await directory.join(*hosts)
        shard = await directory.add_exclusive()
        await directory.drain(directory.table()[1][shard])
        table = directory.table()[1]
        assert [other for other, host in table.items() if host == table[shard]] == [shard]

    asyncio.run(main())


def test_a_shard_that_no_host_takes_is_not_given_out_for_a_pinned_entity() -> None:
    async def main() -> None:
        directory = Directory(range(4), {"a": QuietHost()}.__getitem__)
        with pytest.raises(Unavailable):
            await directory.add_exclusive()
        await directory.join("a")
        assert runs(directory) == {"a": 5}, "as an ordinary shard that stays empty"

    asyncio.run(main())


def test_carrying_a_plan_out_leaves_nothing_to_plan() -> None:
    for hosts in (["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c", "d", "e"]):
        for shards in (1, 5, 16):
            for start in (None, "a", "gone"):
                for exclusive in ((), (shards - 1,)):
                    wanted = plan(dict.fromkeys(range(shards), start), hosts, exclusive, by_volume)
                    assert plan(wanted, hosts, exclusive, by_volume) == wanted


def test_shards_of_a_volume_move_together() -> None:
    async def main() -> None:
        hosts = {"a": QuietHost(), "b": QuietHost()}
        directory = Directory(range(8), hosts.__getitem__, volume_of=by_volume)
        await directory.join("a")
        await directory.join("b")
        assert hosts["a"].told[1:] == [("disown", (1, 3, 5, 7))]
        assert hosts["b"].told == [("own", (1, 3, 5, 7))]

    asyncio.run(main())


class SlowToDie(QuietHost):
    """Its answer fails once somebody says so: a call that was under way when the process died."""

    def __init__(self) -> None:
        super().__init__()
        self.dies = asyncio.Event()

    async def owned(self) -> Owned:
        if self.told:
            await self.dies.wait()
            raise Unavailable("gone")
        return await super().owned()


def test_a_call_that_fails_late_says_nothing_of_the_hosts_successor() -> None:
    async def main() -> None:
        processes = iter([first := SlowToDie(), first, successor := QuietHost(), successor])
        directory = Directory(range(2), lambda _: next(processes))
        await directory.join("a")
        late = asyncio.create_task(directory.suspect("a"))
        await asyncio.sleep(0)
        await directory.join("a")
        first.dies.set()
        await late
        assert directory.table()[1] == {0: "a", 1: "a"}
        assert directory.hosts == ["a"]

    asyncio.run(main())


class Town:
    """Hosts that come, die, drain and come back, in an order that is drawn."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.hosts: dict[str, QuietHost] = {}
        self.directory = Directory(range(12), self.hosts.__getitem__, volume_of=by_volume)

    async def step(self) -> None:
        directory, random = self.directory, self._random
        name = random.choice("abcd")
        living = directory.hosts
        match random.choice(("join", "die", "drain", "rebalance", "end", "pin", "begin anew")):
            case "join":
                self.hosts.setdefault(name, QuietHost())
                await directory.join(name)
            case "die" if name in living and len(living) > 1:
                # Ray starts a process of that name again, which remembers nothing.
                self.hosts[name] = QuietHost()
                await directory.suspect(name)
                await directory.join(name)
            case "drain":
                with suppress(CannotDrain):
                    await directory.drain(name)
            case "rebalance":
                await directory.rebalance()
            case "end" if name in living and len(living) > 1:
                del self.hosts[name]
                await directory.forget(name)
            case "pin" if living and directory.table()[0] < 100:
                await directory.add_exclusive()
            case "begin anew" if living:
                self.directory = Directory(range(12), self.hosts.__getitem__, volume_of=by_volume)
                await self.directory.join(*living)

    async def judge(self) -> None:
        directory = self.directory
        if not (living := directory.hosts):
            return
        _, table = directory.table()
        assert directory.homeless == []
        undrained = set(living) - set(directory.draining)
        assert set(table.values()) <= (undrained or set(living))
        for name in living:
            owned = await self.hosts[name].owned()
            assert owned.epochs.keys() == {shard for shard, host in table.items() if host == name}
            assert owned.draining == (name in directory.draining)


@pytest.mark.parametrize("seed", range(100))
def test_whatever_comes_every_shard_is_run_once_and_by_nobody_who_drains(seed: int) -> None:
    async def main() -> None:
        town = Town(Random(seed))
        for _ in range(40):
            await town.step()
            await town.judge()

    asyncio.run(main())
