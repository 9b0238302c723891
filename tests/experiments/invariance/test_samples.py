"""What representations are tested on: environments, counterfactual units, banks, controls."""

import pytest
import torch

from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.experiments.invariance import samples
from causal_ssl.experiments.invariance.config import CONTROLS, InvarianceStudy

CONFIG = InvarianceStudy(n_content=2, n_style=2, mixing_candidates=100, cells=4)
WORLD = ContentStyle.draw(samples.world_config(CONFIG, "causal"), seed=0)


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_environments_have_samples_of_their_own(kind: str) -> None:
    ring = samples.ring_of(CONFIG, kind)
    drawn = samples.draw(WORLD, ring, 50, purpose="x")
    assert drawn.environment.bincount().tolist() == [50] * 4
    assert len(drawn.sample.content.unique(dim=0)) == 200
    again = samples.draw(WORLD, ring[:2], 50, purpose="x")
    assert torch.equal(again.sample.x, drawn.sample.x[:100]), "whatever others are beside them"
    other = samples.draw(WORLD, ring, 50, purpose="y")
    assert not torch.equal(other.sample.x, drawn.sample.x)


@pytest.mark.parametrize("kind", ["soft", "hard"])
def test_units_keep_their_content_under_every_intervention(kind: str) -> None:
    views = samples.draw_units(WORLD, samples.ring_of(CONFIG, kind), 30, purpose="views")
    assert len(views) == 4
    for view in views[1:]:
        assert torch.equal(view.content, views[0].content)
        assert (view.style != views[0].style).any(dim=1).all()


def test_members_of_a_bank_are_the_units_under_interventions_of_their_own() -> None:
    ring = samples.ring_of(CONFIG, "hard")
    bank = samples.draw_bank(WORLD, ring, 64)
    units = samples.draw_units(WORLD, ring, 64, purpose="views")[0]
    assert torch.equal(bank.content, units.content)
    styles = {tuple(row) for row in bank.style.tolist()}
    assert styles == {tuple(torch.tensor(each.mean).tolist()) for each in ring}
    assert torch.allclose(bank.x, WORLD.mixing(torch.cat([bank.content, bank.style], dim=1)))


def test_every_control_is_what_its_name_says() -> None:
    sample = samples.draw(WORLD, samples.ring_of(CONFIG, "soft"), 40, purpose="x").sample
    made = {name: samples.control(name)(sample) for name in CONTROLS}
    assert torch.equal(made["oracle"], sample.content)
    assert torch.equal(made["style_only"], sample.style)
    assert torch.equal(made["separate"], torch.cat([sample.content, sample.style], dim=1))
    assert torch.equal(made["identity"], sample.x)
    assert torch.equal(made["entangled"].abs(), sample.content.abs())
    flipped = (made["entangled"] != sample.content).all(dim=1)
    assert torch.equal(flipped, sample.style[:, 0] < 0)
    assert torch.equal(samples.content_of(CONFIG)(made["separate"]), sample.content)
