"""The tree of categories: one entity, key `main`, because what must hold of it spans its categories.

Two moves that each make sense alone (clocks below gifts, gifts below clocks) make a ring together: only who sees the
whole tree can refuse the second. Products name the categories they are in; what a category shows is read from there.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from unicodedata import normalize

import msgspec

from .document import DocumentView, Look
from .kernel import Accepted, Answer, Command, Event, Instant, Kind, Message, Outcome, Rejected, invalid
from .reasons import Reason

TREE_KEY = "main"

MOST_CATEGORIES = 20_000
"""More than the public taxonomies of trade have. All are in memory wherever products are shown."""

DEEPEST = 20
"""Categories from the root to a leaf."""

LONGEST_NAME = 255
"""Characters of a name or an id."""

LONGEST_DESCRIPTION = 2_000
"""Characters: a category is a heading, its page is made elsewhere."""

LONGEST_URL = 2_048
"""Characters."""


class Category(Message, frozen=True):
    """A category; one without a parent is a root."""

    id: str
    name: str
    parent: str = ""
    description: str = ""
    image: str = ""
    image_alt: str = ""


class PutCategory(Command, frozen=True):
    """Create the category, last among its siblings, or change it; another parent moves it with all below it."""

    category: Category


class MoveCategory(Command, frozen=True):
    """Put the category below `parent` (empty: make it a root), before its sibling `before` (empty: last)."""

    id: str
    parent: str = ""
    before: str = ""


class RemoveCategory(Command, frozen=True):
    """Take an empty category out of the tree; one that isn't there is out already."""

    id: str


class EnsurePath(Command, frozen=True):
    """Find the category at the end of this path of names, creating what is missing of it."""

    names: tuple[str, ...]


class CategoryPut(Event, frozen=True):
    """The category is new, or now this."""

    category: Category


class CategoryMoved(Event, frozen=True):
    id: str
    parent: str
    before: str


class CategoryRemoved(Event, frozen=True):
    id: str


class CategoryDone(Answer, frozen=True):
    """The tree is at this version, and the category is where the command wanted it; None once it is removed."""

    version: int
    category: Category | None


class Categories(Event, frozen=True):
    """All categories, each after its parent, siblings in their order: what watchers are told."""

    all: tuple[Category, ...]


class Tree(msgspec.Struct, array_like=True, gc=False):
    """The state of the tree; `children` are ids by parent, in order."""

    key: str
    version: int = 0
    nodes: dict[str, Category] = {}
    children: dict[str, list[str]] = {}


def _put(tree: Tree, command: PutCategory, _now: Instant) -> Outcome:
    category = command.category
    if refusal := _misshapen(category):
        return refusal
    if category == tree.nodes.get(category.id):
        return _done(tree, category)
    if category.id not in tree.nodes and len(tree.nodes) >= MOST_CATEGORIES:
        return Rejected(Reason.CATEGORY_TREE_FULL, {"limit": MOST_CATEGORIES})
    if refusal := _unfit(tree, category.id, category.parent):
        return refusal
    return _done(tree, category, CategoryPut(category))


def _move(tree: Tree, command: MoveCategory, _now: Instant) -> Outcome:
    category = tree.nodes.get(command.id)
    if category is None:
        return Rejected(Reason.NOT_FOUND)
    if refusal := _unfit(tree, command.id, command.parent):
        return refusal
    siblings = tree.children.get(command.parent, [])
    if command.before == command.id or (command.before and command.before not in siblings):
        return invalid("before", "be another child of the parent")
    moved = msgspec.structs.replace(category, parent=command.parent)
    others = [sibling for sibling in siblings if sibling != command.id]
    place = others.index(command.before) if command.before else len(others)
    if siblings == [*others[:place], command.id, *others[place:]]:
        return _done(tree, category)
    return _done(tree, moved, CategoryMoved(command.id, command.parent, command.before))


def _remove(tree: Tree, command: RemoveCategory, _now: Instant) -> Outcome:
    if command.id not in tree.nodes:
        return _done(tree, None)
    if tree.children.get(command.id):
        return Rejected(Reason.CATEGORY_NOT_EMPTY, {"children": tree.children[command.id][:10]})
    return _done(tree, None, CategoryRemoved(command.id))


