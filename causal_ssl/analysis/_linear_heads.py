"""Softmax classifiers of one minibatch, trained together as one tensor, by SGD with momentum.

Only the features are shared. What is not finite stays in its own member, since neither a product
with the features nor a softmax mixes members.
"""

from copy import copy
from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor

BLOCK = 1024
"""Logits of a sample at once: more are no faster (on a CPU, 52 ms a thousand columns either way),
and the weights of a block, their velocities and gradients fit a cache."""


@dataclass(frozen=True)
class Member:
    """What a classifier is trained with.

    Attributes:
        learning_rate: at the first step.
        weight_decay: of weights and biases, as a gradient.
        epochs: passes over the training samples.
        batch_size: of a step.
    """

    learning_rate: float
    weight_decay: float
    epochs: int
    batch_size: int


def rate_factor(step: int, n_steps: int, schedule: str) -> float:
    """The share of the learning rate that a step has.

    Args:
        step: 0 .. n_steps - 1.
        n_steps: of the training.
        schedule: `cosine`, from 1 towards 0, (1 + cos(pi step / n_steps)) / 2; `constant`, 1.

    Examples:
        >>> [round(rate_factor(step, 4, "cosine"), 3) for step in range(4)]
        [1.0, 0.854, 0.5, 0.146]
    """
    return (1 + cos(pi * step / n_steps)) / 2 if schedule == "cosine" else 1.0


class Heads:
    """m softmax classifiers of C classes that take equally many steps.

    They start at 0: the loss is convex, no symmetry needs breaking.

    Args:
        members: what they are trained with.
        n_classes, n_features: C and d.
        n_steps: after which they are done.
        momentum, nesterov: as torch.optim.SGD has them, without dampening.
        schedule: see `rate_factor`.
        like: a tensor of the device and type to compute in.

    Attributes:
        weights: (m, C, d).
        biases: (m, C).
    """

    def __init__(
        self,
        members: list[Member],
        n_classes: int,
        n_features: int,
        n_steps: int,
        *,
        momentum: float,
        nesterov: bool,
        schedule: str,
        like: Tensor,
    ) -> None:
        self.members, self.n_steps, self.schedule = members, n_steps, schedule
        self.momentum, self.nesterov = momentum, nesterov
        self.weights = like.new_zeros(len(members), n_classes, n_features)
        self.biases = like.new_zeros(len(members), n_classes)
        self._velocities = torch.zeros_like(self.weights), torch.zeros_like(self.biases)
        self._rates = like.new_tensor([member.learning_rate for member in members])
        self._decays = like.new_tensor([member.weight_decay for member in members])
        self._decaying = any(member.weight_decay for member in members)

    def logits(self, x: Tensor) -> Tensor:
        """(b, m, C) for features (b, d)."""
        flat = torch.addmm(self.biases.flatten(), x, self.weights.flatten(0, 1).T)
        return flat.view(len(x), *self.biases.shape)

    def step(self, number: int, x: Tensor, labels: Tensor) -> None:
        """Descend the mean cross-entropy of features (b, d) with class numbers (b,)."""
        slopes = _softmax(self.logits(x))
        slopes[torch.arange(len(x), device=x.device), :, labels] -= 1
        slopes /= len(x)
        rates = self._rates * rate_factor(number, self.n_steps, self.schedule)
        gradient = (slopes.flatten(1).T @ x).view_as(self.weights)
        self._descend(self.weights, self._velocities[0], gradient, rates[:, None, None])
        self._descend(self.biases, self._velocities[1], slopes.sum(dim=0), rates[:, None])

    def member(self, index: int) -> "Heads":
        """One of them, as trained, in memory of its own; to be trained no further."""
        alone = copy(self)
        alone.members = self.members[index : index + 1]
        alone.weights = self.weights[index : index + 1].clone()
        alone.biases = self.biases[index : index + 1].clone()
        del alone._velocities
        return alone

    def _descend(self, values: Tensor, velocity: Tensor, gradient: Tensor, rates: Tensor) -> None:
        """One step of all members' weights or biases; the gradient is used up."""
        if self._decaying:
            gradient.addcmul_(values, self._decays.view_as(rates))
        velocity.mul_(self.momentum).add_(gradient)
        ahead = gradient.add_(velocity, alpha=self.momentum) if self.nesterov else velocity
        values.addcmul_(ahead, rates, value=-1)


def _softmax(logits: Tensor) -> Tensor:
    """Over the last dimension, in place; of few classes torch's takes several times as long."""
    shares = logits.sub_(logits.amax(dim=-1, keepdim=True)).exp_()
    return shares.div_(shares.sum(dim=-1, keepdim=True))
