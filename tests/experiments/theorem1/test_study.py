"""A small study, whole: its tables, its files, and that neither interruption nor workers matter."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from study_runs import contents, run

from causal_ssl.analysis import theorem1
from causal_ssl.divergences import F_DIVERGENCES
from causal_ssl.errors import InputError
from causal_ssl.experiments import study
from causal_ssl.experiments.theorem1 import plan, settings
from causal_ssl.experiments.theorem1.config import Theorem1Study

CONFIG = Theorem1Study(models=8, first_seed=3, models_per_job=5)
TABLES = ("table.csv", "models.csv", "witnesses.csv")
FIGURES = ("overview", "gaps", "gaps_by_divergence")
CONTROLS = [name for name, setting in settings.SETTINGS.items() if not setting.must_hold]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("studies") / "finished"
    return out, run(CONFIG, out)


@pytest.fixture(scope="module")
def finished(printed: tuple[Path, str]) -> Path:
    return printed[0]


@pytest.fixture(scope="module")
def table(finished: Path) -> pd.DataFrame:
    return pd.read_csv(finished / "table.csv")


def test_the_table_is_tidy_and_has_a_row_for_everything_asked(table: pd.DataFrame) -> None:
    assert list(table) == ["study", "setting", "method", "seed", "metric", "variable", "value"]
    assert set(table["study"]) == {"theorem1"}
    assert set(table["method"]) == {"exact"}
    assert set(table["seed"]) == {3}
    keys = ["setting", "metric", "variable"]
    assert not table.duplicated(keys).any()
    assert list(table["setting"].unique()) == list(CONFIG.settings)
    found = set(table[keys].itertuples(index=False, name=None))
    for setting in CONFIG.settings:
        for metric in ("models", "models_with_gap", "models_violating", "violations"):
            assert (setting, metric, "all") in found
        for divergence in F_DIVERGENCES:
            for metric in ("gap", "task_gap", "violations", "excess", "infinite_gap"):
                assert (setting, metric, divergence) in found
        assert (setting, "gap", "information") in found
    assert table["value"].notna().all()


def test_the_bound_holds_where_it_must_and_fails_in_every_control(table: pd.DataFrame) -> None:
    values = table.set_index(["setting", "metric", "variable"])["value"]
    for name, setting in settings.SETTINGS.items():
        assert values[name, "models", "all"] == 8
        assert (values[name, "violations", "all"] == 0) is np.bool_(setting.must_hold)
    assert values["entangled_representation", "models_with_gap", "all"] == 8
    assert values["hidden_channel", "models_with_gap", "all"] == 0


def test_infinite_gaps_are_kept_and_counted(finished: Path) -> None:
    models = pd.read_csv(finished / "models.csv")
    again = theorem1.check_models("entangled_representation", CONFIG.seeds)
    kept = models[models["setting"] == "entangled_representation"].reset_index(drop=True)
    assert np.isinf(again["proxy_gap"]).any()
    for column in ("proxy_gap", "task_gap", "excess", "overlap"):
        np.testing.assert_allclose(kept[column], again[column], rtol=1e-14, err_msg=column)
    assert len(models) == 6 * 8 * 6


def test_every_control_has_a_witness_on_the_page_and_on_the_terminal(
    printed: tuple[Path, str],
) -> None:
    out, terminal = printed
    witnesses = pd.read_csv(out / "witnesses.csv")
    assert set(witnesses["setting"]) == set(CONTROLS)
    assert (witnesses["task_gap"] > witnesses["proxy_gap"] + 1e-12).all()
    page = (out / "report.html").read_text()
    for text in witnesses["text"]:
        assert text in page
        assert text in terminal
    for name in CONTROLS:
        assert ((witnesses["setting"] == name) & (witnesses["seed"] >= 3)).sum() == 1


def test_the_hidden_channel_of_bits_is_among_them(finished: Path) -> None:
    witnesses = pd.read_csv(finished / "witnesses.csv")
    (bits,) = witnesses[witnesses["seed"] == -1].to_dict("records")
    assert bits["setting"] == "hidden_channel"
    assert (bits["task_gap"], bits["proxy_gap"]) == (1, 0)
    assert "F(X) = [0, 1, 1, 0, 2, 3, 3, 2]" in bits["text"]


def test_the_report_is_one_file_that_asks_for_nothing(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    sources = re.findall(r'(?:src|href)="([^"]{0,30})', page)
    assert len(sources) == len(FIGURES)
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not re.search(r"https?://|@import|url\(", page)
    for figure in FIGURES:
        assert (finished / "figures" / f"{figure}.png").read_bytes()[:4] == b"\x89PNG"
    assert "causal-ssl study theorem1 --preset quick --models 8 --first-seed 3" in page
    assert "Problem" not in page


def test_an_interrupted_run_that_others_finish_ends_with_the_same_files(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted in its second and in its fourth batch, finished by two processes."""
    original, calls = theorem1.check_models, 0

    def interrupted(*args: object) -> object:
        nonlocal calls
        calls += 1
        if calls in (2, 4):
            raise KeyboardInterrupt
        return original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(theorem1, "check_models", interrupted)
    out = tmp_path / "run"
    for cells in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            run(CONFIG, out)
        assert len(list((out / "cells").glob("*.json"))) == cells
        assert not (out / "table.csv").exists()
    assert "12 jobs, 2 finished before; 2 processes" in run(CONFIG, out, workers=2)
    for name in (*TABLES, "report.html"):
        assert (out / name).read_bytes() == (finished / name).read_bytes(), name


