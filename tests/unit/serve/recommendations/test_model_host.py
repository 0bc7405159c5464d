"""What a process of models does: loads what is released beside what serves, and answers batches."""

import asyncio
import gc
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pytest

from ml.artifact import Artifact, write_artifact
from ml.errors import ArtifactDamaged, RegistryUnreachable
from ml.interactions import Dataset, Items, dataset_of
from ml.model import NOTHING, Context, Ranked
from ml.registry.release import Mode as ReleaseMode
from ml.registry.release import Release, Version
from serve.recommendations.lives import MOST_ENDS, Lives
from serve.recommendations.model_host import ModelHost
from serve.recommendations.port import Answered, Mode, ModelBroken, ModelMissing, Query, Standing, Trial, Variant

from .test_lives import ended_in

NEVER = -2
SKUS = ("RETRO-CLOCK", "BRASS-LAMP", "OAK-TABLE", "VELVET-SOFA")


class NextOne:
    """Recommends the item after the newest of the context; breaks where it is told to."""

    name: ClassVar[str] = "next-one"
    skus: Sequence[str] = SKUS

    def __init__(self, breaks_at: int = NEVER) -> None:
        self._breaks_at = breaks_at

    @property
    def parameters(self) -> Mapping[str, str | int | float | bool]:
        return {"breaks_at": self._breaks_at}

    def fit(self, data: Dataset) -> None:
        self.skus = data.items.skus

    def recommend(self, contexts: Sequence[Context], k: int) -> Ranked:
        return self._after([(*each.history, *each.basket, *each.session, NOTHING)[-2:][0] for each in contexts], k)

    def similar(self, items: Sequence[int], k: int) -> Ranked:
        return self._after(items, k)

    def _after(self, items: Sequence[int], k: int) -> Ranked:
        if self._breaks_at in items:
            raise ZeroDivisionError("as told")
        ranked = np.full((len(items), k), NOTHING, np.int32)
        because = ranked.copy()
        for row, item in enumerate(items):
            ranked[row, 0] = (item + 1) % len(self.skus)
            because[row, 0] = item
        return Ranked(ranked, np.zeros((len(items), k), np.float32), because)

    def save(self, directory: Path) -> None:
        (directory / "breaks_at").write_text(str(self._breaks_at))

    @classmethod
    def load(cls, directory: Path) -> Self:
        return cls(int((directory / "breaks_at").read_text()))