def _ensure_path(tree: Tree, command: EnsurePath, _now: Instant) -> Outcome:
    if not 0 < len(command.names) <= DEEPEST:
        return invalid("names", f"be 1 to {DEEPEST}")
    if not all(0 < len(name) <= LONGEST_NAME for name in command.names):
        return invalid("names", f"have 1 to {LONGEST_NAME} characters")
    parent, events, new = "", list[Event](), dict[str, Category]()
    found: Category | None = None
    for name in command.names:
        found = next((tree.nodes[id] for id in tree.children.get(parent, []) if tree.nodes[id].name == name), None)
        if found is None:
            found = Category(_free_id(tree, new, parent, name), name, parent)
            new[found.id] = found
            events.append(CategoryPut(found))
        parent = found.id
    if len(tree.nodes) + len(new) > MOST_CATEGORIES:
        return Rejected(Reason.CATEGORY_TREE_FULL, {"limit": MOST_CATEGORIES})
    return _done(tree, found, *events)


def _look(tree: Tree, _command: Look, _now: Instant) -> Outcome:
    return Accepted((), view(tree)) if tree.version else Rejected(Reason.NOT_FOUND)


def _done(tree: Tree, category: Category | None, *events: Event) -> Accepted:
    return Accepted(events, CategoryDone(tree.version + len(events), category))


def _misshapen(category: Category) -> Rejected | None:
    if not 0 < len(category.id) <= LONGEST_NAME or "/" in category.id:
        return invalid("id", f"have 1 to {LONGEST_NAME} characters and no /")
    if not 0 < len(category.name) <= LONGEST_NAME or len(category.image_alt) > LONGEST_NAME:
        return invalid("name", f"have 1 to {LONGEST_NAME} characters")
    if len(category.description) > LONGEST_DESCRIPTION:
        return invalid("description", f"have at most {LONGEST_DESCRIPTION} characters")
    return invalid("image", f"have at most {LONGEST_URL} characters") if len(category.image) > LONGEST_URL else None


def _unfit(tree: Tree, category_id: str, parent: str) -> Rejected | None:
    """Why the category can't be below that parent."""
    if parent and parent not in tree.nodes:
        return invalid("parent", "be a category")
    above = list(_upwards(tree.nodes, parent))
    if category_id in above:
        return Rejected(Reason.CATEGORY_RING, {"path": [*reversed(above)]})
    if len(above) + _height(tree, category_id) > DEEPEST:
        return invalid("parent", f"not make the tree deeper than {DEEPEST}")
    return None


def _upwards(nodes: Mapping[str, Category], category_id: str) -> Iterator[str]:
    """The category and everything above it."""
    while category_id:
        yield category_id
        category_id = nodes[category_id].parent


def _height(tree: Tree, category_id: str) -> int:
    """Levels of the category and what is below it."""
    level, height = [category_id], 0
    while level:
        height += 1
        level = [child for id in level for child in tree.children.get(id, [])]
    return height


def _free_id(tree: Tree, new: Mapping[str, Category], parent: str, name: str) -> str:
    """An id that stands well in an address: the name, after the parent's id where that is needed to be the only one."""
    plain = slug_of(name)
    with_parent = f"{parent}-{plain}"[:100].strip("-") if parent else plain
    candidates = [plain, with_parent, *(f"{with_parent}-{number}" for number in range(2, MOST_CATEGORIES + 3))]
    return next(id for id in candidates if id not in tree.nodes and id not in new)


def slug_of(name: str) -> str:
    """The name in small letters, digits and single hyphens: `Wall clocks & more` is `wall-clocks-more`."""
    ascii_letters = normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_letters).strip("-")[:100].strip("-") or "category"


def _apply_put(tree: Tree, event: CategoryPut) -> None:
    category = event.category
    known = tree.nodes.get(category.id)
    tree.nodes[category.id] = category
    if known is None:
        tree.children.setdefault(category.parent, []).append(category.id)
    elif known.parent != category.parent:
        _take_out(tree, known)
        tree.children.setdefault(category.parent, []).append(category.id)


