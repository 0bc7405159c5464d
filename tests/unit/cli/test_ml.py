"""`doorbuster ml`: what it takes, what it says, and what it doesn't import."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ml.registry.release import Document, Mode
from serve.cli.main import main
from serve.cli.ml_deploy import described

ROOT = Path(__file__).parents[3]
HEAVY = ("mlflow", "numpy", "pandas", "ray", "sklearn", "sqlalchemy")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (Document(0), "No model serves: recommendations are what is popular."),
        (Document(3, 7), "Version 7 serves everybody (release 3)."),
        (Document(4, 7, 8, Mode.SHADOW), "Version 7 serves everybody, version 8 is asked in shadow (release 4)."),
        (
            Document(5, 7, 8, Mode.CANARY, 0.025),
            "Version 7 serves, version 8 gets 2.5 % of visitors as canary (release 5).",
        ),
        (Document(6, 7, 8, Mode.AB, 0.5), "Version 7 serves, version 8 gets 50 % of visitors as ab (release 6)."),
    ],
)
def test_a_release_is_told_in_a_sentence(document: Document, says: str) -> None:
    assert described(document) == says


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["deploy", "1", "--canary", "150%"], "150% is no share such as 10% or 0.1."),
        (["deploy", "1", "--ab", "half"], "half is no share"),
        (["deploy", "1", "--canary", "0"], "0 is no share"),
        (["deploy", "0"], "0 is not in the range"),
        (["deploy", "1", "--canary", "10%", "--shadow"], "exclude each other"),
        (["register", "nowhere"], "does not exist"),
        (["rollback", "--registry", "postgresql://anna:hunter2@host/db"], "must be the address of an MLflow server"),
        (["promote"], "No such command"),
        (["train"], "Missing argument 'MODEL'"),
        (["train", "item-knn?half", "--here"], "half is not name=value&name=value"),
        (["retrain", "item-knn?half", "--here"], "half is not name=value&name=value"),
    ],
)
def test_what_cannot_be_meant_is_said_so(arguments: list[str], says: str) -> None:
    done = CliRunner().invoke(main, ["ml", *arguments])
    assert done.exit_code != 0
    assert says in done.output
    assert "hunter2" not in done.output


def test_the_list_of_commands_imports_none_of_them() -> None:
    check = (
        "import sys; from click.testing import CliRunner; from serve.cli.main import main;"
        "assert 'rollback' in CliRunner().invoke(main, ['ml', '--help']).output;"
        f"sys.exit(', '.join(name for name in {HEAVY} if name in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_serving_follows_a_registry_without_mlflow() -> None:
    check = (
        "import sys; from pathlib import Path; from ml.registry.following import follower_of;"
        "follower_of('sqlite:////nowhere/registry.sqlite', Path('x')).release();"
        "follower_of('http://localhost:1', Path('x')).close();"
        f"sys.exit(', '.join(name for name in {HEAVY} if name in sys.modules) or None)"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
