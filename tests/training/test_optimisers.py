"""What optimisers do to one weight and one bias, by hand."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import Parameter

from causal_ssl.errors import InputError
from causal_ssl.methods import Optimiser
from causal_ssl.training.optimisers import FACTOR, TRUST, make_optimiser, parameter_groups

RATE, DECAY, MOMENTUM = 0.5, 0.1, 0.9


def parameters() -> dict[str, Parameter]:
    """A weight of norm 5, a weight of zeros, a bias; float64."""
    values = {"weight": [[3.0, 4.0]], "zero": [[0.0, 0.0]], "bias": [1.0, -2.0]}
    return {k: Parameter(torch.tensor(v, dtype=torch.float64)) for k, v in values.items()}


GRADIENTS = [  # of two steps
    {"weight": [[0.6, -0.8]], "zero": [[1.0, 2.0]], "bias": [0.5, 0.25]},
    {"weight": [[0.0, 2.0]], "zero": [[1.0, 0.0]], "bias": [-1.0, 1.0]},
]


def after_two_steps(name: str, **options) -> dict[str, Tensor]:
    tensors = parameters()
    optimiser = make_optimiser(Optimiser(name, RATE, **options), tensors.items())
    for gradients in GRADIENTS:
        for key, tensor in tensors.items():
            tensor.grad = torch.tensor(gradients[key], dtype=torch.float64)
        optimiser.step()
    return {key: tensor.detach() for key, tensor in tensors.items()}


def by_hand(
    decayed: set[str], adapted: set[str] = frozenset(), decay: float = DECAY
) -> dict[str, Tensor]:
    tensors = {key: tensor.detach() for key, tensor in parameters().items()}
    buffers = {key: torch.zeros_like(tensor) for key, tensor in tensors.items()}
    for gradients in GRADIENTS:
        for key, w in tensors.items():
            g = torch.tensor(gradients[key], dtype=torch.float64)
            own = decay if key in decayed else 0.0
            q = 1.0
            if key in adapted and w.norm() > 0:
                q = TRUST * w.norm() / (g.norm() + own * w.norm())
            buffers[key] = MOMENTUM * buffers[key] + q * (g + own * w)
            tensors[key] = w - RATE * buffers[key]
    return tensors


def assert_equal(ours: dict[str, Tensor], expected: dict[str, Tensor], **tolerance) -> None:
    for key in expected:
        torch.testing.assert_close(ours[key], expected[key], **tolerance)


WEIGHTS = {"weight", "zero"}


def test_lars_adapts_and_decays_weights_alone() -> None:
    ours = after_two_steps("lars", weight_decay=DECAY, momentum=MOMENTUM)
    # timm adds 1e-8 to the gradient's norm, here 1 and 2
    assert_equal(ours, by_hand(WEIGHTS, WEIGHTS), rtol=1e-8, atol=1e-10)


def test_lars_adapts_without_decay_too() -> None:
    ours = after_two_steps("lars", momentum=MOMENTUM)
    # the form of BYOL's code, q = eta |w| / |g| with the decay within g: the same at decay 0
    assert_equal(ours, by_hand(set(), WEIGHTS, decay=0.0), rtol=1e-8, atol=1e-10)


def test_the_first_lars_step_in_numbers() -> None:
    weight, bias = Parameter(torch.tensor([[3.0, 4.0]])), Parameter(torch.tensor([1.0]))
    named = {"weight": weight, "bias": bias}.items()
    optimiser = make_optimiser(Optimiser("lars", 2.0, weight_decay=0.1), named)
    weight.grad, bias.grad = torch.tensor([[0.0, 1.0]]), torch.tensor([0.25])
    optimiser.step()
    # q = 0.001 * 5 / (1 + 0.1 * 5) = 1 / 300; g + 0.1 w = (0.3, 1.4)
    torch.testing.assert_close(weight.data, torch.tensor([[3 - 0.002, 4 - 2.8 / 300]]))
    torch.testing.assert_close(bias.data, torch.tensor([0.5]))


def test_sgd_leaves_biases_out_of_the_decay_unless_told() -> None:
    options = {"weight_decay": DECAY, "momentum": MOMENTUM}
    assert_equal(after_two_steps("sgd", **options), by_hand(WEIGHTS))
    everything = after_two_steps("sgd", decay_all=True, **options)
    assert_equal(everything, by_hand({"weight", "zero", "bias"}))
    assert not torch.equal(everything["bias"], by_hand(WEIGHTS)["bias"])


def test_nesterov_steps_by_the_buffer_that_is_to_come() -> None:
    ours = after_two_steps("nesterov", weight_decay=DECAY, momentum=MOMENTUM)
    for key, w in parameters().items():
        w, buffer, decay = w.detach(), torch.zeros_like(w), DECAY if key in WEIGHTS else 0.0
        for gradients in GRADIENTS:
            g = torch.tensor(gradients[key], dtype=torch.float64) + decay * w
            buffer = MOMENTUM * buffer + g
            w = w - RATE * (g + MOMENTUM * buffer)
        torch.testing.assert_close(ours[key], w)


def test_nesterov_without_momentum_is_refused() -> None:
    with pytest.raises(InputError, match="momentum must be above 0, got 0"):
        Optimiser("nesterov", RATE, momentum=0)


@pytest.mark.parametrize("name", ["sgd", "lars"])
def test_parameters_with_a_factor_are_groups_of_their_own(name: str) -> None:
    named = {f"trunk.{key}": tensor for key, tensor in parameters().items()}
    named |= {f"head.{key}": tensor for key, tensor in parameters().items()}
    optimiser = Optimiser(name, RATE, weight_decay=DECAY)
    groups = make_optimiser(optimiser, named.items(), factors={"head.": 3.0}).param_groups
    keys = {id(tensor): key for key, tensor in named.items()}
    found = [([keys[id(p)] for p in group["params"]], group.get(FACTOR)) for group in groups]
    assert found == [
        (["trunk.weight", "trunk.zero"], None),
        (["trunk.bias"], None),
        (["head.weight", "head.zero"], 3.0),
        (["head.bias"], 3.0),
    ]
    assert [group["weight_decay"] for group in groups] == [DECAY, 0.0, DECAY, 0.0]
    if name == "lars":
        assert [group["always_adapt"] for group in groups] == [True, False, True, False]


def test_adam_is_torchs_without_decay() -> None:
    tensors = parameters()
    adam = torch.optim.Adam(tensors.values(), lr=RATE, fused=True)
    for gradients in GRADIENTS:
        for key, tensor in tensors.items():
            tensor.grad = torch.tensor(gradients[key], dtype=torch.float64)
        adam.step()
    ours = after_two_steps("adam")
    assert all(torch.equal(ours[key], tensor) for key, tensor in tensors.items())


def test_adams_decay_shrinks_weights_by_rate_times_decay() -> None:
    plain, decayed = after_two_steps("adam"), after_two_steps("adam", weight_decay=DECAY)
    assert torch.equal(plain["bias"], decayed["bias"])
    # decoupled: each of the two steps first multiplies by 1 - rate decay, Adam's own part is equal
    w, shrink = parameters()["weight"].detach(), 1 - RATE * DECAY
    moved = after_first_adam_step() - w
    last = plain["weight"] - w - moved
    expected = (w * shrink + moved) * shrink + last
    torch.testing.assert_close(decayed["weight"], expected)


def after_first_adam_step() -> Tensor:
    weight = parameters()["weight"]
    optimiser = make_optimiser(Optimiser("adam", RATE), [("weight", weight)])
    weight.grad = torch.tensor(GRADIENTS[0]["weight"], dtype=torch.float64)
    optimiser.step()
    return weight.detach()


@pytest.mark.parametrize("name", ["adam", "sgd", "nesterov", "lars"])
def test_networks_without_biases_or_weights_are_trained(name: str) -> None:
    for network in (nn.Linear(2, 2, bias=False), nn.BatchNorm1d(2)):
        before = [p.detach().clone() for p in network.parameters()]
        optimiser = make_optimiser(Optimiser(name, RATE), network.named_parameters())
        network(torch.tensor([[1.0, 2.0], [3.0, 5.0]])).pow(3).sum().backward()
        optimiser.step()
        moved = zip(before, network.parameters(), strict=True)
        assert all(not torch.equal(a, b) for a, b in moved)


def test_each_parameter_is_in_one_group() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    weights, others = parameter_groups(network.named_parameters(), weight_decay=DECAY)
    assert {id(p) for p in weights["params"]} == {id(network[0].weight), id(network[2].weight)}
    assert len(weights["params"]) + len(others["params"]) == len(list(network.parameters()))
