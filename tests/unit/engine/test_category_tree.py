"""The tree of categories: whatever it is told, it stays a tree."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.category_tree import (
    CATEGORY_TREE,
    DEEPEST,
    Category,
    CategoryDone,
    EnsurePath,
    MoveCategory,
    PutCategory,
    RemoveCategory,
    Taxonomy,
    Tree,
    slug_of,
    view,
)
from engine.kernel import Accepted, Command, Rejected
from engine.reasons import Reason

NOW = 1_800_000_000_000
IDS = st.sampled_from(["a", "b", "c", "d", "e"])
PARENTS = st.one_of(st.just(""), IDS)
COMMANDS = st.one_of(
    st.builds(lambda id, parent: PutCategory(Category(id, id.upper(), parent)), IDS, PARENTS),
    st.builds(MoveCategory, IDS, PARENTS, PARENTS),
    st.builds(RemoveCategory, IDS),
    st.builds(EnsurePath, st.lists(st.sampled_from(["A", "B", "X"]), min_size=1, max_size=3).map(tuple)),
)


def run(tree: Tree, *commands: Command) -> Any:
    outcome: Any = None
    for command in commands:
        outcome = CATEGORY_TREE.decide(tree, command, NOW)
        if isinstance(outcome, Accepted):
            for event in outcome.events:
                CATEGORY_TREE.apply(tree, event)
            assert isinstance(outcome.answer, CategoryDone)
            assert outcome.answer.version == tree.version
    return outcome


def ids(tree: Tree) -> list[str]:
    content = view(tree).content
    assert content is not None
    return [category.id for category in content.all]


@settings(max_examples=40)
@given(st.lists(COMMANDS, max_size=20))
def test_whatever_it_is_told_it_stays_a_tree(commands: list[Command]) -> None:
    tree = Tree("main")
    for command in commands:
        run(tree, command)
        # Everything is reached from the top, once: there is no ring, and nothing hangs in the air.
        assert sorted(ids(tree)) == sorted(tree.nodes)
        assert all(tree.nodes[id].parent == parent for parent, below in tree.children.items() for id in below)
        # Doing it again changes nothing.
        version = tree.version
        run(tree, command)
        assert tree.version == version
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(tree), type=Tree) == tree


def test_a_path_is_made_once_and_its_ids_stand_well_in_an_address() -> None:
    tree = Tree("main")
    assert run(tree, EnsurePath(("Home & Garden", "Clocks"))).answer.category.id == "clocks"
    assert run(tree, EnsurePath(("Gifts", "Clocks"))).answer.category.id == "gifts-clocks"
    assert run(tree, EnsurePath(("Home & Garden", "Clocks"))).events == ()
    assert ids(tree) == ["home-garden", "clocks", "gifts", "gifts-clocks"]
    assert (slug_of("Über-Uhren"), slug_of("時計")) == ("uber-uhren", "category")


def test_the_tree_has_a_depth() -> None:
    tree = Tree("main")
    path = tuple(str(level) for level in range(DEEPEST))
    assert isinstance(run(tree, EnsurePath(path)), Accepted)
    leaf = tree.version and ids(tree)[-1]
    too_deep = run(tree, PutCategory(Category("deeper", "Deeper", str(leaf))))
    assert isinstance(too_deep, Rejected)
    assert too_deep.reason is Reason.INVALID_COMMAND
    assert isinstance(run(tree, EnsurePath((*path, "deeper"))), Rejected)


def test_a_taxonomy_tells_paths_and_what_is_below() -> None:
    tree = Tree("main")
    run(tree, EnsurePath(("Home", "Clocks", "Wall")), EnsurePath(("Home", "Lamps")))
    content = view(tree).content
    assert content is not None
    taxonomy = Taxonomy(content.all)
    assert taxonomy.names_to("wall") == ("Home", "Clocks", "Wall")
    assert taxonomy.id_at(("Home", "Lamps")) == "lamps"
    assert taxonomy.within("home") == ["home", "clocks", "lamps", "wall"]
    assert taxonomy.is_within(["wall"], "clocks")
    assert not taxonomy.is_within(["lamps", "gone"], "clocks")
    assert taxonomy.path_to("gone") == []
