"""Softmax classifiers of one minibatch, trained together as one tensor, by SGD with momentum.

Only the features are shared. What is not finite stays in its own member, since neither a product
with the features nor a softmax mixes members.
"""

from copy import copy
from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor
from torch.nn.functional import one_hot

BLOCK = 1024
"""Logits of a sample at once: more are no faster (on a CPU, 52 ms a thousand columns either way),
and the weights of a block and their momenta fit a cache."""
COLUMNS = 16
"""Columns of a product come in multiples: 270 cost as much as 300, 272 a tenth less."""
LEAST = -60.0
"""Logits below the greatest, in effect."""


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

    They start at 0: the loss is convex, no symmetry needs breaking. What it pulls at the C classes'
    weights sums to 0, and so do the weights at every step: those of the last class are minus the
    others' sum and are not kept. Of two classes that is half of the work.

    Args:
        members: what they are trained with.
        n_classes, n_features: C, at least 2, and d.
        n_steps: after which they are done.
        momentum, nesterov: as torch.optim.SGD has them, without dampening.
        schedule: see `rate_factor`.
        like: a tensor of the device and type to compute in.
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
        self._shape = len(members), n_classes - 1
        self._n = len(members) * (n_classes - 1)
        padded = -(-self._n // COLUMNS) * COLUMNS
        self._weights, self._biases = (like.new_zeros(padded, n) for n in (n_features, 1))
        self._momenta = torch.zeros_like(self._weights), torch.zeros_like(self._biases)
        self._rates = like.new_tensor([member.learning_rate for member in members])
        self._decays = like.new_zeros(padded, 1)
        self._decays[: self._n] = like.new_tensor(
            [[member.weight_decay * member.learning_rate] for member in members]
        ).repeat_interleave(n_classes - 1, dim=0)
        self._decaying = any(member.weight_decay for member in members)

    @property
    def weights(self) -> Tensor:
        """(m, C, d)."""
        return _with_last(self._weights[: self._n].view(*self._shape, -1), dim=1)

    @property
    def biases(self) -> Tensor:
        """(m, C)."""
        return _with_last(self._biases[: self._n].view(self._shape), dim=1)

    def logits(self, x: Tensor) -> Tensor:
        """(b, m, C) for features (b, d)."""
        return _with_last(self._of_members(self._columns(x)), dim=2)

    def step(self, number: int, x: Tensor, labels: Tensor) -> None:
        """Descend the mean cross-entropy of features (b, d) with class numbers (b,).

        Momenta are kept times the learning rate: rates then enter where tensors are smallest, and
        the product with the features adds to the momenta itself. With Nesterov's momentum values
        lie one step ahead, and are taken back first.
        """
        share = rate_factor(number, self.n_steps, self.schedule)
        # Of the last step's rate; the first step has no momenta yet.
        kept = share / rate_factor(number - 1, self.n_steps, self.schedule) if number else 0.0
        columns = self._columns(x)
        slopes = _softmax_but_last(self._of_members(columns))
        slopes -= one_hot(labels, self._shape[1] + 1)[:, None, :-1]
        slopes *= (self._rates * (share / len(x)))[:, None]
        for values, momenta, features in (
            (self._weights, self._momenta[0], x),
            (self._biases, self._momenta[1], x.new_ones(len(x), 1)),
        ):
            momenta.mul_(self.momentum * kept)
            if self.nesterov:
                values.add_(momenta)
            if self._decaying:
                # Of the values as they were, which is `values - momenta` where they were moved.
                by = self._decays * share
                momenta.lerp_(values, by) if self.nesterov else momenta.addcmul_(values, by)
            momenta.addmm_(columns.T, features)
            values.sub_(momenta, alpha=1 + self.momentum if self.nesterov else 1)

    def state(self) -> list[Tensor]:
        """What `load` continues from, on the CPU."""
        return [each.cpu() for each in (self._weights, self._biases, *self._momenta)]

    def load(self, state: list[Tensor]) -> None:
        """Be as they were of whom that is the state.

        Raises:
            ValueError: it is of others.
        """
        for own, kept in zip((self._weights, self._biases, *self._momenta), state, strict=True):
            if own.shape != kept.shape:
                raise ValueError(f"{tuple(kept.shape)} for {tuple(own.shape)}")
            own.copy_(kept)

    def member(self, index: int) -> "Heads":
        """One of them, as trained, in memory of its own; to be trained no further."""
        alone = copy(self)
        alone.members = self.members[index : index + 1]
        n_classes = self._shape[1]
        alone._shape, alone._n = (1, n_classes), n_classes
        rows = slice(index * n_classes, (index + 1) * n_classes)
        alone._weights, alone._biases = self._weights[rows].clone(), self._biases[rows].clone()
        del alone._momenta
        return alone

    def _columns(self, x: Tensor) -> Tensor:
        """(b, columns) logits of all members' classes but the last; 0 in columns that pad."""
        return torch.addmm(self._biases[:, 0], x, self._weights.T)

    def _of_members(self, columns: Tensor) -> Tensor:
        """(b, m, C - 1), a view."""
        return columns[:, : self._n].view(len(columns), *self._shape)


def _with_last(values: Tensor, dim: int) -> Tensor:
    """The last class beside the others."""
    return torch.cat([values, -values.sum(dim, keepdim=True)], dim)


def _softmax_but_last(logits: Tensor) -> Tensor:
    """Shares of all classes but the last, in place of their logits (b, m, C - 1).

    Of few classes torch's takes several times as long. No share is below exp(-60) of the greatest,
    a number that changes no sum: products with what float32 holds only as denormals take twice as
    long.
    """
    last = -logits.sum(dim=-1, keepdim=True)
    top = torch.maximum(logits.amax(dim=-1, keepdim=True), last)
    shares = logits.sub_(top).clamp_(min=LEAST).exp_()
    return shares.div_(shares.sum(dim=-1, keepdim=True) + last.sub_(top).clamp_(min=LEAST).exp_())
