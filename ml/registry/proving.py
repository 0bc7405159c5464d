"""Whether a registered version can serve: it is fetched, checked, loaded and asked, before anybody depends on it."""

from ..artifact import load_artifact, read_artifact
from ..errors import RegistryRefused
from ..model import Context
from .following import Follower

ASKED = 10


def prove_version(follower: Follower, market: str, number: int) -> None:
    """Raises RegistryRefused, RegistryUnreachable, ArtifactDamaged, ModelUnknown."""
    version = follower.version(market, number)
    if version is None:
        raise RegistryRefused(f"There is no version {number}{' in the market ' + market if market else ''}.")
    directory = follower.fetch(version)
    if version.model and read_artifact(directory).model != version.model:
        raise RegistryRefused(f"Version {number} says that it is {version.model}, and its files are another model.")
    model = load_artifact(directory)
    try:
        model.recommend([Context()], ASKED)
    except Exception as error:
        # Whatever a model raises: it would raise it before shoppers.
        raise RegistryRefused(f"Version {number} doesn't answer: {type(error).__name__}: {error}") from error
