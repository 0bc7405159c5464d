"""docs/recommendations.md: its first hour, command by command as it stands there, and every table is true."""

import os
import re
import runpy
import shlex
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ml.registry.release import Document, Mode
from ml.registry.releases import Releases
from serve.cli.main import main

from .conftest import registry_in

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "recommendations.md"


def commands() -> list[str]:
    text = DOCS.read_text().partition("## The first hour")[2].partition("\n## ")[0]
    return [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]


def carry_out(line: str, environment: pytest.MonkeyPatch) -> str:
    """What a shell would do, in this process: starting Python and its libraries anew each time would take a minute."""
    words = shlex.split(os.path.expandvars(line))
    if words[0] == "export":
        name, _, value = words[1].partition("=")
        environment.setenv(name, value)
        return ""
    if words[0] == "python":
        environment.setattr(sys, "argv", words[1:])
        runpy.run_path(str(ROOT / words[1]), run_name="__main__")
        return ""
    assert words[0] == "doorbuster"
    done = CliRunner().invoke(main, words[1:])
    assert done.exit_code == 0, f"{line}\n{done.output}"
    return done.output


def test_the_first_hour_works_as_it_is_written(
    tmp_path: Path, empty_registry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "var").mkdir()
    registry = registry_in(tmp_path / "var" / "models", empty_registry)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    told = {line: carry_out(line, monkeypatch) for line in commands()}
    assert Releases(registry).now() == Document(4, 1, 2, Mode.CANARY, 0.1, settled=True)
    status = [output for line, output in told.items() if line == "doorbuster ml status"]
    assert "Version 1 serves, version 2 gets 10 % of visitors as canary (release 4)." in status[-1]
    assert "customers ask for what they know" in status[-1]
    assert any("examples.own_recommender:NextStep" in output for output in told.values())