class Shelf:
    """A registry's follower: releases by hand."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.releases: dict[str, Release] = {}
        self.away = False

    def put(self, number: int, breaks_at: int = NEVER) -> Version:
        write_artifact(self._directory / str(number), NextOne(breaks_at), Artifact(model=""))
        return Version("", number, "next-one", str(self._directory / str(number)))

    def lives(self) -> Lives:
        return Lives(self._directory / "lives", lambda: 1_000)

    def release(self, market: str = "") -> Release:
        return self.releases[market]

    def markets(self) -> Sequence[str]:
        if self.away:
            raise RegistryUnreachable("it is away")
        return list(self.releases)

    def fetch(self, version: Version) -> Path:
        if not Path(version.location).exists():
            raise ArtifactDamaged("it isn't there")
        return Path(version.location)

    def close(self) -> None:
        pass


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def host_of(shelf: Shelf, variant: Variant = Variant.CHAMPION) -> ModelHost:
    return ModelHost(variant, shelf, shelf.lives(), lambda: 1_000)


async def ask(host: ModelHost, *queries: Query, market: str = "") -> Answered:
    return host.answer_at_once(market, queries) or await host.answer(market, queries)


def first(answered: Answered) -> list[str]:
    return [each[0].sku if each else "" for each in answered.lists]


def test_queries_are_answered_in_skus_with_the_reason(shelf: Shelf) -> None:
    async def test() -> None:
        shelf.releases[""] = Release(champion=shelf.put(1))
        host = host_of(shelf)
        await host.follow()
        answered = await ask(
            host,
            Query(3, session=("UNKNOWN", "RETRO-CLOCK")),
            Query(3, sku="BRASS-LAMP"),
            Query(3, session=("RETRO-CLOCK",), sku="OAK-TABLE"),
            Query(3, history=("OAK-TABLE",), history_at=(5,)),
            Query(3, sku="RETRO-CLOCK", together=True),
            Query(3, sku="UNKNOWN"),
        )
        assert first(answered) == [
            "BRASS-LAMP", "OAK-TABLE", "VELVET-SOFA", "VELVET-SOFA", "BRASS-LAMP", "RETRO-CLOCK",
        ]  # fmt: skip
        assert [each[0].because for each in answered.lists][:2] == ["RETRO-CLOCK", "BRASS-LAMP"]
        assert (answered.model, answered.version) == ("next-one", "1")
        assert host.standing() == {"": Standing("1", None, "next-one", 1_000)}

    asyncio.run(test())


def test_a_new_champion_takes_over_and_the_old_ones_memory_goes(shelf: Shelf) -> None:
    async def test() -> None:
        shelf.releases[""] = Release(champion=shelf.put(1))
        host = host_of(shelf)
        await host.follow()
        old = weakref.ref(host.market("").loaded)
        shelf.releases[""] = Release(champion=shelf.put(2))
        await host.follow()
        gc.collect()
        assert (await ask(host, Query(1, sku="RETRO-CLOCK"))).version == "2"
        assert old() is None

    asyncio.run(test())


def test_what_can_not_be_loaded_or_breaks_when_it_is_warmed_up_never_serves(shelf: Shelf) -> None:
    async def test() -> None:
        shelf.releases[""] = Release(champion=shelf.put(1))
        host = host_of(shelf)
        await host.follow()
        assert (await ask(host, Query(1, sku="RETRO-CLOCK"))).version == "1"
        for wrong in (shelf.put(2, breaks_at=0), Version("", 3, "next-one", "/nowhere")):
            shelf.releases[""] = Release(champion=wrong)
            await host.follow()
            assert (await ask(host, Query(1, sku="RETRO-CLOCK"))).version == "1"
        assert host.standing()[""].version == "1"

    asyncio.run(test())


def test_a_registry_that_is_away_changes_nothing(shelf: Shelf) -> None:
    async def test() -> None:
        shelf.releases[""] = Release(champion=shelf.put(1))
        host = host_of(shelf)
        await host.follow()
        shelf.away = True
        await host.follow()
        assert (await ask(host, Query(1, sku="RETRO-CLOCK"))).version == "1"

    asyncio.run(test())


def test_a_query_that_the_model_breaks_at_takes_no_others_with_it(shelf: Shelf) -> None:
    async def test() -> None:
        shelf.releases[""] = Release(champion=shelf.put(1, breaks_at=2))
        host = host_of(shelf)
        await host.follow()
        answered = await ask(host, Query(1, sku="RETRO-CLOCK"), Query(1, sku="OAK-TABLE"), Query(1, sku="BRASS-LAMP"))
        assert (first(answered), answered.failed) == (["BRASS-LAMP", "", "OAK-TABLE"], (1,))
        with pytest.raises(ModelBroken, match="ZeroDivisionError"):
            await ask(host, Query(1, sku="OAK-TABLE"))

    asyncio.run(test())


def test_each_market_has_its_model_and_one_without_has_none(shelf: Shelf) -> None:
    async def test() -> None:
        shelf.releases = {"": Release(champion=shelf.put(1)), "berlin": Release("berlin", champion=shelf.put(2))}
        host = host_of(shelf)
        await host.follow()
        assert (await ask(host, Query(1, sku="RETRO-CLOCK"), market="berlin")).version == "2"
        with pytest.raises(ModelMissing):
            await ask(host, Query(1), market="paris")
        assert {market: each.version for market, each in host.standing().items()} == {"": "1", "berlin": "2"}
        small = ModelHost(Variant.CHAMPION, shelf, shelf.lives(), lambda: 1_000, most_markets=1)
        await small.follow()
        assert (await ask(small, Query(1, sku="RETRO-CLOCK"), market="berlin")).version == "2"
        assert small.standing()[""].since == 0

    asyncio.run(test())


def test_a_champion_that_ended_its_process_again_and_again_is_set_aside_until_another_release(shelf: Shelf) -> None:
    async def test() -> None:
        shelf.releases[""] = Release(champion=shelf.put(1), number=4)
        for _ in range(MOST_ENDS):
            host = host_of(shelf)
            await host.follow()
            assert not host.standing()[""].is_aside
            ended_in(shelf.lives(), "/1 of release 4")
        host = host_of(shelf)
        await host.follow()
        assert host.standing() == {"": Standing("1", None, "next-one", 0, is_aside=True)}
        with pytest.raises(ModelMissing):
            await ask(host, Query(1))
        shelf.releases[""] = Release(champion=shelf.put(2), number=5)
        await host.follow()
        assert (await ask(host, Query(1, sku="RETRO-CLOCK"))).version == "2"
        shelf.releases[""] = Release(champion=Version("", 1, "next-one", shelf.put(3).location), number=6)
        await host.follow()
        assert not host.standing()[""].is_aside, "it was released again"

    asyncio.run(test())


def test_a_challenger_is_told_with_how_it_is_tried(shelf: Shelf) -> None:
    async def test() -> None:
        one, two = shelf.put(1), shelf.put(2)
        shelf.releases[""] = Release(champion=one, challenger=two, mode=ReleaseMode.CANARY, share=0.1)
        champion, challenger = host_of(shelf), host_of(shelf, Variant.CHALLENGER)
        await asyncio.gather(champion.follow(), challenger.follow())
        assert champion.standing()[""].trial == Trial("2", Mode.CANARY, 0.1, "next-one")
        assert (await ask(challenger, Query(1, sku="RETRO-CLOCK"))).version == "2"
        shelf.releases[""] = Release(champion=one)
        await challenger.follow()
        with pytest.raises(ModelMissing):
            await ask(challenger, Query(1))

    asyncio.run(test())


def test_the_models_of_the_library_answer_so_too(shelf: Shelf, tmp_path: Path) -> None:
    from ml.models.popularity import Popularity

    async def test() -> None:
        model = Popularity()
        model.fit(dataset_of(Items(SKUS), [0, 1, 1, 2], [1, 2, 3, 4]))
        write_artifact(tmp_path / "p", model, Artifact(model=""))
        shelf.releases[""] = Release(champion=Version("", 1, "popularity", str(tmp_path / "p")))
        host = host_of(shelf)
        await host.follow()
        assert first(await ask(host, Query(2), Query(2, sku="BRASS-LAMP"))) == ["BRASS-LAMP", "OAK-TABLE"]

    asyncio.run(test())
