"""An MLflow registry for each test, as a copy: making its tables takes MLflow two seconds."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from ml.artifact import Artifact, write_artifact
from ml.models.popularity import Popularity
from ml.registry.mlflow_alone import quiet_mlflow
from ml.registry.opening import Registry, open_registry
from tests.contract.recommender_suite import small_shop

PASSWORD = "hunter2"
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a registry that has its tables and nothing else."""
    file = tmp_path_factory.mktemp("registry") / "registry.sqlite"
    open_registry(f"sqlite:///{file}")
    return file


@pytest.fixture
def registry(tmp_path: Path, empty_registry: Path) -> Registry:
    return registry_in(tmp_path / "models", empty_registry)


def registry_in(directory: Path, empty: Path) -> Registry:
    directory.mkdir()
    shutil.copyfile(empty, directory / "registry.sqlite")
    return open_registry(f"sqlite:///{directory / 'registry.sqlite'}")


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """Three trained models, each another one."""
    data = small_shop(sessions=40)
    trained = []
    for number in range(1, 4):
        directory = tmp_path_factory.mktemp("trained") / "popular"
        model = Popularity(half_life_days=float(number))
        model.fit(data)
        about = Artifact(
            model="",
            seed=7,
            trained_at="2026-11-23T11:00:00+00:00",
            training_s=1.5,
            source={"source": "small shop", "from": "2026-10-01", "to": "2026-11-01"},
            interactions=len(data),
            fingerprint=data.fingerprint,
            commit="c0ffee",
            metrics={"ndcg@10": 0.25 * number, "hr@20": 0.5},
            baseline={"ndcg@10": 0.15},
        )
        write_artifact(directory, model, about)
        (directory / "report").mkdir()
        (directory / "report" / "card.html").write_text("<h1>popularity</h1>")
        trained.append(directory)
    return trained


@contextmanager
def running_server(database: Path, artifacts: Path) -> Iterator[str]:
    """MLflow's own tracking server over this database, by its address; artifacts go through it."""
    quiet_mlflow()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("_MLFLOW_SERVER_FILE_STORE", f"sqlite:///{database}")
        environment.setenv("_MLFLOW_SERVER_REGISTRY_STORE", f"sqlite:///{database}")
        environment.setenv("_MLFLOW_SERVER_ARTIFACT_ROOT", "mlflow-artifacts:/")
        environment.setenv("_MLFLOW_SERVER_SERVE_ARTIFACTS", "true")
        environment.setenv("_MLFLOW_SERVER_ARTIFACT_DESTINATION", str(artifacts))
        from mlflow.server import app
        from werkzeug.serving import WSGIRequestHandler, make_server

        class Silent(WSGIRequestHandler):
            def log(self, type: str, message: str, *args: object) -> None:
                pass

        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://anna:{PASSWORD}@127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
