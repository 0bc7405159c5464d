"""`python -m ml.registry.download LOCATION DIRECTORY`: an artifact from wherever MLflow keeps it (see fetching)."""

import shutil
import sys
from pathlib import Path

from .mlflow_alone import quiet_mlflow


def main(location: str, directory: str) -> None:
    """Ends with status 1 and one line that says why."""
    quiet_mlflow()
    import mlflow.artifacts
    from mlflow.exceptions import MlflowException

    try:
        found = Path(mlflow.artifacts.download_artifacts(artifact_uri=location, dst_path=directory))
    except (MlflowException, OSError) as error:
        sys.exit(f"{type(error).__name__}: {str(error).splitlines()[0]}")
    # MLflow puts a directory of that name into ours.
    if found.resolve() != Path(directory).resolve():
        for each in found.iterdir():
            shutil.move(each, Path(directory) / each.name)
        found.rmdir()


if __name__ == "__main__":
    main(*sys.argv[1:])
