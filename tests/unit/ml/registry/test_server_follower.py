"""Following an MLflow server; tests/integration/registry asks a real one."""

from pathlib import Path

import httpx
import pytest

from ml.errors import RegistryUnreachable
from ml.registry.release import Release, Version
from ml.registry.server_follower import ServerFollower

MODEL = {"registered_model": {"name": "doorbuster", "aliases": [{"alias": "champion", "version": "2"}]}}
VERSION = {
    "model_version": {
        "version": "2",
        "source": "runs:/x/model",
        "tags": [{"key": "doorbuster.model", "value": "ease"}, {"key": "doorbuster.digest", "value": "abc"}],
    }
}
PLACE = {"artifact_uri": "mlflow-artifacts:/1/x/artifacts/model"}
ANSWERS = {
    "registered-models/get": MODEL,
    "model-versions/get": VERSION,
    "model-versions/get-download-uri": PLACE,
    "registered-models/search": {"registered_models": [{"name": "doorbuster-de"}, {"name": "doorbusters"}]},
}


class Server:
    """Answers as MLflow's does, and counts."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answer: httpx.Response | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.answer is not None:
            return self.answer
        return httpx.Response(200, json=ANSWERS[request.url.path.removeprefix("/api/2.0/mlflow/")])


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def follower(server: Server, tmp_path: Path) -> ServerFollower:
    return ServerFollower("https://anna:hunter2@models.example", tmp_path, httpx.MockTransport(server))


def test_a_version_is_asked_for_once(server: Server, follower: ServerFollower) -> None:
    expected = Release("", Version("", 2, "ease", PLACE["artifact_uri"], "abc"))
    assert follower.release() == expected
    assert len(server.asked) == 3
    assert follower.release() == expected
    assert len(server.asked) == 4


def test_markets_are_told(follower: ServerFollower) -> None:
    assert follower.markets() == ["de"]


def test_the_credentials_of_the_address_are_sent(server: Server, follower: ServerFollower) -> None:
    follower.markets()
    assert server.asked[0].headers["authorization"].startswith("Basic ")


def test_a_model_that_the_server_does_not_know_is_not_released(server: Server, follower: ServerFollower) -> None:
    server.answer = httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST"})
    assert follower.release() == Release()


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(401), httpx.Response(500), httpx.Response(404, json={}), httpx.Response(200, text="<html>")],
)
def test_whatever_else_it_answers_is_no_answer_and_names_no_secret(
    server: Server, follower: ServerFollower, answer: httpx.Response
) -> None:
    server.answer = answer
    with pytest.raises(RegistryUnreachable) as unreachable:
        follower.release()
    assert "hunter2" not in str(unreachable.value)
