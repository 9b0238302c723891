"""Environments are interventions on style: content stays, style's causes are cut."""

from itertools import combinations

import pytest
import torch

from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig
from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for
from causal_ssl.views import StyleIntervention, style_ring

WORLD = ContentStyle.draw(
    ContentStyleConfig(n_content=2, n_style=3, causal=True, mixing_candidates=100), seed=0
)


def test_a_soft_environment_has_its_law_whatever_content_is() -> None:
    """Style's mean, deviation and correlation with content, each within 4.5 standard errors."""
    n, mean, scale = 40_000, (1.0, -2.0, 0.5), 0.7
    there = StyleIntervention("there", mean, scale)
    world = WORLD.scm.do(style=there.value()).sample(n, generator=generator_for(0, "soft"))
    style, content = world["style"].double(), world["content"].double()
    margin = 4.5 / n**0.5
    assert (style.mean(0) - torch.tensor(mean)).abs().max() < scale * margin
    assert (style.std(0) - scale).abs().max() < scale * margin / 2**0.5
    both = torch.corrcoef(torch.cat([content, style], dim=1).T)
    assert both[:2, 2:].abs().max() < margin
    observed = WORLD.scm.sample(n, generator=generator_for(0, "observed"))
    seen = torch.corrcoef(torch.cat([observed["content"], observed["style"]], dim=1).T)
    assert seen[:2, 2:].abs().max() > 10 * margin, "without intervention style follows content"


def test_a_hard_environment_holds_style_and_a_counterfactual_holds_content() -> None:
    first, second = style_ring(2, 3, radius=1.5)
    factual = WORLD.scm.do(style=first.value()).sample(50, generator=generator_for(0, "hard"))
    assert torch.equal(factual["style"], torch.tensor(first.mean).expand(50, 3))
    other = WORLD.scm.counterfactual(factual, style=second.value())
    assert torch.equal(other["style"], torch.tensor(second.mean).expand(50, 3))
    assert torch.equal(other["content"], factual["content"])
    assert not torch.equal(other["x"], factual["x"])


@pytest.mark.parametrize("n_style", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 2, 4, 7])
def test_a_ring_has_distinct_places_of_the_radius_asked(n: int, n_style: int) -> None:
    ring = style_ring(n, n_style, radius=2.0)
    means = torch.tensor([each.mean for each in ring])
    assert means.shape == (n, n_style)
    assert len({each.label for each in ring}) == n
    assert means.norm(dim=1).max() == pytest.approx(2.0)
    assert all((means[i] - means[j]).norm() > 0.5 for i, j in combinations(range(n), 2))


def test_four_places_differ_in_the_signs_of_two_coordinates() -> None:
    signs = {tuple(torch.tensor(each.mean).sign().tolist()) for each in style_ring(4, 2, radius=1)}
    assert signs == {(1, 1), (-1, 1), (-1, -1), (1, -1)}


def test_values_out_of_range_are_refused() -> None:
    with pytest.raises(InputError, match="scale must be at least 0, got -1"):
        StyleIntervention("x", (0.0,), -1.0)
    with pytest.raises(InputError, match="n must be at least 1, got 0"):
        style_ring(0, 2, radius=1.0)
