"""Parameters saved with a run come back; those of another model do not."""

from pathlib import Path

import pytest
import torch
from pyro.distributions import Categorical, MultivariateNormal, Normal, TransformedDistribution
from pyro.distributions.transforms import AffineTransform
from torch import nn

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for
from causal_ssl.scm import Affine, StructuralCausalModel


class Head(nn.Module):
    """A learnt mechanism with parameters and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 3)
        self.norm = nn.BatchNorm1d(3)

    def forward(self, style: torch.Tensor) -> torch.Tensor:
        return self.norm(self.linear(style))


def model(seed: int, *, n_style: int = 2) -> StructuralCausalModel:
    """The same code with parameters of a seed."""
    g = generator_for("state", seed)
    factor = torch.randn(3, 3, generator=g).tril(-1) + torch.eye(3)
    weight = torch.randn(n_style, 3, generator=g)
    head = Head().eval()
    with torch.no_grad():
        for tensor in [*head.parameters(), *head.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(torch.rand(tensor.shape, generator=g) + 0.1)
    skewed = TransformedDistribution(Normal(0.0, 1.0), [AffineTransform(float(seed), 2.0)])
    return StructuralCausalModel(
        noise={
            "content": MultivariateNormal(torch.randn(3, generator=g), scale_tril=factor),
            "style": Normal(torch.zeros(n_style), float(seed + 1)).to_event(1),
            "kind": Categorical(logits=torch.randn(4, generator=g)),
            "skewed": skewed,
        },
        mechanisms={
            "content": lambda noise: noise,
            "style": Affine(torch.zeros(n_style), content=weight),
            "head": head if n_style == 2 else lambda style: style,
            "kind": lambda noise: noise,
            "skewed": lambda noise: noise,
        },
    )


def same_samples(one: StructuralCausalModel, two: StructuralCausalModel) -> dict[str, bool]:
    worlds = [scm.sample(200, generator=generator_for("same")) for scm in (one, two)]
    return {v: torch.equal(worlds[0][v], worlds[1][v]) for v in worlds[0]}


def test_loaded_model_samples_what_the_saved_one_did(tmp_path: Path) -> None:
    saved, fresh = model(0), model(1)
    saved.save(tmp_path / "scm.pt")
    loaded = fresh.load(tmp_path / "scm.pt")
    same = same_samples(saved, loaded)
    # The transform's shift is a Python number, code and not a parameter.
    assert same.pop("skewed") is False
    assert all(same.values())
    assert not any(same_samples(saved, fresh).values()), "load must leave its model alone"


def test_interventions_reach_a_model_loaded_after_earlier_ones(tmp_path: Path) -> None:
    saved, fresh = model(0), model(1)
    fresh.do(style=0.0)
    saved.save(tmp_path / "scm.pt")
    loaded = fresh.load(tmp_path / "scm.pt")
    assert all(same_samples(saved.do(style=2.0), loaded.do(style=2.0))[v] for v in ("head", "kind"))


def test_what_distributions_cache_when_used_is_no_parameter(tmp_path: Path) -> None:
    saved, fresh = model(0), model(1)
    for scm in (saved, fresh):
        scm.sample(10, generator=generator_for("use"))
        _ = scm.noise["kind"].probs, scm.noise["content"].covariance_matrix
    saved.save(tmp_path / "scm.pt")
    loaded = model(1).load(tmp_path / "scm.pt")
    reloaded = fresh.load(tmp_path / "scm.pt")
    torch.testing.assert_close(loaded.noise["kind"].probs, saved.noise["kind"].probs)
    torch.testing.assert_close(reloaded.noise["kind"].probs, saved.noise["kind"].probs)
    torch.testing.assert_close(
        reloaded.noise["content"].covariance_matrix, saved.noise["content"].covariance_matrix
    )


def test_file_needs_no_code_to_be_read(tmp_path: Path) -> None:
    model(0).save(tmp_path / "scm.pt")
    state = torch.load(tmp_path / "scm.pt", weights_only=True)
    assert {"mechanism.style.weight_content", "noise.style.base_dist.scale"} <= set(state)
    assert "mechanism.head.norm.running_mean" in state
    assert [path.name for path in tmp_path.iterdir()] == ["scm.pt"], "a temporary file was left"


def test_other_shapes(tmp_path: Path) -> None:
    scm = model(0)
    scm.save(tmp_path / "scm.pt")
    wide = StructuralCausalModel(
        {"content": MultivariateNormal(torch.zeros(4), torch.eye(4))},
        {"content": lambda noise: noise},
    )
    narrow = StructuralCausalModel(
        {"content": MultivariateNormal(torch.zeros(3), torch.eye(3))},
        {"content": lambda noise: noise},
    )
    wide.save(tmp_path / "wide.pt")
    with pytest.raises(InputError, match=r"has shape \(4.*here it is \(3"):
        narrow.load(tmp_path / "wide.pt")


def test_other_parts(tmp_path: Path) -> None:
    model(0).save(tmp_path / "scm.pt")
    with pytest.raises(InputError, match=r"not in this model mechanism\.head\.linear"):
        model(0, n_style=3).load(tmp_path / "scm.pt")


def test_neither_saved_nor_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        model(0).load(tmp_path / "nowhere.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(InputError, match="not a saved state"):
        model(0).load(tmp_path / "text.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(InputError, match="holds a list"):
        model(0).load(tmp_path / "list.pt")
    with pytest.raises(InputError, match="there is no folder"):
        model(0).save(tmp_path / "missing" / "scm.pt")


def test_intervened_models_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'style' is intervened on"):
        model(0).do(style=0.0).save(tmp_path / "scm.pt")


def test_affine_mechanism_reads_its_parents() -> None:
    weights = {"content": torch.tensor([[1.0, 0.0, 2.0]]), "other": torch.tensor([[3.0]])}
    affine = Affine(torch.tensor([0.5]), **weights)
    inputs = {"content": torch.ones(2, 3), "other": torch.full((2, 1), 2.0)}
    assert torch.equal(affine(noise=torch.zeros(2, 1), **inputs), torch.full((2, 1), 9.5))
    assert model(0).graph.has_edge("content", "style")


@pytest.mark.parametrize("weight", [torch.zeros(2, 3), torch.zeros(3)])
def test_affine_mechanism_with_wrong_shapes(weight: torch.Tensor) -> None:
    with pytest.raises(InputError, match="weight of 'content' has shape"):
        Affine(torch.zeros(1), content=weight)
