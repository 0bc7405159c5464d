"""What `doorbuster node` and `doorbuster deploy` say where there is nothing to start, stop or deploy to."""

from pathlib import Path

from click.testing import CliRunner, Result

from serve.cli.main import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_node_is_a_head_or_joins_one(tmp_path: Path) -> None:
    for choice in ((), ("--head", "--address", "10.0.0.2:6379")):
        said = run("node", "start", "--data", str(tmp_path), *choice)
        assert said.exit_code == 2
        assert "either --head or --address" in said.output


def test_a_node_without_the_secrets_of_its_cluster_does_not_start(tmp_path: Path) -> None:
    said = run("node", "start", "--data", str(tmp_path / "shop"), "--address", "127.0.0.1:6379")
    assert said.exit_code == 1
    assert "lacks admin.key, secret.key, ray.token" in said.output


def test_secrets_are_made_once(tmp_path: Path) -> None:
    first = run("node", "secrets", str(tmp_path / "secrets"))
    assert first.exit_code == 0
    files = [Path(line) for line in first.output.split()]
    before = [file.read_text() for file in files]
    assert run("node", "secrets", str(tmp_path / "secrets")).exit_code == 0
    assert [file.read_text() for file in files] == before
    assert not any(secret in first.output for secret in before)


def test_to_stop_where_no_node_runs_is_no_mistake(tmp_path: Path) -> None:
    # Launchers do so before each start.
    said = run("node", "stop", "--data", str(tmp_path))
    assert said.exit_code == 0
    assert f"No node runs with {tmp_path}" in said.output


def test_to_deploy_somebody_must_say_where(tmp_path: Path) -> None:
    said = run("deploy", "--data", str(tmp_path))
    assert said.exit_code == 2
    assert "--address HOST:PORT" in said.output
