"""What all objectives share: how they are called, what they check, which precision they use."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from causal_ssl.errors import InputError
from causal_ssl.objectives.groups import Groups

Terms = dict[str, Tensor]


class Objective(nn.Module, ABC):
    """A loss over the outputs of two or more views, as named terms.

    Call it with `online`, one tensor (..., n, d) per view: row i of every view comes from sample i.
    `target` is the same for the second network; None means that it is the first one (h = f), and
    gradients then flow through both sides. Nothing is detached here unless an argument says so:
    a target network without gradient is the caller's to detach.

    Leading dimensions are replicas: independent problems computed together. Every term has their
    shape (...); `loss` is the one to minimise, so `terms["loss"].sum().backward()` trains all
    replicas, each with the gradient that it would get alone.

    Half-precision outputs are widened first and autocast is switched off: the terms are float32, or
    float64 for float64 outputs.
    """

    min_views = 2
    max_views: int | None = None

    @property
    def takes_negatives(self) -> bool:
        """Whether a call must bring the outputs of a batch of its own, as `negatives`."""
        return False

    @property
    def takes_groups(self) -> bool:
        """Whether a call must bring the groups of its samples, as `groups`.

        And those of its negatives, as `negative_groups`, if it brings negatives too.
        """
        return False

    @property
    def needs_target(self) -> bool:
        """Whether a call must bring a target network's outputs: outputs collapse without."""
        return False

    def views_used(self, n_views: int) -> tuple[Sequence[int], Sequence[int]]:
        """Which online views, and which of a target network, a call looks at; it may lack others.

        Without a target network all are looked at.

        Examples:
            >>> from causal_ssl.objectives import InfoNCE
            >>> [list(views) for views in InfoNCE().views_used(3)]  # anchors, candidates
            [[0, 1], [1, 2]]
        """
        return range(n_views), range(n_views)

    def forward(
        self,
        online: Sequence[Tensor | None],
        target: Sequence[Tensor | None] | None = None,
        negatives: Tensor | None = None,
        groups: Tensor | None = None,
        negative_groups: Tensor | None = None,
    ) -> Terms:
        """The terms, each of shape (...).

        Args:
            online: one tensor (..., n, d) per view; with a target network, None where `views_used`
                has not the view.
            target: as `online`, from the target network; None: the online outputs themselves.
            negatives: (..., m, d), outputs of a batch of its own, iff `takes_negatives`.
            groups: (..., n), the group of each sample as an integer label, iff `takes_groups`.
            negative_groups: (..., m), those of the negatives, iff the call brings both others.

        Raises:
            InputError: shapes that do not fit each other; negatives or groups that are missing or
                not used; labels that are no integers; no target where one is needed.
        """
        wanted, every = self.views_used(len(online)), range(len(online))
        online = self._checked(online, "online", wanted[0] if target is not None else every)
        if target is None and self.needs_target:
            raise InputError(
                f"no target: without a target network's outputs {type(self).__name__} is best at "
                "one output for all samples; give target=[...], one tensor a view"
            )
        target = online if target is None else self._checked(target, "target", wanted[1], online)
        self._check_negatives(online[0], negatives)
        self._check_groups(online[0], groups)
        self._check_negative_groups(negatives, negative_groups)
        device_type = online[0].device.type
        autocast = torch.is_autocast_enabled(device_type)
        with torch.autocast(device_type, enabled=False) if autocast else nullcontext():
            return self.terms(
                online,
                target,
                None if negatives is None else widened(negatives),
                None if groups is None else Groups.of(groups, negative_groups),
            )

    @abstractmethod
    def terms(
        self,
        online: list[Tensor],
        target: list[Tensor],
        negatives: Tensor | None,
        groups: Groups | None,
    ) -> Terms:
        """The terms of checked float32 or float64 outputs."""

    def _check_negatives(self, anchors: Tensor, negatives: Tensor | None) -> None:
        if negatives is not None:
            raise InputError(f"{type(self).__name__} takes no batch of negatives: leave it out")

    def _check_groups(self, anchors: Tensor, groups: Tensor | None) -> None:
        if groups is None:
            if self.takes_groups:
                raise InputError(
                    f"no groups: {type(self).__name__} with groups as positives needs the label of "
                    "each sample's group, groups = (..., n) integers"
                )
            return
        if not self.takes_groups:
            raise InputError(
                f"{type(self).__name__} without groups as positives takes none: leave groups out"
            )
        _check_labels("groups", groups, "views", anchors)

    def _check_negative_groups(self, negatives: Tensor | None, labels: Tensor | None) -> None:
        if negatives is not None and self.takes_groups:
            if labels is None:
                raise InputError(
                    f"no negative_groups: {type(self).__name__} with groups as positives finds "
                    "some among the negatives too, negative_groups = (..., m) integers"
                )
            _check_labels("negative_groups", labels, "negatives", negatives)
        elif labels is not None:
            raise InputError(
                f"{type(self).__name__} compares no groups of samples with those of negatives: "
                "leave negative_groups out"
            )

    def _checked(
        self,
        views: Sequence[Tensor | None],
        name: str,
        used: Sequence[int],
        like: list[Tensor] | None = None,
    ) -> list[Tensor]:
        if isinstance(views, Tensor):
            raise InputError(
                f"{name} is one tensor of shape {tuple(views.shape)}: give a list, one a view"
            )
        if like is not None and len(views) != len(like):
            raise InputError(
                f"{name} has {len(views)} views, online {len(like)}: both networks must give the "
                "same views"
            )
        if len(views) < self.min_views or (self.max_views and len(views) > self.max_views):
            wanted = "2" if self.max_views == 2 else f"{self.min_views} or more"
            raise InputError(f"{name} has {len(views)} views: {type(self).__name__} takes {wanted}")
        if missing := [k for k in used if k < len(views) and views[k] is None]:
            raise InputError(f"{name} lacks view {missing[0]}: {type(self).__name__} looks at it")
        given = [view for view in views if view is not None]
        shapes = [tuple(view.shape) for view in given]
        if like is not None and shapes[0] != like[0].shape:
            raise InputError(
                f"{name} has shapes {shapes}, online {tuple(like[0].shape)}: both networks must "
                "give the same views of the same samples"
            )
        if len(set(shapes)) > 1 or len(shapes[0]) < 2:
            raise InputError(
                f"{name} has shapes {shapes}: every view must be (..., n, d) of the same samples"
            )
        if shapes[0][-2] < 2:
            raise InputError(f"{name} has shape {shapes[0]}: a batch needs at least 2 samples")
        # Not a number: an objective that looks at a view which it said it does not shows at once.
        blank = given[0].new_full((), torch.nan).expand(shapes[0])
        return [widened(blank if view is None else view) for view in views]


def _check_labels(name: str, labels: Tensor, kind: str, outputs: Tensor) -> None:
    if labels.shape != outputs.shape[:-1]:
        raise InputError(
            f"{name} have shape {tuple(labels.shape)}, the {kind} {tuple(outputs.shape)}: give "
            f"one label a sample, {tuple(outputs.shape[:-1])}"
        )
    if labels.is_floating_point() or labels.is_complex():
        raise InputError(f"{name} are {labels.dtype}: labels of groups must be integers")


def widened(outputs: Tensor) -> Tensor:
    """float32 for narrower floats; float32 and float64 as they are."""
    return outputs.float() if outputs.dtype in (torch.float16, torch.bfloat16) else outputs
