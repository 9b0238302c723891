"""The study's yardstick on encoders whose answer is known."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.experiments.content_style import evaluation, settings
from causal_ssl.experiments.content_style.config import NumericalStudy
from causal_ssl.experiments.content_style.jobs import world_config
from causal_ssl.experiments.content_style.world_spectrum import WHITENED, spectrum_rows

CONFIG = NumericalStudy(n_fit=512, n_score=2048, mixing_candidates=100)
# An R2 averaged over five coordinates of 2048 points has a standard error of at most 0.01; kernel
# ridge on 512 points and 5 inputs loses up to 0.02 to the best predictor.
MARGIN = 0.05


def only_style(world: ContentStyle) -> Callable[[Tensor], Tensor]:
    return lambda x: world.mixing.inverse(x)[:, world.config.n_content :]


def only_content(world: ContentStyle) -> Callable[[Tensor], Tensor]:
    return lambda x: world.mixing.inverse(x)[:, : world.config.n_content]


def scores(encoder: Callable[[Tensor], Tensor], world: ContentStyle) -> dict[str, float]:
    rows = evaluation.identifiability_rows(evaluation.evaluate(encoder, world, CONFIG))
    return {row["variable"]: row["value"] for row in rows if row["metric"] == "r2_kernel_ridge"}


def content_r2_from_style(world: ContentStyle) -> float:
    """From the precision of content given style, Sigma_c^-1 + B' Sigma_s^-1 B."""
    precision = (
        world.content_cov.inverse() + world.weight.T @ world.style_cov.inverse() @ world.weight
    )
    return float((1 - precision.inverse().diagonal() / world.content_cov.diagonal()).mean())


@pytest.fixture(scope="module", params=list(settings.SETTINGS))
def world(request: pytest.FixtureRequest) -> ContentStyle:
    return ContentStyle.draw(world_config(CONFIG, request.param), seed=0)


def test_an_encoder_of_style_alone_scores_on_content_what_dependence_gives(
    world: ContentStyle,
) -> None:
    """The negative control: about 0 without causal dependence, the closed form with it."""
    found = scores(only_style(world), world)
    expected = content_r2_from_style(world)
    assert found["style"] > 0.98
    assert (expected > 0.3) == world.config.causal
    assert found["content"] == pytest.approx(expected, abs=MARGIN)


def test_an_encoder_of_content_alone_scores_on_style_the_content_only_reference(
    world: ContentStyle,
) -> None:
    found = scores(only_content(world), world)
    assert found["content"] > 0.98
    assert found["style"] == pytest.approx(world.style_r2_from_content(), abs=MARGIN)


@pytest.fixture(scope="module")
def references(world: ContentStyle) -> dict[tuple[str, str], float]:
    rows = evaluation.reference_rows(world, CONFIG)
    return {(row["metric"], row["variable"]): row["value"] for row in rows}


@pytest.mark.parametrize("variable", ["style_from_true_content", "content_from_true_style"])
def test_the_references_estimated_by_the_study_agree_with_the_closed_forms(
    references: dict[tuple[str, str], float], variable: str
) -> None:
    closed = references["r2_closed_form", variable]
    for metric in ("r2_kernel_ridge", "r2_linear"):
        assert references[metric, variable] == pytest.approx(closed, abs=MARGIN)


def test_the_closed_forms_are_those_of_the_conditional_laws(
    world: ContentStyle, references: dict[tuple[str, str], float]
) -> None:
    style = references["r2_closed_form", "style_from_true_content"]
    assert style == pytest.approx(world.style_r2_from_content(), abs=1e-6)
    content = references["r2_closed_form", "content_from_true_style"]
    assert content == pytest.approx(content_r2_from_style(world), abs=1e-6)


def test_content_from_style_agrees_with_a_regression_on_many_samples(
    world: ContentStyle, references: dict[tuple[str, str], float]
) -> None:
    sample = world.sample(50_000, generator=torch.Generator().manual_seed(1))
    content, style = sample.content.double(), sample.style.double()
    style = style - style.mean(0)
    residual = content - style @ torch.linalg.lstsq(style, content).solution
    r2 = (1 - residual.var(0) / content.var(0)).mean().item()
    closed = references["r2_closed_form", "content_from_true_style"]
    assert closed == pytest.approx(r2, abs=0.01)


def test_evaluation_points_are_the_same_for_every_encoder_of_a_world(world: ContentStyle) -> None:
    first, second = evaluation.draw_points(world, CONFIG), evaluation.draw_points(world, CONFIG)
    assert torch.equal(first.x, second.x)
    assert len(first.x) == CONFIG.n_fit + CONFIG.n_score


def test_a_content_encoder_keeps_every_content_direction_and_is_perfect_when_whitened(
    world: ContentStyle,
) -> None:
    rows = spectrum_rows(evaluation.evaluate(only_content(world), world, CONFIG))
    value = {(row["metric"], row["variable"]): row["value"] for row in rows}
    directions = [value["r2_linear", f"content_direction_{k}"] for k in range(1, 6)]
    # Linear in float32: the least of a near-singular covariance's directions loses some digits.
    assert min(directions) > 0.99
    assert value["r2_linear", WHITENED] == pytest.approx(sum(directions) / 5)
    variances = [value["variance", f"content_direction_{k}"] for k in range(1, 6)]
    assert variances == sorted(variances, reverse=True)
    assert not [metric for metric, _ in value if metric == "r2_predicted"]


def test_a_temperature_is_a_unit_of_the_outputs_to_the_prediction(world: ContentStyle) -> None:
    """Outputs twice as large at tau = 4 have the loss of the outputs at tau = 1."""
    content = only_content(world)

    def predicted(scale: float, tau: float) -> list[float]:
        config = replace(CONFIG, tau=tau)
        found = evaluation.evaluate(lambda x: scale * content(x), world, config, method="infonce")
        return [r["value"] for r in spectrum_rows(found) if r["metric"] == "r2_predicted"]

    at_one = predicted(1.0, 1.0)
    assert at_one == pytest.approx(predicted(2.0, 4.0), abs=1e-4)
    assert len(at_one) == 10 + 3


def test_shown_predictions_are_the_regression_of_content_in_standard_units(
    world: ContentStyle,
) -> None:
    shown = evaluation.shown_predictions(evaluation.evaluate(only_content(world), world, CONFIG))
    assert len(shown) == 5 * evaluation.SHOWN_POINTS
    error = (shown["true"] - shown["predicted"]).pow(2).mean()
    assert error < 0.02
    assert shown["true"].std() == pytest.approx(1, abs=0.1)
