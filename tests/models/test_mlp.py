"""R encoders in one network are R encoders: same start, same outputs, same gradients."""

import pytest
import torch
from torch import nn

from causal_ssl.errors import InputError
from causal_ssl.models._affine import affine, convolution_pays
from causal_ssl.models.mlp import ReplicatedMLP
from causal_ssl.randomness import generator_for

WIDTHS = [10, 24, 24, 5]


def randn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator_for(*shape, "test"))


def build(seeds: list[int], **options: object) -> ReplicatedMLP:
    generators = [generator_for(seed, "encoder") for seed in seeds]
    return ReplicatedMLP(WIDTHS, replicas=len(seeds), generators=generators, **options)


@pytest.mark.parametrize("output", ["linear", "sigmoid"])
def test_replica_is_a_plain_network_with_the_same_outputs(output: str) -> None:
    encoder, x = build([0, 1, 2], output=output), randn(3, 40, 10)
    together = encoder(x)
    for r in range(3):
        torch.testing.assert_close(encoder.replica(r)(x[r]), together[r])


def test_both_paths_compute_the_same() -> None:
    encoder, x = build([0, 1, 2]), randn(3, 40, 10)
    torch.testing.assert_close(encoder._batched(x), encoder._one_by_one(x))


def test_wide_replicas_are_plain_networks_too() -> None:
    encoder, x = ReplicatedMLP([10, 64, 64, 5], replicas=2), randn(2, 2048, 10)
    for r in range(2):
        torch.testing.assert_close(encoder.replica(r)(x[r]), encoder(x)[r], atol=1e-5, rtol=1e-4)


def test_a_replica_starts_the_same_whatever_it_is_grouped_with() -> None:
    pair, alone = build([7, 8]), build([8])
    for a, b in zip(pair.parameters(), alone.parameters(), strict=True):
        assert torch.equal(a[1], b[0])
        assert not torch.equal(a[0], b[0])


def test_starts_as_torch_nn_linear_does() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        plain = nn.Sequential(nn.Linear(10, 24), nn.LeakyReLU(), nn.Linear(24, 5))
    encoder = ReplicatedMLP(
        [10, 24, 5], replicas=1, generators=[torch.Generator().manual_seed(5)]
    ).replica(0)
    for a, b in zip(plain.parameters(), encoder.parameters(), strict=True):
        assert torch.equal(a, b)


def test_gradients_are_those_of_the_replicas_alone() -> None:
    encoder, x = build([0, 1]), randn(2, 40, 10)
    weight = randn(2, 40, 5)
    (encoder(x) * weight).sum().backward()
    for r in range(2):
        alone = encoder.replica(r)
        (alone(x[r]) * weight[r]).sum().backward()
        pairs = zip(encoder.weights, encoder.biases, strict=True)
        ours = [parameter.grad[r] for pair in pairs for parameter in pair]
        for mine, theirs in zip(ours, alone.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs.grad)


def test_the_paper_and_the_public_code_have_their_numbers_of_parameters() -> None:
    code = ReplicatedMLP([10, 100, *[500] * 4, 100, 5], replicas=2)
    paper = ReplicatedMLP([10, 100, *[500] * 5, 100, 5], replicas=1)
    assert (code.n_parameters, paper.n_parameters) == (853_705, 1_104_205)


@pytest.mark.parametrize("rows", [2048, 2049])
def test_a_wide_layer_is_the_same_map_by_whichever_kernel(rows: int) -> None:
    x, weight, bias = randn(rows, 64), randn(96, 64), randn(96)
    if torch.backends.mkldnn.is_available():
        assert convolution_pays(x, 64, 96) == (rows == 2048)
    for t in (x, weight, bias):
        t.requires_grad_()
    up = randn(rows, 96)
    ours = torch.autograd.grad((affine(x, weight, bias) * up).sum(), (x, weight, bias))
    exact = (up.double() @ weight.double(), up.double().T @ x.double(), up.double().sum(0))
    for a, b in zip(ours, exact, strict=True):
        # float32 sums of `rows` terms of unit size
        torch.testing.assert_close(a.double(), b, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"widths": [10], "replicas": 1}, "widths"),
        ({"widths": [10, 0, 5], "replicas": 1}, "widths"),
        ({"widths": [10, 5], "replicas": 0}, "replicas must be at least 1, got 0"),
        ({"widths": [10, 5], "replicas": 1, "output": "sigmoyd"}, "did you mean 'sigmoid'"),
        ({"widths": [10, 5], "replicas": 2, "generators": [torch.Generator()]}, "1 generators"),
    ],
)
def test_bad_shapes_are_named(arguments: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ReplicatedMLP(**arguments)


def test_inputs_of_another_shape_are_named() -> None:
    with pytest.raises(InputError, match=r"\(4, 40, 10\)"):
        build([0, 1])(randn(4, 40, 10))
    with pytest.raises(InputError, match="replica 2"):
        build([0, 1]).replica(2)
