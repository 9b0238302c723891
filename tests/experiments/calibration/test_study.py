"""A small calibration, whole; and that its laws are what their names say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from study_runs import run

from causal_ssl.errors import InputError
from causal_ssl.experiments import cells
from causal_ssl.experiments.calibration import plan, worlds
from causal_ssl.experiments.calibration.config import CalibrationStudy
from causal_ssl.experiments.calibration.worlds import ContinuousNull, FiniteLaw, FlippedContent
from causal_ssl.experiments.catalogue import from_preset, presets

CONFIG = CalibrationStudy(
    parts=("discrete", "power", "coverage"), replications=20, n_resamples=99, ratios=(1,)
)
RESULTS = ("table.csv", "p_values.csv", "report.html")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("studies") / "finished"
    run(CONFIG, out)
    return out


@pytest.fixture(scope="module")
def table(finished: Path) -> pd.DataFrame:
    return pd.read_csv(finished / "table.csv")


def test_every_configuration_has_its_rows(table: pd.DataFrame) -> None:
    keys = ["setting", "method", "variable", "n", "ratio", "metric"]
    assert not table.duplicated(keys).any()
    found = set(table[keys[:5]].itertuples(index=False, name=None))
    wanted = {(c.part, c.method, c.law, c.n, c.ratio) for c in plan.configurations(CONFIG)}
    assert found == wanted
    assert (table["replications"] == 20).all()


def test_rates_are_within_the_binomial_interval_of_what_they_must_be(table: pd.DataFrame) -> None:
    """99.9 % intervals, a cell at a time: 20 replications reject a true null at most 6 times."""
    rates = table[table["metric"] == "rejection"].set_index("variable")
    most = binom.ppf(0.999, 20, 0.05) / 20
    assert (rates.loc[rates["information"] < 1e-12, "value"] <= most).all()
    strongest = rates.loc[worlds.xor(max(worlds.DELTAS)).name]
    assert (strongest["value"] > 0.9).all(), "power at 0.13 nats"
    covered = table[table["metric"] == "coverage"]["value"]
    assert (covered >= binom.ppf(0.001, 20, 0.95) / 20).all()


def test_the_bracket_stands_on_both_sides_of_the_truth(table: pd.DataFrame) -> None:
    """Where the gap is 0 the signs are theorems: no plug-in gap is negative, no mean positive."""
    null = table[(table["setting"] == "coverage") & (table["information"] == 0)]
    assert (null.loc[null["metric"] == "bias_plug_in", "value"] >= 0).all()
    assert (null.loc[null["metric"] == "bias_held_out", "value"] <= 0.003).all()


def test_an_interrupted_run_ends_with_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, parts=("discrete",))
    run(config, tmp_path / "whole")
    original, calls = cells.finish, []

    def interrupted(*args: object) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        original(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(cells, "finish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "run")
    run(config, tmp_path / "run")
    for name in RESULTS:
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_the_report_has_its_figures(finished: Path) -> None:
    for figure in ("uniformity", "power", "coverage"):
        assert (finished / "figures" / f"{figure}.png").read_bytes()[:4] == b"\x89PNG"
    assert "Kolmogorov" in (finished / "report.html").read_text()


def test_continuous_f_is_calibrated_by_size_and_by_auxiliary_samples(tmp_path: Path) -> None:
    config = CalibrationStudy(
        parts=("continuous",), replications=20, n=(50, 60), ratios=(1, 2), n_resamples=19
    )
    run(config, tmp_path / "run")
    table = pd.read_csv(tmp_path / "run" / "table.csv")
    own = table[table["method"] == plan.RANDOMISED]
    listed = own[own["variable"] != worlds.STRESS.name]
    pairs = set(listed[["n", "ratio"]].itertuples(index=False, name=None))
    assert pairs == {(50, 2), (60, 2), (50, 1)}
    assert set(own["variable"]) == {law.name for law in (*worlds.CONTINUOUS, worlds.STRESS)}
    assert (tmp_path / "run" / "figures" / "level.png").exists()


def test_presets_and_refusals() -> None:
    assert presets("calibration") == ["quick", "standard"]
    assert from_preset("calibration", "standard").replications == 1000
    with pytest.raises(InputError, match="unknown part 'pover': did you mean 'power'"):
        CalibrationStudy(parts=("pover",))
    with pytest.raises(InputError, match="replications must be at least 20, got 5"):
        CalibrationStudy(replications=5)


def largest_z(content: np.ndarray, y: np.ndarray, environment: np.ndarray) -> float:
    """How far shares of Y differ between environments within cells of content, in standard errors.

    Cells are quartiles of each coordinate in turn: within them p(Y) is the same in all environments
    if Y depends on content alone and content has one law in all of them.
    """
    found = 0.0
    for coordinate in content.T:
        quarter = np.digitize(coordinate, np.quantile(coordinate, [0.25, 0.5, 0.75]))
        for cell in range(4):
            for e in np.unique(environment):
                own = (quarter == cell) & (environment == e)
                rest = (quarter == cell) & (environment != e)
                for k in np.unique(y):
                    p, q = (y[own] == k).mean(), (y[rest] == k).mean()
                    share = (y[own | rest] == k).mean()
                    error = (share * (1 - share) * (1 / own.sum() + 1 / rest.sum())) ** 0.5
                    found = max(found, abs(p - q) / error)
    return found


@pytest.mark.parametrize("law", worlds.CONTINUOUS, ids=lambda law: law.name)
def test_continuous_nulls_move_f_but_not_y_given_content(law: ContinuousNull) -> None:
    """At most 400 comparisons: one beyond 5.5 standard errors has a chance of 2e-5.

    The negative control turns Y round in every environment but the first.
    """
    n = 40_000
    f, y, environment, content = law.draw_with_content(n, 0, np.random.default_rng(0))
    assert f.shape == (n, law.n_content + law.n_style)
    assert np.unique(y).tolist() == list(range(law.n_classes))
    shares = np.bincount(environment) / n
    assert np.abs(shares - law.shares).max() < 4.5 * 0.5 / n**0.5
    means = np.array([f[environment == e].mean(axis=0) for e in range(len(law.shares))])
    assert np.ptp(means, axis=0).max() > 0.2
    assert largest_z(content, y, environment) < 5.5
    turned = np.where(environment == 0, y, law.n_classes - 1 - y)
    assert largest_z(content, turned, environment) > 20


@pytest.mark.parametrize("law", worlds.COVERED, ids=lambda law: law.name)
def test_finite_laws_are_drawn_as_they_are_enumerated(law: FiniteLaw) -> None:
    """Every cell of p(e, f, y) to 5 standard errors."""
    n = 60_000
    f, y, environment = law.draw(n, np.random.default_rng(1))
    exact = law._joint / len(law.laws)
    found = np.zeros_like(exact)
    np.add.at(found, (environment, f[:, 0].astype(int), y), 1 / n)
    assert (np.abs(found - exact) <= 5 * np.sqrt(exact * (1 - exact) / n) + 1e-12).all()


def test_the_closed_form_of_flipped_content_is_that_of_the_finite_model() -> None:
    """A channel that flips with Phi(-mean) is c xor s with P(s = 1) = Phi(+-mean)."""
    from scipy.stats import norm

    for mean in (0.1, 0.5, 1.0):
        delta = float(2 * norm.cdf(mean) - 1)
        flipped, finite = FlippedContent(mean).information, worlds.xor(delta).information
        assert flipped == pytest.approx(finite, abs=1e-12)
