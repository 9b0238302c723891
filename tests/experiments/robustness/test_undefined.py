"""Errors of supervised encoders that nothing can be divided by, and what the report makes of it."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from causal_ssl.experiments import environment
from causal_ssl.experiments.image_study import pictures
from causal_ssl.experiments.image_study.config import RANDOM
from causal_ssl.experiments.robustness import published
from causal_ssl.experiments.robustness.config import RobustnessStudy
from causal_ssl.experiments.robustness.pages import page
from causal_ssl.experiments.robustness.sums import summed_up
from causal_ssl.experiments.run_directory import RunDirectory

CORRUPTIONS = ("fog", "contrast")


def errors(supervised: dict[str, float], *, seed: int = 0, alphas: bool = False) -> pd.DataFrame:
    """Rows that are summed up, of a supervised encoder by corruption, and others at 0.3 and 0.6."""
    names = [("supervised", None, supervised), ("simclr", None, {"fog": 0.3, "contrast": 0.6})]
    if alphas:
        names += [("relic", alpha, {"fog": 0.3, "contrast": 0.6}) for alpha in (0.0, 1.0)]
        names.append((RANDOM, None, {"fog": 0.8, "contrast": 0.8}))
    rows: list[dict[str, Any]] = []
    for method, alpha, own in names:
        common = {"method": method, "alpha": alpha, "corruption": ""}
        rows.append({**common, "metric": "linear_top1", "value": 0.8})
        rows += [
            {**common, "metric": "error", "corruption": corruption, "value": value}
            for corruption, value in own.items()
        ]
    frame = pd.DataFrame(rows).assign(dataset="fashion_mnist", seed=seed, severity=3)
    return frame.astype({"alpha": float})


def test_a_relative_ce_that_is_undefined_has_no_value_and_no_mean_and_says_why() -> None:
    """Fog lowers the supervised error of 0.2; contrast raises it."""
    sums = summed_up(errors({"fog": 0.1, "contrast": 0.4}))
    own = sums.query("method == 'simclr'").set_index(["metric", "corruption"])
    assert own.index.is_unique
    values = own["value"]
    assert values["mce_by_supervised", ""] == pytest.approx((3 + 1.5) / 2)
    assert values["relative_ce_by_supervised", "contrast"] == pytest.approx(2)
    assert values["mean_error_rise", ""] == pytest.approx(0.25)
    without = [("relative_ce_by_supervised", "fog"), ("mrce_by_supervised", "")]
    assert list(own.index[values.isna()]) == without
    why = "the supervised encoder makes no more errors under fog than on clean images"
    assert own["note"][without].tolist() == [why] * 2
    assert set(own["note"][values.notna()]) == {""}


def test_by_a_supervised_encoder_without_errors_there_is_no_mce_and_the_table_says_why() -> None:
    sums = summed_up(errors({"fog": 0.0, "contrast": 0.0}))
    own = sums.query("method == 'simclr' and metric == 'mce_by_supervised'")
    assert own["value"].isna().tolist() == [True]
    assert own["note"].tolist() == ["the supervised encoder makes no error under fog and contrast"]


def test_validation_corruptions_without_a_quotient_take_no_mean_of_the_test_away() -> None:
    frame = errors({"fog": 0.5, "contrast": 0.0}).replace({"contrast": "spatter"})
    own = summed_up(frame).query("method == 'simclr' and corruption == ''").set_index("metric")
    assert own["value"]["mce_by_supervised"] == pytest.approx(0.6)
    assert own["note"]["validation_mce_by_supervised"].endswith("makes no error under spatter")


def report_of(folder: Path, seeds: dict[int, float]) -> str:
    """The report and the terminal of a run whose supervised errors under fog are these, by seed."""
    study = RobustnessStudy(seeds=len(seeds), corruptions=("fog", "contrast"), severities=(3,))
    rows = pd.concat(
        [errors({"fog": fog, "contrast": 0.4}, seed=s, alphas=True) for s, fog in seeds.items()]
    )
    rows = rows.assign(low=rows["value"], high=rows["value"], n=20)
    rates = rows.drop_duplicates(["method", "alpha", "seed"]).assign(metric="linear_rate")
    table = pd.concat([rows, summed_up(rows), rates], ignore_index=True)
    published.beside(table).to_csv(folder / "table.csv", index=False)
    trained = rows[(rows["method"] != RANDOM) & (rows["metric"] == "linear_top1")]
    history = pd.concat([trained.assign(step=step, term="loss", value=1.0) for step in (0, 1)])
    history.to_csv(folder / "history.csv", index=False)
    shown = {f"fashion_mnist {name}": np.zeros((2, 8, 8, 3), np.uint8) for name in CORRUPTIONS}
    np.savez(folder / pictures.FILE, **shown)
    (folder / "environment.json").write_text(json.dumps(environment.environment("cpu")))
    found = page(RunDirectory(folder), study)
    printed = io.StringIO()
    Console(file=printed, width=200).print(found.terminal)
    return found.html + printed.getvalue()


@pytest.mark.filterwarnings("error")
def test_seeds_without_an_mce_enter_no_mean_and_the_report_counts_the_others(
    tmp_path: Path,
) -> None:
    said = report_of(tmp_path, {0: 0.25, 1: 0.0, 2: 0.5})
    why = "mCE by supervised is undefined for seed 1, and enters no mean over seeds: the supervised"
    assert f"{why} encoder makes no error under fog." in said
    # (0.3 / 0.25 + 0.6 / 0.4) / 2 and (0.3 / 0.5 + 0.6 / 0.4) / 2
    assert "120.0 ± 21.2 (2 of 3 seeds)" in said
    assert "mCE +0.0 points [+0.0, +0.0] (2 of 3 seeds), clean accuracy +0.0 points" in said


@pytest.mark.filterwarnings("error")
def test_a_run_of_no_mce_at_all_has_a_report(tmp_path: Path) -> None:
    said = report_of(tmp_path, dict.fromkeys(range(5), 0.0))
    assert "cannot say whether the invariance penalty buys robustness: mCE is defined for 0" in said
    assert "mCE undefined, clean accuracy" in said
