"""AlignMaxEnt: views agree, and outputs fill the unit cube."""

from math import log, pi

import torch
from torch import Tensor

from causal_ssl.errors import InputError, in_range
from causal_ssl.objectives.groups import Groups
from causal_ssl.objectives.log_sum_exp import log_sum_exp
from causal_ssl.objectives.objective import Objective, Terms
from causal_ssl.objectives.similarities import NegSquaredL2


class AlignMaxEnt(Objective):
    """Alignment minus entropy of outputs in (0, 1)^d: weight E|g(x) - g(x')|^2 - H(g(x)).

    By theorem 4.4 its minimum over smooth g with d = n_c outputs isolates content as a block: there
    the alignment is 0 and the outputs are uniform on the cube, where the entropy has its largest
    value, 0.

    The differential entropy (nats) is the leave-one-out kernel density estimate

        H = -mean_i log [ 1 / (n - 1) sum_{j != i} N(g_i; g_j, bandwidth / 2 I) ],

    a Gaussian kernel exp(-|g_i - g_j|^2 / bandwidth), normalised, and averaged over the views.
    It is biased upwards, by nats at a few hundred samples in 5 dimensions: kernels reach over the
    cube's faces, and few samples lie within one. Compare it at equal n, d and bandwidth alone.

    Args:
        bandwidth: of the kernel, above 0, in squared units of the outputs: 2 sigma^2.
        weight: of the alignment, above 0; 1 / bandwidth if None, the scale on which the kernel
            density tells points apart. The theorem's minimum does not depend on it, training does:
            with weight 1 style leaks in (at bandwidth 0.05 content R2 0.48 and style 0.31, against
            0.86 and 0.00; p(chg) = 1, 2000 steps of batch 256, one world).

    Returns (when called):
        `loss` = weight alignment - entropy, `alignment`, `entropy`, each of shape (...).

    Raises:
        InputError: values out of range; shapes that do not fit; outputs outside [0, 1] (checked on
            the CPU alone: on a GPU it would wait for the device at every step).

    References:
        Von Kuegelgen et al. 2021, arXiv 2106.04619, theorem 4.4.

    Examples:
        >>> corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        >>> terms = AlignMaxEnt(bandwidth=0.5)(online=[corners, corners])
        >>> terms["alignment"]
        tensor(0.)
    """

    max_views = 2

    def __init__(self, *, bandwidth: float = 0.02, weight: float | None = None) -> None:
        super().__init__()
        self.bandwidth = in_range("bandwidth", bandwidth, above=0)
        self.weight = 1 / bandwidth if weight is None else in_range("weight", weight, above=0)

    def terms(
        self,
        online: list[Tensor],
        target: list[Tensor],
        negatives: Tensor | None,
        groups: Groups | None,
    ) -> Terms:
        views = [online[0], target[1]]
        for view in views:
            _check_in_cube(view)
        alignment = (views[0] - views[1]).square().sum(-1).mean(-1)
        entropy = 0.5 * (self._entropy(views[0]) + self._entropy(views[1]))
        return {
            "loss": self.weight * alignment - entropy,
            "alignment": alignment,
            "entropy": entropy,
        }

    def _entropy(self, outputs: Tensor) -> Tensor:
        n, d = outputs.shape[-2:]
        density = log_sum_exp(NegSquaredL2(), outputs, outputs, tau=self.bandwidth, period=n)
        return log(n - 1) + 0.5 * d * log(pi * self.bandwidth) - density.mean(-1)


def _check_in_cube(outputs: Tensor) -> None:
    if outputs.device.type != "cpu":
        return
    low, high = torch.aminmax(outputs.detach())
    if low < 0 or high > 1:
        raise InputError(
            f"outputs reach from {low.item():.4g} to {high.item():.4g}: AlignMaxEnt is defined on "
            "the unit cube; give the encoder a sigmoid output"
        )
