"""What unit tests share: an example may take as long as it does, since no test depends on a fast machine."""

from hypothesis import settings

settings.register_profile("shop", deadline=None)
settings.load_profile("shop")
