"""A registry for tests of whoever follows one: releases as JSON files in a directory, artifacts wherever they are.

Made of files, so that a test may change what a server in another process follows.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ml.artifact import check_artifact, digest_of, read_artifact
from ml.errors import RegistryUnreachable
from ml.registry.release import DEFAULT_MARKET, Mode, Release, Version


class FollowerOfFiles:
    """`put` is the test's, the rest is a `Follower`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(
        self,
        champion: Path | None,
        challenger: Path | None = None,
        *,
        mode: Mode = Mode.OFF,
        share: float = 0.0,
        market: str = DEFAULT_MARKET,
        number: int = 1,
    ) -> Release:
        """Release artifacts by their directories; `number` counts changes and names the versions."""
        release = Release(
            market,
            self._version(market, champion, 2 * number - 1),
            self._version(market, challenger, 2 * number),
            mode,
            share,
            number,
        )
        draft = self._directory / ".draft"
        draft.write_bytes(msgspec.json.encode(release))
        draft.rename(self._file(market))
        return release

    def break_down(self) -> None:
        """From here on nobody answers."""
        (self._directory / "broken").touch()

    def release(self, market: str = DEFAULT_MARKET) -> Release:
        self._answer()
        if not self._file(market).exists():
            return Release(market)
        return msgspec.json.decode(self._file(market).read_bytes(), type=Release)

    def version(self, market: str, number: int) -> Version | None:
        released = self.release(market)
        return next((each for each in (released.champion, released.challenger) if each and each.number == number), None)

    def markets(self) -> Sequence[str]:
        self._answer()
        return sorted(path.stem.removeprefix("market-") for path in self._directory.glob("market-*.json"))

    def fetch(self, version: Version) -> Path:
        self._answer()
        check_artifact(Path(version.location), version.digest)
        return Path(version.location)

    def close(self) -> None:
        pass

    def _answer(self) -> None:
        if (self._directory / "broken").exists():
            raise RegistryUnreachable("The files are broken.")

    def _file(self, market: str) -> Path:
        return self._directory / f"market-{market}.json"

    @staticmethod
    def _version(market: str, artifact: Path | None, number: int) -> Version | None:
        if artifact is None:
            return None
        return Version(market, number, read_artifact(artifact).model, str(artifact), digest_of(artifact))
