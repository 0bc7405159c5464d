"""EASE is measured on files of visits, and what was learned can be kept and asked again."""

from pathlib import Path

import pytest

from ml.measure.ease import main


def test_what_was_learned_is_kept_and_asked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    visits, test, keep = tmp_path / "visits.txt", tmp_path / "test.txt", tmp_path / "model"
    visits.write_text("CLOCK LAMP CUP\nLAMP CUP\nCLOCK LAMP\nCUP CLOCK\n")
    test.write_text("CLOCK\tLAMP\nLAMP\tCUP\n")
    arguments = [str(visits), str(test), "--most-items", "3", "--keep", str(keep)]
    main(arguments)
    first = capsys.readouterr().out
    main(arguments)
    again = capsys.readouterr().out
    assert "3 items, 9 clicks, 3 items learned from" in first
    assert "learned from" not in again
    assert "P@20 100.0%" in first
    assert "P@20 100.0%" in again
