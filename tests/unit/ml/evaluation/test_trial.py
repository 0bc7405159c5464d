"""Models as the commands name them: fitted on what came before the window, or refused for knowing it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ml.artifact import Artifact, write_artifact
from ml.errors import Leaked, ParameterRefused
from ml.evaluation.trial import Trial, fitted_model, parameters_of, split_for, tried
from ml.models.popularity import Popularity
from ml.sources.open import open_source
from serve.cli.ml_compare import command as compare
from serve.cli.ml_evaluate import command as evaluate

from .little_shop import little_shop

TRIAL = Trial(days=3, ks=(1, 2), resamples=20)


def visits(directory: Path) -> Path:
    """Thirty visits: after the clock comes the lamp, and now and then the cup."""
    file = directory / "visits.txt"
    rows = ["RETRO-CLOCK BRASS-LAMP" if number % 4 else "RETRO-CLOCK CLAY-CUP" for number in range(30)]
    file.write_text("\n".join(rows) + "\n")
    return file


def test_models_are_named_with_their_parameters_and_tried_on_the_same_cases() -> None:
    said: list[str] = []
    names = ["popularity", "popularity?half_life_days=0.5"]
    scored = tried(names, little_shop(), TRIAL, lambda what, _done, _of: said.append(what))
    first, second = (scored[name].evaluation for name in names)
    assert (first.parameters["half_life_days"], second.parameters["half_life_days"]) == (14.0, 0.5)
    assert first.cases_fingerprint == second.cases_fingerprint
    assert said[:2] == ["popularity learns", "popularity answers"]
    drawn = tried(names[:1], little_shop(), TRIAL._replace(groups=1), lambda *_: None)
    assert drawn["popularity"].evaluation.groups == 1


def test_parameters_are_numbers_where_they_look_like_it() -> None:
    assert parameters_of("a=1&b=0.5&c=true&d=bm25&e=null") == {"a": 1, "b": 0.5, "c": True, "d": "bm25", "e": "null"}
    with pytest.raises(ParameterRefused):
        parameters_of("half_life_days")


def test_a_trained_model_is_tried_unless_it_has_seen_the_window(tmp_path: Path) -> None:
    parted = split_for(little_shop(), TRIAL)
    model = Popularity()
    model.fit(parted.train)
    late = str(int(little_shop().at[-1]))
    for name, to in (("early", "2023-11-16T00:00:00Z"), ("late", late), ("unknown", ""), ("vague", "last year")):
        write_artifact(tmp_path / name, model, Artifact(model="popularity", source={"to": to}))
    assert fitted_model(str(tmp_path / "early"), parted).name == "popularity"
    with pytest.raises(Leaked, match="The model learned until 2023-11-24"):
        fitted_model(str(tmp_path / "late"), parted)
    for name in ("unknown", "vague"):
        with pytest.raises(Leaked, match=f"{name} doesn't say until when"):
            fitted_model(str(tmp_path / name), parted)
    about = Artifact(model="popularity", fingerprint=parted.train.fingerprint)
    write_artifact(tmp_path / "this-very-data", model, about)
    fitted_model(str(tmp_path / "this-very-data"), parted)


def test_the_command_measures_a_model_beside_popularity(tmp_path: Path) -> None:
    told = CliRunner().invoke(evaluate, ["popularity", "--source", f"sessions:{visits(tmp_path)}", "--k", "1"])
    assert told.exit_code == 0, told.output
    assert "NDCG" in told.output
    assert "Coverage" in told.output


def test_the_command_says_who_beats_whom(tmp_path: Path) -> None:
    asked = ["sequential-rules", "--source", f"sessions:{visits(tmp_path)}", "--k", "1", "--resamples", "20"]
    told = CliRunner().invoke(compare, asked)
    assert told.exit_code == 0, told.output
    assert "sequential-rules" in told.output
    assert "beats" in told.output


def test_a_published_test_set_is_asked_for_after_all_of_the_source(tmp_path: Path) -> None:
    cases = tmp_path / "test.txt"
    cases.write_text("RETRO-CLOCK\tBRASS-LAMP\nCLAY-CUP RETRO-CLOCK\tBRASS-LAMP\nRETRO-CLOCK\tNEVER-SEEN\n")
    data = open_source(f"sessions:{visits(tmp_path)}", now=0)
    told = tried(["sequential-rules"], data, Trial(ks=(1,), resamples=20, cases=cases), lambda *_: None)
    figures = told["sequential-rules"].evaluation
    assert (figures.cases, figures.data.interactions) == (3, len(data))
    assert figures.at("hit_rate", 1).value == pytest.approx(2 / 3), "what no catalogue has counts as missed"
    asked = ["sequential-rules", "--source", f"sessions:{tmp_path / 'visits.txt'}", "--cases", str(cases), "--k", "1"]
    assert "3 cases" in CliRunner().invoke(evaluate, asked).output


def test_what_is_wrong_is_told_without_a_trace(tmp_path: Path) -> None:
    source = f"sessions:{visits(tmp_path)}"
    for asked, said in (
        (["nothing-of-the-kind", "--source", source], "There is no model nothing-of-the-kind"),
        (["popularity?a=1", "--source", source], "popularity"),
        (["popularity", "--source", "sessions:nowhere"], "there is no nowhere"),
        (["popularity", "--source", source, "--task", "basket"], "0 cases"),
    ):
        told = CliRunner().invoke(evaluate, asked)
        assert told.exit_code == 1
        assert said in told.output
