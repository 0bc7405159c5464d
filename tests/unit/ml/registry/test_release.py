"""What serves, from what MLflow's registry says: the aliases are the truth, the tag says for whom."""

import pytest

from ml.registry.release import Document, Mode, document_of, effective, market_of, registered_name

CANARY = Document(4, champion=1, challenger=2, mode=Mode.CANARY, share=0.1, settled=True)
HALF_WAY = Document(5, champion=2, settled=False)


@pytest.mark.parametrize(
    ("document", "aliases", "serves"),
    [
        (None, {}, Document(0, settled=True)),
        (None, {"champion": 3}, Document(0, champion=3, settled=True)),
        (CANARY, {"champion": 1, "challenger": 2}, CANARY),
        # Somebody moved an alias with another tool: it is followed.
        (CANARY, {"champion": 7, "challenger": 2}, Document(4, 7, 2, Mode.CANARY, 0.1, settled=True)),
        (CANARY, {"champion": 1}, Document(4, 1, None, Mode.OFF, 0.0, settled=True)),
        (CANARY, {"champion": 2, "challenger": 2}, Document(4, 2, None, Mode.OFF, 0.0, settled=True)),
        (CANARY, {}, Document(4, settled=True)),
        # A challenger of which nobody said who gets it is only listened to.
        (CANARY, {"champion": 1, "challenger": 9}, Document(4, 1, 9, Mode.SHADOW, 0.0, settled=True)),
        (None, {"champion": 1, "challenger": 9}, Document(0, 1, 9, Mode.SHADOW, 0.0, settled=True)),
        # In the middle of a change the aliases are half of it.
        (HALF_WAY, {"champion": 1, "challenger": 2}, HALF_WAY),
        (HALF_WAY, {"champion": 2, "challenger": 2}, HALF_WAY),
    ],
)
def test_aliases_say_which_and_the_tag_says_for_whom(
    document: Document | None, aliases: dict[str, int], serves: Document
) -> None:
    assert effective(document, aliases) == serves


@pytest.mark.parametrize("tag", [None, "", "{}", "not JSON", '{"number": "three"}', '{"number": 1, "mode": "loud"}'])
def test_a_tag_that_somebody_else_wrote_is_no_document(tag: str | None) -> None:
    assert document_of(tag) is None


@pytest.mark.parametrize("market", ["", "de", "north-america"])
def test_a_market_has_a_registered_model_of_its_own(market: str) -> None:
    assert market_of(registered_name(market)) == market


@pytest.mark.parametrize("name", ["", "fraud", "doorbuster-", "doorbuster-DE", "doorbusterx", "doorbuster-a b"])
def test_other_models_of_a_shared_registry_are_no_markets(name: str) -> None:
    assert market_of(name) is None