def test_results_do_not_depend_on_how_models_are_shared_out(finished: Path, tmp_path: Path) -> None:
    """One setting alone, in one batch."""
    config = Theorem1Study(settings=("channel",), models=8, first_seed=3)
    assert len(plan.jobs(config)) == 1
    run(config, tmp_path / "run")
    lines = (finished / "table.csv").read_text().splitlines()
    alone = (tmp_path / "run" / "table.csv").read_text().splitlines()
    assert alone[1:] == [line for line in lines if line.startswith("theorem1,channel,")]


def test_a_report_is_redrawn_from_the_tables_alone(finished: Path, tmp_path: Path) -> None:
    before = contents(finished)
    for name in ("config.yaml", "environment.json", *TABLES):
        (tmp_path / name).write_bytes(before[name])
    study.report(tmp_path, console=Console(file=io.StringIO()))
    after = contents(tmp_path)
    drawn = [f"figures/{figure}.png" for figure in FIGURES] + ["report.html"]
    assert {name: after[name] for name in drawn} == {name: before[name] for name in drawn}


def test_a_finished_run_is_left_alone(finished: Path) -> None:
    before = contents(finished)
    assert "complete already" in run(CONFIG, finished)
    assert contents(finished) == before


def test_a_cell_holds_all_models_of_its_batch(finished: Path) -> None:
    first, second = plan.jobs(CONFIG)[:2]
    for job, models in [(first, 5), (second, 3)]:
        kept = json.loads((finished / "cells" / f"{job.name}.json").read_text())["results"]
        assert len(kept["seed"]) == 6 * models
        assert set(kept["setting"]) == {"refinement"}


def test_a_run_in_which_nothing_can_be_compared_is_reported(tmp_path: Path) -> None:
    """A single model whose environments share no value of f: invariant for want of comparisons."""
    seed = next(
        seed
        for seed in range(200)
        if not theorem1.check_models("hidden_channel", [seed])["comparisons"].iloc[0]
    )
    printed = run(Theorem1Study(settings=("hidden_channel",), models=1, first_seed=seed), tmp_path)
    assert "Problem: “Hidden channel” should violate the bound" in printed
    table = pd.read_csv(tmp_path / "table.csv").set_index(["metric", "variable"])["value"]
    assert table["models_compared", "all"] == 0
    assert table["gap", "kl"] == 0
    assert np.isnan(table["excess", "kl"])
    assert "No model of this run violates it" in (tmp_path / "report.html").read_text()


def test_another_config_overwrites_nothing(finished: Path) -> None:
    before = contents(finished)
    with pytest.raises(InputError, match=r"models: 8 there, 9 asked"):
        run(Theorem1Study(models=9, first_seed=3, models_per_job=5), finished)
    assert contents(finished) == before
