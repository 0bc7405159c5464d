"""Changing what is released: each change is one document, written at once, numbered and kept.

The steps of a change: its line in the history, the document (from here on it is released), the aliases, the document
once more as settled. A process that dies in between leaves the old release or the new one, never a part; the next
change, or `settle`, writes the rest. One writer at a time: on one machine by a lock, on a server the last one counts,
and the other is told.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

import msgspec

from ..errors import RegistryRefused
from .opening import Registry, alone, in_our_words
from .release import (
    CHALLENGER,
    CHAMPION,
    DEFAULT_MARKET,
    RELEASE_TAG,
    Document,
    Mode,
    document_of,
    effective,
    registered_name,
)

CHANGE_TAG = "doorbuster.change."
CHANGES_KEPT = 200
WHY_LIMIT = 500
"""Characters; a tag of MLflow has 5,000."""


class Change(msgspec.Struct, frozen=True):
    """One line of a market's history: from then on this was released."""

    number: int
    at: str
    by: str
    what: str
    """deploy, rollback, or by hand: somebody moved an alias with another tool, and the next change noticed."""
    why: str = ""
    champion: int | None = None
    challenger: int | None = None
    mode: Mode = Mode.OFF
    share: float = 0.0
    restores: int = 0
    """The change that a rollback went back to."""


class Releases:
    """What is released in one market, and its history."""

    def __init__(self, registry: Registry, market: str = DEFAULT_MARKET) -> None:
        self._registry = registry
        self._client = registry.client
        self._name = registered_name(market)

    def now(self) -> Document:
        """What is released; nothing where nothing is registered."""
        tags, aliases = self._read()
        return effective(document_of(tags.get(RELEASE_TAG)), aliases)

    def history(self) -> list[Change]:
        """All changes that are kept, the oldest first."""
        tags, _ = self._read()
        document = document_of(tags.get(RELEASE_TAG))
        changes = (_change_of(value) for key, value in tags.items() if key.startswith(CHANGE_TAG))
        # One beyond the document's was to be made by a process that died before.
        made = document.number if document else 0
        return sorted((each for each in changes if each and each.number <= made), key=lambda each: each.number)

    def deploy(
        self, version: int, *, mode: Mode = Mode.OFF, share: float = 0.0, by: str, at: datetime, why: str = ""
    ) -> Document:
        """Make a version the champion, or the challenger where there is a mode. What is released already is left as it
        is. Raises RegistryRefused."""
        if mode in (Mode.CANARY, Mode.AB) and not 0 < share < 1:
            raise RegistryRefused("The challenger's share is more than 0 % and less than 100 %.")
        with self._alone():
            now = self._settled(by, at)
            if mode is Mode.OFF:
                wanted = Document(now.number, version, None, settled=True)
            elif now.champion is None:
                raise RegistryRefused("There is no champion that could be challenged: deploy one first.")
            elif now.champion == version:
                raise RegistryRefused(f"Version {version} is the champion: it can't challenge itself.")
            else:
                share = 0.0 if mode is Mode.SHADOW else share
                wanted = Document(now.number, now.champion, version, mode, share, settled=True)
            if wanted == now:
                return now
            self._check(version)
            return self._change(wanted, "deploy", by, at, why)

    def rollback(self, *, to: int = 0, by: str, at: datetime, why: str = "") -> Document:
        """Release again what a change released: that of number `to`, or the one before the present. Several in a row go
        further back; what they undo can be had again by its number. Raises RegistryRefused."""
        with self._alone():
            now = self._settled(by, at)
            changes = {change.number: change for change in self.history()}
            target = changes.get(to) if to else _before(changes, now.number)
            if target is None:
                raise RegistryRefused(
                    f"There is no change {to}." if to else "There is nothing to go back to: this is the first release."
                )
            for version in (target.champion, target.challenger):
                if version is not None:
                    self._check(version)
            wanted = Document(now.number, target.champion, target.challenger, target.mode, target.share, settled=True)
            if wanted == now:
                return now
            return self._change(wanted, "rollback", by, at, why, restores=target.number)

    def settle(self) -> None:
        """Finish a change that was interrupted after it began to count."""
        document = document_of(self._read()[0].get(RELEASE_TAG))
        if document is not None and not document.settled:
            self._finish(document)

    def _settled(self, by: str, at: datetime) -> Document:
        """What is released, with everything written down: an interrupted change, and what was changed by hand."""
        self.settle()
        tags, aliases = self._read()
        document = document_of(tags.get(RELEASE_TAG))
        now = effective(document, aliases)
        if now == (document or Document(0, settled=True)):
            return now
        return self._change(now, "by hand", by, at, "An alias was moved with another tool.")

    def _change(self, wanted: Document, what: str, by: str, at: datetime, why: str, restores: int = 0) -> Document:
        number = wanted.number + 1
        document = msgspec.structs.replace(wanted, number=number, settled=False)
        change = Change(
            number,
            at.isoformat(timespec="seconds"),
            by,
            what,
            why[:WHY_LIMIT],
            wanted.champion,
            wanted.challenger,
            wanted.mode,
            wanted.share,
            restores,
        )
        with in_our_words(self._registry.url):
            self._tag(f"{CHANGE_TAG}{number:06}", change)
            self._tag(RELEASE_TAG, document)
        self._finish(document)
        mine = self.history()
        if not mine or mine[-1] != change:
            raise RegistryRefused("Somebody else changed the release at the same time: look at `doorbuster ml status`.")
        return msgspec.structs.replace(document, settled=True)

    def _finish(self, document: Document) -> None:
        with in_our_words(self._registry.url):
            for alias, version in ((CHAMPION, document.champion), (CHALLENGER, document.challenger)):
                if version is None:
                    self._client.delete_registered_model_alias(self._name, alias)
                else:
                    self._client.set_registered_model_alias(self._name, alias, str(version))
            self._tag(RELEASE_TAG, msgspec.structs.replace(document, settled=True))
            too_old = f"{CHANGE_TAG}{document.number - CHANGES_KEPT:06}"
            if too_old in self._read()[0]:
                self._client.delete_registered_model_tag(self._name, too_old)

    def _tag(self, key: str, value: msgspec.Struct) -> None:
        self._client.set_registered_model_tag(self._name, key, msgspec.json.encode(value).decode())

    def _read(self) -> tuple[Mapping[str, str], Mapping[str, int]]:
        """Tags and aliases of one instant; none where the model isn't registered."""
        from mlflow.exceptions import MlflowException

        with in_our_words(self._registry.url):
            try:
                model = self._client.get_registered_model(self._name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                return {}, {}
            return model.tags, {alias: int(version) for alias, version in model.aliases.items()}

    def _check(self, version: int) -> None:
        """Raises RegistryRefused where there is no such version."""
        with in_our_words(self._registry.url):
            self._client.get_model_version(self._name, str(version))

    def _alone(self) -> AbstractContextManager[None]:
        return alone(self._registry.local) if self._registry.local else nullcontext()


def _change_of(tag: str) -> Change | None:
    try:
        return msgspec.json.decode(tag, type=Change)
    except msgspec.DecodeError:
        return None


def _before(changes: Mapping[int, Change], number: int) -> Change | None:
    """The change whose release stood before that of this number; a rollback stands where it went back to."""
    present = changes.get(number)
    while present is not None and present.restores:
        present = changes.get(present.restores)
    return changes.get(present.number - 1) if present is not None else None
