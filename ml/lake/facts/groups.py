"""Customer groups: which accounts are in which, and a row for everyone who comes or goes."""

from collections.abc import Iterator, Sequence

from engine.customer_group import CustomerGroup
from engine.kernel import Event

from ..tables import CustomerRow, Row
from .around import Where


class Groups:
    """Who is in which group: as many as a shop has, each with a bounded number of members."""

    def __init__(self) -> None:
        self._members: dict[str, frozenset[str]] = {}
        self._groups_of: dict[str, tuple[str, ...]] = {}

    def of(self, account: str) -> str:
        """The account's groups, by comma, in order."""
        return ",".join(self._groups_of.get(account, ()))

    def put(self, group_id: str, group: CustomerGroup | None) -> Sequence[str]:
        """The group is this now, or no more; whoever came or went, in order."""
        before = self._members.pop(group_id, frozenset())
        after = frozenset(group.accounts) if group is not None else frozenset()
        if after:
            self._members[group_id] = after
        changed = sorted(before ^ after)
        for account in changed:
            others = {name for name in self._groups_of.get(account, ()) if name != group_id}
            now = tuple(sorted(others | {group_id} if account in after else others))
            if now:
                self._groups_of[account] = now
            else:
                del self._groups_of[account]
        return changed


def group_rows(where: Where, group_id: str, groups: Groups, events: Sequence[Event]) -> Iterator[Row]:
    """The rows of one entry; `groups` is as before it and is changed."""
    index = 0
    for event in events:
        for account in groups.put(group_id, event if isinstance(event, CustomerGroup) else None):
            yield CustomerRow(
                shard=where.shard,
                position=where.position,
                index=index,
                at=where.at,
                customer=account,
                kind="grouped",
                groups=groups.of(account),
                country="",
                registered_at=0,
            )
            index += 1
