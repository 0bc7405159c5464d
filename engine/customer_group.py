"""Customer groups: which accounts a merchant counts among wholesalers, staff, friends; key is the group's id."""

from .document import document_kind
from .kernel import Event, Instant, Rejected, invalid

MOST_MEMBERS = 10_000
"""Accounts in one group: every replica keeps them."""

LONGEST_NAME = 255
"""Characters."""


class CustomerGroup(Event, frozen=True):
    """The group has these members now."""

    title: str
    accounts: tuple[str, ...] = ()


def _misshapen(_key: str, group: CustomerGroup, _now: Instant) -> Rejected | None:
    if not 0 < len(group.title) <= LONGEST_NAME:
        return invalid("title", f"have 1 to {LONGEST_NAME} characters")
    if len(group.accounts) > MOST_MEMBERS or any(not 0 < len(each) <= LONGEST_NAME for each in group.accounts):
        return invalid("accounts", f"be at most {MOST_MEMBERS}, each of 1 to {LONGEST_NAME} characters")
    return None


CUSTOMER_GROUP = document_kind("customer-group", CustomerGroup, _misshapen)
