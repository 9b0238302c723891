"""What the finding makes of paired differences, and what presets and help say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from causal_ssl import methods
from causal_ssl._numbers import read_exactly
from causal_ssl.datasets.causal3dident.latents import GROUPS
from causal_ssl.datasets.corruptions import CORRUPTIONS
from causal_ssl.errors import InputError
from causal_ssl.experiments.catalogue import from_preset, preset, presets
from causal_ssl.experiments.image_study.config import WARMUP
from causal_ssl.experiments.robustness import config, figures, plan, published
from causal_ssl.experiments.robustness.caveats import caveats
from causal_ssl.experiments.robustness.config import RobustnessStudy
from causal_ssl.experiments.robustness.images import KNOWN, planned
from causal_ssl.experiments.robustness.plan import Cell
from causal_ssl.experiments.robustness.summary import answers, finding, titled, with_variants
from causal_ssl.models.heads import Head
from causal_ssl.training.images import ImageTraining

TITLES = {"fashion_mnist": "Fashion-MNIST"}
WITHOUT = [0.50, 0.52, 0.48, 0.51, 0.49]
"""mCE without the penalty, by seed."""


def table(alphas: dict[float, list[float]]) -> pd.DataFrame:
    """The rows that answers are made of: alpha -> mCE by seed; of other metrics the same."""
    rows: list[dict[str, Any]] = [
        {"method": "relic", "alpha": alpha, "seed": seed, "metric": metric, "value": value}
        for alpha, values in alphas.items()
        for seed, value in enumerate(values)
        for metric in ("linear_top1", "mean_error", "mean_error_rise", "mce_by_supervised")
    ]
    return with_variants(pd.DataFrame(rows).assign(dataset="fashion_mnist", corruption=""))


def found(alphas: dict[float, list[float]]) -> list[str]:
    seeds = len(alphas[0.0])
    study = RobustnessStudy(alphas=tuple(alphas), seeds=seeds)
    return finding(answers(table(alphas), study), study, TITLES)


def shifted(by: float, spread: float = 0.001) -> list[float]:
    """mCE of the same seeds, shifted by about so much."""
    return [value + by + spread * (-1) ** k for k, value in enumerate(WITHOUT)]


def test_the_finding_says_at_which_alpha_the_penalty_buys_costs_or_is_not_told_from_none() -> None:
    first, *numbers = found(
        {0.0: WITHOUT, 0.1: shifted(0.0005, 0.01), 1.0: shifted(-0.02), 10.0: shifted(0.03)}
    )
    assert first == (
        "On Fashion-MNIST the invariance penalty buys robustness at α = 1; the invariance penalty"
        " costs robustness at α = 10; no effect of the invariance penalty on robustness is told"
        " from none at α = 0.1."
    )
    assert len(numbers) == 3
    assert numbers[1].startswith("α = 1 less α = 0: mCE -2.0 points [-2.")


def test_intervals_hold_together_over_alphas() -> None:
    study = RobustnessStudy(alphas=(0.0, 1.0, 10.0), seeds=5)
    of = answers(table({0.0: WITHOUT, 1.0: shifted(-0.02), 10.0: shifted(0.01)}), study)
    assert [answer.mce.level for answer in of] == pytest.approx([0.975, 0.975])


def test_fewer_than_five_seeds_answer_nothing_however_clear() -> None:
    first, *_ = found({0.0: WITHOUT[:4], 1.0: shifted(-0.2)[:4]})
    assert "cannot say" in first
    assert "standard" in first


def test_the_papers_errors_are_summed_up_as_our_own() -> None:
    rows = published.table().set_index(["method", "metric", "corruption"])["reference"]
    ce = {"relic": 0.678, "supervised": 0.800}  # of Gaussian noise, as printed
    assert rows["relic", "ce_by_supervised", "gaussian_noise"] == pytest.approx(
        ce["relic"] / ce["supervised"]
    )
    assert rows["supervised", "mce_by_supervised", ""] == pytest.approx(1)
    # The paper prints 44.2 % average accuracy's worth of CE for ReLIC with a target network.
    assert 1 - rows["relic_t", "mean_error", ""] == pytest.approx(0.442, abs=5e-4)


def test_every_variant_has_a_look_of_its_own() -> None:
    study = from_preset("robustness", "standard")
    looks = figures.looks(titled(study))
    assert set(looks) == set(titled(study))
    assert len({str(look) for look in looks.values()}) == len(looks)


def test_alphas_that_differ_late_have_names_folders_and_rows_of_their_own(tmp_path: Path) -> None:
    alphas = (0.0, 0.1234567, 0.1234568)
    study = RobustnessStudy(methods=("relic", "supervised"), alphas=alphas)
    names = [cell.name for cell in plan.cells(study)]
    assert len(set(names)) == len(names)
    assert "fashion_mnist-relic-alpha0.1234567-seed0" in names
    assert len(set(titled(study).values())) == len(titled(study)) == 5
    path = tmp_path / "table.csv"
    table({alpha: [0.5] for alpha in alphas}).drop(columns="variant").to_csv(path, index=False)
    read = with_variants(pd.read_csv(path, converters={"alpha": read_exactly}))
    assert set(read["variant"]) == {name for name in titled(study) if name.startswith("relic")}


def test_presets_are_valid_and_quick_is_the_default() -> None:
    assert presets("robustness") == ["quick", "standard"]
    quick, standard = (from_preset("robustness", name) for name in presets("robustness"))
    assert quick == RobustnessStudy()
    assert standard.seeds >= config.ENOUGH
    test = {name for name, each in CORRUPTIONS.items() if each.kind == "test"}
    assert set(standard.corruptions) == test
    assert {0, published.ALPHA} < set(standard.alphas)
    assert standard.datasets == config.DATASETS
    for name, each in KNOWN.items():
        values, budget = preset("pretraining", each.preset), RobustnessStudy().budget(name)
        assert (values["batch_size"], values["learning_rate"]) == (
            budget.batch_size,
            budget.learning_rate,
        )
        assert values["warmup_epochs"] == WARMUP
        with pytest.raises(InputError, match=r"epochs must be at least 0.5, got 0.05"):
            replace(budget, epochs=0.05)


@pytest.mark.parametrize("data_root", ["", "published"])
def test_images_that_were_given_may_differ_from_those_that_were_rendered(data_root: str) -> None:
    study = RobustnessStudy(
        datasets=("causal3dident",), causal3dident=config.Rendered(data_root=data_root)
    )
    rates = pd.DataFrame({"metric": ["linear_rate"], "value": [0.1]})
    said = " ".join(caveats(study, rates, pd.DataFrame({"step": [1]})))
    assert ("Images to train on were given" in said) == bool(data_root)
    assert "Under do(S = s) all coordinates" in said


def test_trainings_differ_as_is_said_in_heads_and_in_alpha_alone() -> None:
    study = RobustnessStudy()

    def training(method: str, alpha: float | None = None) -> ImageTraining:
        cell = Cell(method, 0, "fashion_mnist", alpha)
        found = planned(study, cell, n_images=60_000, n_classes=10)
        assert found.views.stack.name == "small_grey"
        return found.training

    without, penalised = (training("relic", alpha) for alpha in (0.0, 1.0))
    assert replace(penalised, objective=without.objective) == without
    assert {**penalised.objective, "alpha": 0.0} == without.objective
    for method in ("relic_t", "simclr", "byol", "supervised"):
        other = training(method)
        for name in ("steps", "batch_size", "optimiser", "schedule", "warmup", "precision"):
            assert getattr(other, name) == getattr(without, name), (method, name)
        head = {"head": without.encoder.head, "n_outputs": without.encoder.n_outputs}
        assert replace(other.encoder, **head) == without.encoder, method
    assert training("supervised").encoder.head == Head()


def test_names_for_help_are_those_that_there_are() -> None:
    assert tuple(CORRUPTIONS) == config.CORRUPTIONS
    validation = [name for name, each in CORRUPTIONS.items() if each.kind == "validation"]
    assert tuple(validation) == config.VALIDATION
    assert tuple(KNOWN) == config.DATASETS
    assert methods.get("relic").image_recipe().objective["alpha"] == published.ALPHA
    assert tuple(GROUPS) == config.STYLES
    for each in KNOWN.values():
        assert "alpha" not in preset("pretraining", each.preset)
