"""MLflow without what a shop doesn't want of it: no telemetry, no banner, no words about its database."""

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    # It would print the registry's address, and that may hold a password.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # Else a server that doesn't answer is asked for minutes, and whoever asked waits.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


def quiet_mlflow() -> None:
    """To be called before the first import of mlflow in a process."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("alembic").setLevel(logging.ERROR)


@contextmanager
def unwarned() -> Iterator[None]:
    """MLflow warns of what its own modules do as they are imported, and of advice for notebooks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
