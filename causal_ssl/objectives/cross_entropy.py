"""Supervised learning: the classes of the samples, predicted from each view."""

import torch
from torch import Tensor
from torch.nn import functional as F

from causal_ssl.errors import InputError, in_range
from causal_ssl.objectives.groups import Groups
from causal_ssl.objectives.objective import Objective, Terms

NO_LABEL = torch.iinfo(torch.int64).min


class CrossEntropy(Objective):
    """Cross-entropy of logits (..., n, K) with the classes of the samples, mean over the views.

    The classes come in the call as `groups`, (..., n), and are their own numbers here, 0 to K - 1.
    One view is enough.

    Args:
        label_smoothing: share of each label spread evenly over all K classes, in [0, 1].

    Returns (when called):
        `loss`, in nats, of shape (...); log K at chance.

    Raises:
        InputError: label_smoothing out of range; shapes that do not fit; no groups; a target; a
            class outside 0 to K - 1 (checked on the CPU alone: on a GPU it would wait for the
            device at every step, and the kernel's own assertion stops the run there).

    References:
        Szegedy et al. 2016, arXiv 1512.00567, section 7 (label smoothing).

    Examples:
        >>> logits = torch.tensor([[0.0, 100.0, 0.0], [0.0, 0.0, 0.0]])
        >>> CrossEntropy()(online=[logits], groups=torch.tensor([1, 2]))["loss"]  # log(3) / 2
        tensor(0.5493)
    """

    min_views = 1

    def __init__(self, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = in_range("label_smoothing", label_smoothing, at_least=0, at_most=1)

    @property
    def takes_groups(self) -> bool:
        return True

    def terms(
        self,
        online: list[Tensor],
        target: list[Tensor],
        negatives: Tensor | None,
        groups: Groups | None,
    ) -> Terms:
        if target is not online:
            raise InputError("CrossEntropy compares with no target network's outputs: leave it out")
        assert groups is not None
        assert groups.labels is not None
        labels = groups.labels.long()
        _check_classes(labels, online[0].shape[-1])
        per_view = [self._losses(logits, labels).mean(-1) for logits in online]
        return {"loss": torch.stack(per_view).mean(0)}

    def _losses(self, logits: Tensor, labels: Tensor) -> Tensor:
        flat = F.cross_entropy(
            logits.flatten(0, -2),
            labels.flatten(),
            reduction="none",
            label_smoothing=self.label_smoothing,
            ignore_index=NO_LABEL,  # torch's own, -100, would let a bad label pass
        )
        return flat.view(labels.shape)

    def _check_groups(self, anchors: Tensor, groups: Tensor | None) -> None:
        if groups is None:
            raise InputError(
                "no groups: CrossEntropy needs the class of each sample, groups = (..., n) integers"
            )
        super()._check_groups(anchors, groups)


def _check_classes(labels: Tensor, n_classes: int) -> None:
    if labels.device.type != "cpu":
        return
    outside = labels[(labels < 0) | (labels >= n_classes)]
    if len(outside):
        raise InputError(
            f"class {int(outside[0])} with logits of {n_classes} classes: number the classes 0 to "
            f"{n_classes - 1}, or give the network as many outputs as there are classes"
        )
