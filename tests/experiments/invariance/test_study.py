"""A small invariance study, whole: its table, its report, and that an interruption is harmless."""

import io
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from study_runs import run

from causal_ssl.experiments import cells, study
from causal_ssl.experiments.invariance import summary
from causal_ssl.experiments.invariance.config import CONTROLS, InvarianceStudy

CONFIG = InvarianceStudy(
    worlds=("independent",),
    environments=("soft", "hard"),
    methods=("relic", "supcon"),
    relic_alphas=(1.0,),
    seeds=1,
    steps=60,
    n_content=2,
    n_style=2,
    mixing_candidates=100,
    hidden=(16,),
    batch_size=64,
    cells=16,
    n_test=400,
    n_units=60,
    n_tested=60,
    n_permutations=99,
    device="cpu",
)
SMALL = replace(
    CONFIG,
    environments=("soft",),
    methods=("relic",),
    controls=("oracle", "entangled"),
    seeds=2,
    n_test=100,
    cells=4,
)
RESULTS = ("table.csv", "f_lda.csv", "report.html")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("studies") / "finished"
    run(CONFIG, out)
    return out


@pytest.fixture(scope="module")
def table(finished: Path) -> pd.DataFrame:
    return pd.read_csv(finished / "table.csv")


def whole(table: pd.DataFrame, metric: str, variable: str) -> pd.DataFrame:
    """Setting by method, of rows that belong to no environment."""
    rows = table[(table["metric"] == metric) & (table["variable"] == variable)]
    rows = rows[rows["environment"] == "all"]
    return rows.pivot(index="setting", columns="method", values="value")


def test_the_table_has_every_measure_of_every_representation(table: pd.DataFrame) -> None:
    keys = ["setting", "method", "alpha", "seed", "metric", "variable", "environment", "against"]
    assert not table.duplicated([*keys, "probe"]).any()
    assert set(table["method"]) == {"relic", "supcon", *CONTROLS}
    assert set(table["setting"]) == {"independent_soft", "independent_hard"}
    wanted = {
        "gap": {"finest", "cells_8", "cells_4", "cells_2"},
        "gap_held_out": {"finest", "cells_8", "cells_4", "cells_2"},
        "gap_fresh": {"cells_8", "cells_4", "cells_2"},
        "overlap": {"representation"},
        "accuracy": {"finest", "cells_8", "cells_4", "cells_2"},
        "p_value": {"finest", "cells_2"},
        "p_value_swap": {"representation"},
        "proxy_gap": {"f", "g(f)"},
        "transfer_accuracy": {"finest"},
        "r2_kernel_ridge": {"content", "style"},
    }
    for metric, variables in wanted.items():
        assert set(table.loc[table["metric"] == metric, "variable"]) == variables, metric


def test_the_controls_are_told_apart(table: pd.DataFrame) -> None:
    """Bounds by reason, not by fit: 1600 samples, so a share's error is at most 0.0125."""
    gap, accuracy = whole(table, "gap", "cells_2"), whole(table, "accuracy", "cells_2")
    overlap = whole(table, "overlap", "representation")
    proxy = whole(table, "proxy_gap", "f")
    for setting in ("independent_soft", "independent_hard"):
        assert gap.loc[setting, "entangled"] > 0.1 > 3 * gap.loc[setting, "oracle"]
        assert accuracy.loc[setting, "oracle"] > 0.9
        assert abs(accuracy.loc[setting, "style_only"] - 0.5) < 5 * 0.0125
        assert overlap.loc[setting, "oracle"] > 0.9
        assert proxy.loc[setting, "oracle"] == 0
        assert proxy.loc[setting, "separate"] > 1
    assert overlap.loc["independent_hard", "style_only"] < 0.1
    assert overlap.loc["independent_hard", "separate"] < 0.1
    # The sign is known under do(S = s): log 2, as in c xor s, less what the probes do not see.
    assert gap.loc["independent_hard", "entangled"] > gap.loc["independent_soft", "entangled"]


def test_a_critic_that_drops_style_hides_it_from_the_penalty(table: pd.DataFrame) -> None:
    seen = table[(table["metric"] == "proxy_gap") & (table["method"] == "separate")]
    assert seen.loc[seen["variable"] == "g(f)", "value"].abs().max() < 1e-12
    assert seen.loc[seen["variable"] == "f", "value"].min() > 1


def test_tests_reject_where_they_must(table: pd.DataFrame) -> None:
    """With 99 resamples the smallest p-value is below 0.01; entanglement is far from the null."""
    p_value = whole(table, "p_value", "cells_2")
    assert (p_value["entangled"] <= 0.02).all()
    swap = whole(table, "p_value_swap", "representation")
    assert (swap["oracle"] == 1).all(), "true content does not move at all"
    assert (swap["style_only"] <= 0.12).all(), "six pairs, each with a p-value below 0.01"


def test_estimates_obey_the_bound_of_theorem_1(table: pd.DataFrame) -> None:
    found = summary.bound(table)
    assert found.compared == 2 * 7 * 3
    assert found.above == 0


def test_the_report_shows_every_figure_and_says_what_was_asked(finished: Path) -> None:
    page = (finished / "report.html").read_text()
    for figure in ("glance", "bound", "ladder", "pairs", "proxy", "f_lda"):
        assert (finished / "figures" / f"{figure}.png").read_bytes()[:4] == b"\x89PNG"
    assert "is independent of the intervention given f(X)" in page
    assert "causal-ssl study invariance" in page


def test_an_interrupted_run_ends_with_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted at every second cell that is finished."""
    run(SMALL, tmp_path / "whole")
    calls = 0
    original = cells.finish

    def interrupted(*args: object) -> None:
        nonlocal calls
        calls += 1
        if calls % 2 == 0:
            raise KeyboardInterrupt
        original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(cells, "finish", interrupted)
    for _ in range(20):
        try:
            run(SMALL, tmp_path / "run")
            break
        except KeyboardInterrupt:
            assert not (tmp_path / "run" / "table.csv").exists()
    assert calls == 11, "six cells, five interruptions"
    for name in RESULTS:
        again, whole = (tmp_path / folder / name for folder in ("run", "whole"))
        assert again.read_bytes() == whole.read_bytes(), name


def test_a_report_is_redrawn_from_the_tables_alone(finished: Path, tmp_path: Path) -> None:
    for name in ("config.yaml", "environment.json", "table.csv", "f_lda.csv"):
        (tmp_path / name).write_bytes((finished / name).read_bytes())
    study.report(tmp_path, console=Console(file=io.StringIO()))
    assert (tmp_path / "report.html").read_bytes() == (finished / "report.html").read_bytes()
