"""What every recommender promises, whatever it is made of. Inherit `RecommenderSuite` and say how one is made."""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ml.arrays import DESCRIPTION
from ml.errors import ArtifactDamaged, NotEnoughData
from ml.interactions import Dataset, Did, Items, dataset_of
from ml.model import NOTHING, Context, Model, Ranked

MINUTE_MS = 60_000
TOPICS = (
    ("RETRO-CLOCK", "BRASS-LAMP", "VELVET-SOFA", "OAK-TABLE"),
    ("TRAIL-SHOE", "WOOL-SOCK", "RAIN-COAT", "CANVAS-PACK"),
    ("ESPRESSO-POT", "STEEL-KETTLE", "CLAY-CUP", "BEAN-GRINDER"),
)
"""Whoever looks at one of a topic looks at the others of it."""


def small_shop(sessions: int = 240, seed: int = 7) -> Dataset:
    """Sessions and purchases of customers who each stay within a topic, but for one click in ten."""
    dice = np.random.default_rng(seed)
    skus = [sku for topic in TOPICS for sku in topic]
    items = Items(
        skus,
        [sku.replace("-", " ").lower() for sku in skus],
        [f"topic {number}" for number, topic in enumerate(TOPICS) for _ in topic],
        ["Northwind"] * len(skus),
    )
    rows: list[tuple[int, int, int, int, int]] = []
    for session in range(sessions):
        customer = session % 60
        topic = customer % len(TOPICS)
        at = 1_700_000_000_000 + session * 90 * MINUTE_MS
        for step in range(int(dice.integers(2, 6))):
            strayed = dice.random() < 0.1
            item = int(dice.integers(len(skus))) if strayed else topic * 4 + int(dice.integers(4))
            did = Did.PURCHASE if step % 2 else Did.CLICK
            rows.append((item, at + step * MINUTE_MS, session, customer, did))
    item, at_ms, session_of, customer_of, did_of = zip(*rows, strict=True)
    return dataset_of(
        items, item, at_ms, session=session_of, customer=customer_of, did=did_of,
        customers=[f"acc_{number:03}" for number in range(60)],
    )  # fmt: skip


def row(ranked: Ranked, number: int = 0) -> list[int]:
    return [int(item) for item in ranked.items[number] if item != NOTHING]


