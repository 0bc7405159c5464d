"""What search reads beside the product itself: where its categories stand in the tree, on which page it is a variant,
and which locations sell. Whoever asks is told which products such a change concerns."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from engine.category_tree import CATEGORY_TREE, Categories, Taxonomy
from engine.family import FAMILY, FamilyPut
from engine.location import DEFAULT_LOCATION, LOCATION, LocationPut
from engine.product import ProductView

from ..assortment import Pages
from ..tables import Tables


@dataclass(frozen=True, slots=True)
class Place:
    """Where a product stands: the names on the way to each of its categories, and its page with its own options."""

    categories: tuple[tuple[str, ...], ...] = ()
    family: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def texts(self) -> tuple[str, ...]:
        """What the page says of the product."""
        return (self.family, *self.options.values()) if self.family else ()


NOWHERE = Place()


def _nobody(_told: Collection[str]) -> None:
    """Nobody listens yet."""


class TreeNews:
    """The tree of categories, and which of them are called or stand otherwise than before."""

    def __init__(self) -> None:
        self.taxonomy = Taxonomy()
        self.tell: Callable[[Collection[str]], None] = _nobody

    def changed(self, _key: str, _before: Categories | None, after: Categories | None) -> None:
        old, new = self.taxonomy, Taxonomy(after.all if after is not None else ())
        self.taxonomy = new
        ids = [id for id in old.by_id.keys() | new.by_id.keys() if _named(old, id) != _named(new, id)]
        if ids:
            self.tell({below for id in ids for below in (id, *old.within(id), *new.within(id))})


class FamilyNews:
    """The SKUs that a changed page concerns."""

    def __init__(self) -> None:
        self.tell: Callable[[Collection[str]], None] = _nobody

    def changed(self, _key: str, before: FamilyPut | None, after: FamilyPut | None) -> None:
        families = [family for family in (before, after) if family is not None]
        self.tell({variant.sku for family in families for variant in family.variants})


class LocationNews:
    """The locations that sell, beside the default one. A new one has nothing yet, so nobody is told of it."""

    def __init__(self) -> None:
        self.selling: tuple[str, ...] = (DEFAULT_LOCATION,)
        self.tell: Callable[[Collection[str]], None] = _nobody

    def changed(self, key: str, before: LocationPut | None, after: LocationPut | None) -> None:
        sells = after.sells if after is not None else key == DEFAULT_LOCATION
        if sells == (key in self.selling):
            return
        others = tuple(one for one in self.selling if one != key)
        self.selling = (*others, key) if sells else others
        if before is not None or key == DEFAULT_LOCATION:
            self.tell([key])


class Surroundings:
    """Reads the tables in memory. The three listeners are told ids of categories, SKUs, and keys of locations."""

    def __init__(self, tables: Tables) -> None:
        # The page first: whoever is told of a family reads it from there.
        self._pages = tables[FAMILY].follower(Pages)
        self._families = tables[FAMILY]
        self._tree = tables[CATEGORY_TREE].follower(TreeNews)
        self._news = tables[FAMILY].follower(FamilyNews)
        self._locations = tables[LOCATION].follower(LocationNews)

    def tell(
        self,
        categories: Callable[[Collection[str]], None],
        products: Callable[[Iterable[str]], None],
        locations: Callable[[Collection[str]], None],
    ) -> None:
        """From now on these are told."""
        self._tree.tell, self._news.tell, self._locations.tell = categories, products, locations

    @property
    def selling(self) -> tuple[str, ...]:
        """Keys of the locations that orders are sent from."""
        return self._locations.selling

    def place_of(self, product: ProductView) -> Place:
        """Where the product stands now."""
        tree = self._tree.taxonomy
        paths = tuple(names for id in product.categories if (names := tree.names_to(id)))
        page = self._pages.of(product.sku)
        family: FamilyPut | None = self._families.get(page[0]) if page is not None else None
        if page is None or family is None:
            return Place(paths) if paths else NOWHERE
        options = {option.name: value for option, value in zip(family.options, page[1].values, strict=False)}
        return Place(paths, family.title, options)


def _named(tree: Taxonomy, category_id: str) -> tuple[str, str] | None:
    """What a category is called and what it stands below."""
    category = tree.by_id.get(category_id)
    return None if category is None else (category.name, category.parent)
