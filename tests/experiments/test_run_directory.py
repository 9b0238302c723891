"""A run owns its directory: one config, one process, nothing half-written, nothing overwritten."""

from pathlib import Path

import pytest

from causal_ssl import files
from causal_ssl.errors import InputError
from causal_ssl.experiments.run_directory import RunDirectory

CONFIG = {"steps": 10, "budget": {"seeds": 2}, "methods": ["relic"]}


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    directory = RunDirectory(tmp_path / "run")
    with directory.claim("numerical", CONFIG):
        directory.write("table.csv", "a,b\n")
    return directory


def test_the_same_config_continues(run: RunDirectory) -> None:
    with run.claim("numerical", CONFIG):
        assert (run / "table.csv").read_text() == "a,b\n"


def test_another_config_is_refused_and_every_differing_field_named(run: RunDirectory) -> None:
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    other = {"steps": 20, "budget": {"seeds": 2}, "methods": ["relic", "infonce"]}
    with pytest.raises(InputError) as raised, run.claim("numerical", other):
        pass
    assert "steps: 10 there, 20 asked" in str(raised.value)
    assert "methods: relic there, relic infonce asked" in str(raised.value)
    assert "budget" not in str(raised.value)
    assert before == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("study", "said"),
    [
        ("numerical", "study numerical"),
        ("evaluation-knn", "evaluate knn"),
        ("pretraining", "pretrain"),
    ],
)
def test_a_run_of_another_study_is_refused_by_its_name_alone(
    tmp_path: Path, study: str, said: str
) -> None:
    directory = RunDirectory(tmp_path / "run")
    with directory.claim(study, CONFIG):
        pass
    with pytest.raises(InputError) as raised, directory.claim("dimensions", {"steps": 20}):
        pass
    assert str(raised.value) == f"{directory.path} holds a run of {said}: name another --out"


def test_a_directory_in_use_is_refused(run: RunDirectory) -> None:
    with (
        run.claim("numerical", CONFIG),
        pytest.raises(InputError, match="in use by another process"),
        RunDirectory(run.path).claim("numerical", CONFIG),
    ):
        pass


def test_a_directory_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(InputError, match=r"no run \(thesis.tex\)"),
        RunDirectory(tmp_path).claim("numerical", CONFIG),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_and_a_path_below_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path, message in (
        (tmp_path / "file", "file is a file: name a directory"),
        (tmp_path / "file/x/y", "file/x/y: .*/file is a file: name another directory"),
    ):
        with pytest.raises(InputError, match=message), RunDirectory(path).claim("numerical", {}):
            pass


def test_a_directory_without_a_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such directory"):
        RunDirectory(tmp_path / "nowhere").config()
    with pytest.raises(InputError, match=r"no config.yaml in it"):
        RunDirectory(tmp_path).config()


def test_what_a_killed_process_left_half_written_is_swept(run: RunDirectory) -> None:
    left = run / "cells" / f"{files.PARTIAL}x.json-0a1b"
    left.parent.mkdir()
    left.write_text("half")
    with run.claim("numerical", CONFIG):
        assert not left.exists()


def test_what_a_killed_process_had_finished_is_kept(run: RunDirectory) -> None:
    journal = run / "data" / ".journal"
    journal.parent.mkdir()
    journal.write_text("images that are drawn")
    with run.claim("numerical", CONFIG):
        assert journal.exists()


def test_a_directory_with_nothing_but_a_half_written_config_is_free(tmp_path: Path) -> None:
    (tmp_path / f"{files.PARTIAL}config.yaml-0a1b").write_text("half")
    with RunDirectory(tmp_path).claim("numerical", CONFIG):
        assert {path.name for path in tmp_path.iterdir()} == {".lock", "config.yaml"}
