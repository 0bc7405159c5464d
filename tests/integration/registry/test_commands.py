"""`doorbuster ml` on a real registry: what goes wrong is told in a sentence, without a trace."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ml.registry.opening import Registry
from serve.cli.main import main

from .conftest import registry_in

Command = Callable[..., Result]


@pytest.fixture
def registry(tmp_path: Path, empty_registry: Path) -> Registry:
    (tmp_path / "var").mkdir()
    return registry_in(tmp_path / "var" / "models", empty_registry)


@pytest.fixture
def run(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str, answer: str = "") -> Result:
        return CliRunner().invoke(main, ["ml", *words, "--data", str(tmp_path / "var")], input=answer)

    return run


def test_a_model_is_registered_deployed_and_rolled_back(run: Command, artifacts: Sequence[Path]) -> None:
    assert "doorbuster version 1. Next: doorbuster ml deploy 1" in run("register", str(artifacts[0])).output
    assert "version 1, as it was before" in run("register", str(artifacts[0])).output
    assert "version 2" in run("register", str(artifacts[1])).output
    assert "release 1" in run("deploy", "1", "--yes").output
    assert "It was so before." in run("deploy", "1", "--yes").output
    asked = run("deploy", "2", "--canary", "10%", answer="n\n")
    assert "Shall version 2 challenge the champion? [y/N]" in asked.output
    assert asked.exit_code == 1
    assert "gets 10 % of visitors" in run("deploy", "2", "--canary", "10%", answer="y\n").output
    back = run("rollback", "--why", "it was slow").output
    assert back == "Version 1 serves everybody (release 3).\nBack: doorbuster ml rollback --to 2\n"
    status = run("status").output
    assert "2026-10-01 to 2026-11-01" in status
    assert "it was slow" in status
    assert "The shop isn't asked: its admin key can't be read" in status


def test_what_goes_wrong_is_told_in_a_sentence(run: Command, artifacts: Sequence[Path], tmp_path: Path) -> None:
    assert run("register", str(tmp_path)).output.startswith("Error: ")
    assert run("deploy", "1", "--yes").output == "Error: There is no version 1.\n"
    assert run("deploy", "1", "--market", "de", "--yes").output == "Error: There is no version 1 in the market de.\n"
    assert "nothing to go back to" in run("rollback").output
    run("register", str(artifacts[0]))
    assert run("deploy", "1", "--shadow", "--yes").output.startswith("Error: There is no champion")
    for file in (tmp_path / "var" / "models" / "artifacts").rglob("scores.npy"):
        file.write_bytes(b"")
    assert "scores.npy of the model" in run("deploy", "1", "--yes").output
    assert "No model serves" in run("status").output


def test_a_server_that_does_not_answer_is_told_without_its_password(run: Command) -> None:
    done = run("status", "--registry", "http://anna:hunter2@127.0.0.1:9")
    assert done.output.startswith("Error: The registry: ")
    assert "hunter2" not in done.output
    assert done.exit_code == 1