class RecommenderSuite(ABC):
    personal = True
    """Whether the answer depends on the context."""

    @abstractmethod
    def make(self) -> Model:
        """An unfitted model."""

    @pytest.fixture(scope="class")
    @classmethod
    def data(cls) -> Dataset:
        return small_shop()

    @pytest.fixture(scope="class")
    @classmethod
    def model(cls, data: Dataset) -> Model:
        model = cls().make()
        model.fit(data)
        return model

    @pytest.fixture(scope="class")
    @classmethod
    def contexts(cls, data: Dataset) -> Sequence[Context]:
        at = int(data.at[-1])
        return [
            Context(session=[0, 1], at=at),
            Context(session=[5], history=[4, 6, 4], history_at=[at - 3, at - 2, at - 1], at=at),
            Context(basket=[8, 9], at=at),
            Context(history=[1, 2], history_at=[at - 9, at - 5], at=at),
            Context(at=at),
            Context(),
        ]

    def test_it_is_a_model_with_a_name_and_parameters_that_make_it_again(self, model: Model) -> None:
        assert isinstance(model, Model)
        assert model.name == model.name.lower()
        assert dict(type(model)(**model.parameters).parameters) == dict(model.parameters)
        json.dumps(dict(model.parameters))

    def test_answers_have_the_promised_shape(self, model: Model, contexts: Sequence[Context]) -> None:
        for k in (1, 5, 40):
            for ranked, rows in ((model.recommend(contexts, k), len(contexts)), (model.similar([0, 7], k), 2)):
                assert ranked.items.shape == ranked.scores.shape == ranked.because.shape == (rows, k)
                assert (ranked.items.dtype, ranked.scores.dtype) == (np.int32, np.float32)
                for number in range(rows):
                    found = row(ranked, number)
                    assert len(found) == len(set(found))
                    assert all(0 <= item < len(model.skus) for item in found)
                    assert (ranked.items[number, len(found) :] == NOTHING).all(), "NOTHING comes last"
                    scores = ranked.scores[number, : len(found)]
                    assert np.isfinite(scores).all()
                    assert (np.diff(scores) <= 0).all(), "best first"

    def test_the_reason_is_an_item_of_the_context(self, model: Model, contexts: Sequence[Context]) -> None:
        ranked = model.recommend(contexts, 10)
        for number, context in enumerate(contexts):
            known = {*context.session, *context.history, *context.basket, NOTHING}
            assert {int(item) for item in ranked.because[number]} <= known

    def test_no_contexts_get_no_answers(self, model: Model) -> None:
        assert model.recommend([], 5).items.shape == (0, 5)

    def test_nothing_is_similar_to_itself(self, model: Model) -> None:
        for item in range(len(model.skus)):
            assert item not in row(model.similar([item], 20))

    def test_what_goes_together_is_found(self, model: Model, contexts: Sequence[Context]) -> None:
        if not self.personal:
            pytest.skip("everybody gets the same")
        clock = [item for item in row(model.recommend(contexts[:1], 6)) if item not in (0, 1)]
        assert clock[0] in (2, 3)
        assert set(row(model.similar([4], 2))) <= {5, 6, 7}

    def test_a_batch_gets_what_each_would_get_alone(self, model: Model, contexts: Sequence[Context]) -> None:
        together = model.recommend(contexts, 6)
        for number, context in enumerate(contexts):
            alone = model.recommend([context], 6)
            assert (alone.items[0] == together.items[number]).all()
            np.testing.assert_allclose(alone.scores[0], together.scores[number], rtol=1e-4)

    def test_the_same_data_make_the_same_model(self, model: Model, data: Dataset, contexts: Sequence[Context]) -> None:
        again = self.make()
        again.fit(data)
        assert (again.recommend(contexts, 6).items == model.recommend(contexts, 6).items).all()

    def test_a_saved_model_answers_as_before(self, model: Model, contexts: Sequence[Context], tmp_path: Path) -> None:
        model.save(tmp_path)
        loaded = type(model).load(tmp_path)
        before, after = model.recommend(contexts, 8), loaded.recommend(contexts, 8)
        assert (before.items == after.items).all()
        np.testing.assert_allclose(before.scores, after.scores, rtol=1e-5)
        assert (before.because == after.because).all()
        assert (model.similar([3], 5).items == loaded.similar([3], 5).items).all()
        assert list(loaded.skus) == list(model.skus)
        assert dict(loaded.parameters) == dict(model.parameters)

    def test_a_damaged_model_is_not_loaded(self, model: Model, tmp_path: Path) -> None:
        model.save(tmp_path)
        damaged = max(tmp_path.rglob("*.npy"), key=lambda path: path.stat().st_size)
        content = bytearray(damaged.read_bytes())
        content[-1] ^= 255
        damaged.write_bytes(content)
        with pytest.raises(ArtifactDamaged):
            type(model).load(tmp_path)

    def test_half_a_model_is_not_loaded(self, model: Model, tmp_path: Path) -> None:
        model.save(tmp_path)
        (tmp_path / DESCRIPTION).unlink()
        with pytest.raises(ArtifactDamaged):
            type(model).load(tmp_path)

    def test_no_interactions_are_not_enough(self, data: Dataset) -> None:
        with pytest.raises(NotEnoughData):
            self.make().fit(data.where(np.zeros(len(data), bool)))

    def test_several_threads_may_ask_at_once(self, model: Model, contexts: Sequence[Context]) -> None:
        expected = model.recommend(contexts, 6).items
        with ThreadPoolExecutor(4) as pool:
            for answer in pool.map(lambda _: model.recommend(contexts, 6).items, range(12)):
                assert (answer == expected).all()
