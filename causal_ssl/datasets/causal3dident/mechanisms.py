"""Mechanisms of scene variables: uniform noise in, a class or a latent in [-1, 1] out.

Each is the inverse CDF of its law, so that the noise behind a value can be computed from the value:
`abduct`. Models over the scene may be made of these or of any other functions.
"""

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature

import pyro.distributions as dist
import torch
from pyro.distributions.torch_distribution import TorchDistributionMixin
from scipy.stats import truncnorm
from torch import Tensor, nn

from causal_ssl.datasets.causal3dident.latents import CLASSES
from causal_ssl.errors import InputError, in_range
from causal_ssl.scm import truncated_normal
from causal_ssl.scm.equations import argument_names


def uniform_noise(*event: int) -> TorchDistributionMixin:
    """U(0, 1) in float64, events of this shape: what the mechanisms here take as `noise`.

    Examples:
        >>> uniform_noise(3).event_shape, uniform_noise().event_shape
        (torch.Size([3]), torch.Size([]))
    """
    zero = torch.zeros(event, dtype=torch.float64)
    return dist.Uniform(zero, zero + 1).to_event(len(event))


class UniformClass(nn.Module):
    """One of some classes, each as likely as the others.

    Args:
        classes: indices into `CLASSES`.

    Raises:
        InputError: no class, an unknown one, or one named twice.

    Examples:
        >>> UniformClass([0, 4])(noise=torch.tensor([0.1, 0.6]))
        tensor([0, 4])
    """

    classes: Tensor

    def __init__(self, classes: Sequence[int] = range(len(CLASSES))) -> None:
        super().__init__()
        known = range(len(CLASSES))
        if not classes or len(set(classes)) < len(classes) or not set(classes) <= set(known):
            raise InputError(
                f"classes {list(classes)}: expected some of 0 to {len(CLASSES) - 1}, each once"
            )
        self.register_buffer("classes", torch.tensor(list(classes)))

    def forward(self, noise: Tensor) -> Tensor:
        """Classes (n,), int64, of noise (n,) in [0, 1]."""
        index = (noise * len(self.classes)).long()
        return self.classes[index.clamp_max(len(self.classes) - 1)]

    def abduct(self, value: Tensor) -> Tensor:
        """The middle of the noise (n,) that gives these classes (n,).

        Raises:
            InputError: a class that has no probability.
        """
        is_class = value[:, None] == self.classes
        if not bool(is_class.any(dim=1).all()):
            never = int(value[~is_class.any(dim=1)][0])
            raise InputError(
                f"class {never} is never drawn by this model: expected one of "
                f"{self.classes.tolist()}"
            )
        return (is_class.double().argmax(dim=1) + 0.5) / len(self.classes)


class Uniform(nn.Module):
    """U(-1, 1).

    Examples:
        >>> Uniform()(noise=torch.tensor([[0.0], [0.75]])).flatten()
        tensor([-1.0000,  0.5000])
    """

    def forward(self, noise: Tensor) -> Tensor:
        """Values (n, d) of noise (n, d) in [0, 1]."""
        return 2 * noise - 1

    def abduct(self, value: Tensor) -> Tensor:
        """The noise (n, d) that gives these values (n, d)."""
        return (value + 1) / 2


class TruncatedNormal(nn.Module):
    """Normal(mean, scale^2) truncated to [-1, 1], the mean being a function of parents.

    Args:
        mean: takes parents by name, (n, *event) each, and returns (n, d) or what broadcasts to it;
            saved with the model if it is an `nn.Module`.
        scale: standard deviation of the untruncated normal, > 0.

    Examples:
        >>> mechanism = TruncatedNormal(lambda spotlight_hue: -spotlight_hue, scale=0.5)
        >>> mechanism(spotlight_hue=torch.zeros(1, 1), noise=torch.tensor([[0.75]]))
        tensor([[0.3196]])
    """

    scale: Tensor

    def __init__(self, mean: Callable[..., Tensor], scale: float) -> None:
        super().__init__()
        in_range("scale", scale, above=0)
        self.mean = mean
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float64))

    @property
    def __signature__(self) -> Signature:
        """Which arguments a model is to read as parents."""
        names = (*argument_names(self.mean, "mean"), "noise")
        return Signature([Parameter(name, Parameter.KEYWORD_ONLY) for name in names])

    def forward(self, *, noise: Tensor, **parents: Tensor) -> Tensor:
        """Values (n, d) of noise (n, d) in [0, 1] and the parents."""
        return truncated_normal(noise, self.mean(**parents), self.scale, -1.0, 1.0)

    def abduct(self, value: Tensor, **parents: Tensor) -> Tensor:
        """The noise (n, d) that gives these values (n, d) under these parents."""
        mean, scale = self.mean(**parents).double().numpy(), self.scale.item()
        low, high = (-1 - mean) / scale, (1 - mean) / scale
        return torch.from_numpy(truncnorm.cdf(value.numpy(), low, high, loc=mean, scale=scale))


class ClassMean(nn.Module):
    """A mean constant[class] + coefficient[class] * term(other parents).

    Args:
        constant: (7, d), a row a class.
        coefficient: (7, d).
        term: takes parents by name, (n, d of it) each, and returns (n, d) or what broadcasts to it.

    Examples:
        >>> def opposite(spotlight_hue):
        ...     return -spotlight_hue
        >>> mean = ClassMean(torch.zeros(7, 1), torch.ones(7, 1), opposite)
        >>> mean(object_class=torch.tensor([2]), spotlight_hue=torch.tensor([[0.5]]))
        tensor([[-0.5000]])
    """

    constant: Tensor
    coefficient: Tensor

    def __init__(self, constant: Tensor, coefficient: Tensor, term: Callable[..., Tensor]) -> None:
        super().__init__()
        self.register_buffer("constant", constant)
        self.register_buffer("coefficient", coefficient)
        self.term = term

    @property
    def __signature__(self) -> Signature:
        """Which arguments a model is to read as parents."""
        names = ("object_class", *argument_names(self.term, "term"))
        return Signature([Parameter(name, Parameter.KEYWORD_ONLY) for name in names])

    def forward(self, *, object_class: Tensor, **parents: Tensor) -> Tensor:
        """Means (n, d)."""
        term = self.term(**parents)
        return self.constant[object_class] + self.coefficient[object_class] * term
