"""What a shop has put beside its prices, as every replica knows it: automatic promotions, shipping methods, taxes.

A purchase in a shop that has none of them must not pay for looking: what is derived from the tables is kept until one
of them changes.
"""

from collections.abc import Iterator, Mapping

from engine.customer_group import CUSTOMER_GROUP
from engine.pricing import Promotion, ShippingMethod, TaxRate, TaxRules
from engine.promotion import PROMOTION, SHIPPING_METHOD
from engine.tax_region import TAX_REGION, TaxRegionPut

from .tables import Tables


class Offers:
    """Reads the tables of promotions, shipping methods and tax regions."""

    def __init__(self, tables: Tables) -> None:
        self._promotions = tables[PROMOTION]
        self._methods = tables[SHIPPING_METHOD]
        self._regions = tables[TAX_REGION]
        self._groups = tables[CUSTOMER_GROUP]
        self._seen_groups = -1
        self._groups_of: dict[str, tuple[str, ...]] = {}
        self._seen = -1
        self._automatic: dict[str, Promotion] = {}
        self._told = tables.told
        self._none_since = -1
        self._none = True

    @property
    def none(self) -> bool:
        """Whether a purchase that asks for nothing costs just what its lines cost."""
        if self._told.times != self._none_since:
            self._none_since = self._told.times
            self._none = not self._methods and not self._regions and not self.automatic()
        return self._none

    def automatic(self) -> Mapping[str, Promotion]:
        """The promotions that need no code; their times are for the quote to look at."""
        if self._promotions.changes != self._seen:
            self._seen = self._promotions.changes
            self._automatic = {key: each for key, each in self._promotions.items() if not each.needs_coupon}
        return self._automatic

    def groups_of(self, account_id: str) -> tuple[str, ...]:
        """The customer groups that an account is in; a guest is in none."""
        if self._groups.changes != self._seen_groups:
            self._seen_groups = self._groups.changes
            found: dict[str, tuple[str, ...]] = {}
            for key, group in self._groups.items():
                for account in group.accounts:
                    found[account] = (*found.get(account, ()), key)
            self._groups_of = found
        return self._groups_of.get(account_id, ())

    def promotion(self, promotion_id: str) -> Promotion | None:
        found: Promotion | None = self._promotions.get(promotion_id)
        return found

    def method(self, method_id: str) -> ShippingMethod | None:
        found: ShippingMethod | None = self._methods.get(method_id)
        return found

    def methods(self, currency: str) -> Iterator[tuple[str, ShippingMethod]]:
        """The enabled shipping methods of a currency."""
        return ((key, each) for key, each in self._methods.items() if each.enabled and each.currency == currency)

    @property
    def taxes(self) -> bool:
        """Whether there are tax regions: then nothing can be sold without knowing where to."""
        return bool(self._regions)

    def tax_rules(self, region: str) -> TaxRules | None:
        """The rates of a region such as `us-ny`, or of the country around it."""
        found: TaxRegionPut | None = self._regions.get(region) or self._regions.get(region.partition("-")[0])
        if found is None:
            return None
        rates = tuple(TaxRate(rate.tax_class, rate.name, rate.rate_ppm) for rate in found.rates)
        return TaxRules(region, found.inclusive, rates, found.taxes_shipping)