def _apply_moved(tree: Tree, event: CategoryMoved) -> None:
    category = tree.nodes[event.id]
    _take_out(tree, category)
    tree.nodes[event.id] = msgspec.structs.replace(category, parent=event.parent)
    siblings = tree.children.setdefault(event.parent, [])
    siblings.insert(siblings.index(event.before) if event.before else len(siblings), event.id)


def _apply_removed(tree: Tree, event: CategoryRemoved) -> None:
    _take_out(tree, tree.nodes.pop(event.id))


def _take_out(tree: Tree, category: Category) -> None:
    siblings = tree.children[category.parent]
    siblings.remove(category.id)
    if not siblings:
        del tree.children[category.parent]


_DECISIONS: dict[type[Command], Callable[[Tree, Any, Instant], Outcome]] = {
    PutCategory: _put,
    MoveCategory: _move,
    RemoveCategory: _remove,
    EnsurePath: _ensure_path,
    Look: _look,
}

_CHANGES: dict[type[Event], Callable[[Tree, Any], None]] = {
    CategoryPut: _apply_put,
    CategoryMoved: _apply_moved,
    CategoryRemoved: _apply_removed,
}


def decide(tree: Tree, command: Command, now: Instant) -> Outcome:
    """What the command would record at `now`, and its answer."""
    return _DECISIONS[type(command)](tree, command, now)


def apply(tree: Tree, event: Event) -> None:
    """Change the tree as the event tells."""
    tree.version += 1
    _CHANGES[type(event)](tree, event)


def view(tree: Tree) -> DocumentView[Categories]:
    """The tree as the world sees it."""
    return DocumentView(tree.key, tree.version, Categories(tuple(_downwards(tree))))


def _downwards(tree: Tree) -> Iterator[Category]:
    waiting = list(reversed(tree.children.get("", [])))
    while waiting:
        category_id = waiting.pop()
        yield tree.nodes[category_id]
        waiting += reversed(tree.children.get(category_id, []))


class Taxonomy:
    """The tree for readers: paths and what is below what."""

    def __init__(self, categories: Iterable[Category] = ()) -> None:
        self.by_id: dict[str, Category] = {}
        self.children: dict[str, list[Category]] = {}
        self._id_of_path: dict[tuple[str, ...], str] = {}
        for category in categories:
            # Each comes after its parent.
            self.by_id[category.id] = category
            self.children.setdefault(category.parent, []).append(category)
            self._id_of_path.setdefault(self.names_to(category.id), category.id)

    def path_to(self, category_id: str) -> list[Category]:
        """From the root to the category; empty for one that isn't in the tree."""
        if category_id not in self.by_id:
            return []
        return [self.by_id[id] for id in _upwards(self.by_id, category_id)][::-1]

    def names_to(self, category_id: str) -> tuple[str, ...]:
        """The path as names."""
        return tuple(category.name for category in self.path_to(category_id))

    def id_at(self, names: tuple[str, ...]) -> str | None:
        """The category at the end of this path of names, if there is one."""
        return self._id_of_path.get(names)

    def within(self, category_id: str) -> list[str]:
        """The category and everything below it."""
        found = [category_id] if category_id in self.by_id else []
        for id in found:
            found += [child.id for child in self.children.get(id, ())]
        return found

    def is_within(self, categories: Iterable[str], category_id: str) -> bool:
        """Whether something in `categories` is in the category or below it."""
        return any(category_id == id for one in categories if one in self.by_id for id in _upwards(self.by_id, one))


CATEGORY_TREE = Kind(
    name="category-tree",
    new=Tree,
    decide=decide,
    apply=apply,
    commands=PutCategory | MoveCategory | RemoveCategory | EnsurePath | Look,
    events=CategoryPut | CategoryMoved | CategoryRemoved,
    answers=CategoryDone | DocumentView[Categories],
    state=Tree,
    view=view,
    listed=True,
)
