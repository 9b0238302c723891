"""Stacks: the augmentations that make the views of one sample, drawn together, on record.

stack = stacks.get("simclr").then("normalise", CAUSAL3DIDENT)
(first, second), record = stack(images, generator=generator_for(seed, "views", step))
first, second = stack.apply(images, record)     # the same again
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from causal_ssl.errors import InputError, in_range
from causal_ssl.views.augmentations._pipeline import check_images, run
from causal_ssl.views.augmentations.augmentation import Augmentation, uniform_rows
from causal_ssl.views.augmentations.crop import RandomResizedCrop
from causal_ssl.views.augmentations.frame import Frame, Size, checked_frame
from causal_ssl.views.augmentations.parameters import Parameters

Step: TypeAlias = Augmentation | tuple[Augmentation, ...]
Record: TypeAlias = tuple[Parameters, ...]


class Views(NamedTuple):
    """The views of n images, and what made them.

    Attributes:
        images: one tensor (n, 3, h, w) a view.
        record: the parameters of each view, names "step.name".
    """

    images: tuple[Tensor, ...]
    record: Record


@dataclass(frozen=True)
class Stack:
    """Steps done one after the other to each view, their parameters drawn together.

    Args:
        name: as the command line spells it.
        title: as tables and figures show it.
        steps: name (no dot in it) -> the augmentation of all views, or a tuple with one a view.
        source: where its numbers come from.
        n_views: of one sample, at least 1.

    Raises:
        InputError: no step; a dot in its name; a tuple of another length; a step after one that
            gives no images.

    Examples:
        >>> from causal_ssl.randomness import generator_for
        >>> from causal_ssl.views.augmentations import Rotation
        >>> stack = Stack("turn", "rotation", {"rotation": Rotation()}, source="here")
        >>> images = torch.rand(8, 3, 32, 32, generator=generator_for(0))
        >>> views, record = stack(images, generator=generator_for(0, "views"))
        >>> [view.shape for view in views], record[0].values.keys()
        ([torch.Size([8, 3, 32, 32]), torch.Size([8, 3, 32, 32])], dict_keys(['rotation.turns']))
        >>> bool((record[0]["rotation.turns"] == record[1]["rotation.turns"]).any())
        False
        >>> all(torch.equal(a, b) for a, b in zip(views, stack.apply(images, record)))
        True
    """

    name: str
    title: str
    steps: Mapping[str, Step]
    source: str
    n_views: int = 2

    def __post_init__(self) -> None:
        in_range("n_views", self.n_views, at_least=1)
        object.__setattr__(self, "steps", dict(self.steps))
        if not self.steps:
            raise InputError(f"stack {self.name!r} has no step: give it at least one")
        for name, step in self.steps.items():
            if "." in name:
                raise InputError(f"step {name!r} of stack {self.name!r}: a name without a dot")
            if isinstance(step, tuple) and len(step) != self.n_views:
                raise InputError(
                    f"step {name!r} of stack {self.name!r} has {len(step)} augmentations for "
                    f"{self.n_views} views: give one for each, or a single one for all"
                )
        for view in range(self.n_views):
            *before, _ = self.augmentations(view).items()
            for name, augmentation in before:
                if not augmentation.gives_images:
                    raise InputError(f"step {name!r} of stack {self.name!r} must be the last one")

    def augmentations(self, view: int) -> dict[str, Augmentation]:
        """Step -> augmentation of one view, from 0."""
        return {n: s[view] if isinstance(s, tuple) else s for n, s in self.steps.items()}

    def then(self, name: str, step: Step) -> "Stack":
        """The same with one more step. What the earlier ones draw changes unless it draws nothing.

        Raises:
            InputError: the name is taken, or see `Stack`.
        """
        if name in self.steps:
            raise InputError(f"stack {self.name!r} has a step {name!r} already: use another name")
        return replace(self, steps={**self.steps, name: step})

    def at_size(self, size: int) -> "Stack":
        """The same with views of size x size pixels, from images of any size.

        Where crops have sizes of their own, the largest becomes `size` and the others change by the
        same factor. What is drawn stays. A crop of a fraction a of images of S pixels shows
        sqrt(a) S of them and is enlarged where that is below `size`.

        Raises:
            InputError: no step is a crop, or size below 1.

        Examples:
            >>> from causal_ssl.views.augmentations import stacks
            >>> crops = stacks.get("multi_crop").at_size(112).steps["crop"]
            >>> [crop.size for crop in crops]
            [112, 112, 48, 48, 48, 48, 48, 48]
        """
        in_range("size", size, at_least=1)
        every = [a for view in range(self.n_views) for a in self.augmentations(view).values()]
        sizes = [a.size or 0 for a in every if isinstance(a, RandomResizedCrop)]
        if not sizes:
            raise InputError(f"stack {self.name!r} has no crop: resize its images to {size} pixels")

        def resized(a: Augmentation) -> Augmentation:
            if not isinstance(a, RandomResizedCrop):
                return a
            scaled = size if a.size is None else round(a.size * size / max(sizes))
            return replace(a, size=max(1, scaled))

        steps = {
            name: tuple(map(resized, step)) if isinstance(step, tuple) else resized(step)
            for name, step in self.steps.items()
        }
        return replace(self, steps=steps)

    def draw(
        self, n: int, *, generator: torch.Generator, size: Size, aspect: Tensor | None = None
    ) -> Record:
        """The parameters of all views of n samples; see `uniform_rows` for what depends on what.

        Args:
            n: at least 0.
            generator: on any device; the record is a function of its state.
            size: height and width of the images.
            aspect: width / height of the originals that were resized to it whatever their shape,
                (n,): crops are drawn as on them; None: that of `size`.

        Raises:
            InputError: n, a size or an aspect out of range, or one that a step cannot take.
        """
        frames = [checked_frame(n, size, aspect)] * self.n_views
        widths = [self._n_uniforms(step) for step in self.steps.values()]
        blocks = uniform_rows(n, self.n_views, sum(widths), generator).split(widths, dim=2)
        views: list[dict[str, Parameters]] = [{} for _ in range(self.n_views)]
        for (name, step), u in zip(self.steps.items(), blocks, strict=True):
            for view, drawn in enumerate(self._drawn(step, u, frames)):
                views[view][name] = drawn
                frames[view] = self.augmentations(view)[name].frame_after(frames[view])
        return tuple(Parameters.of_steps(view, n) for view in views)

    @staticmethod
    def _n_uniforms(step: Step) -> int:
        own = step if isinstance(step, tuple) else (step,)
        return max(augmentation.n_uniforms for augmentation in own)

    @staticmethod
    def _drawn(step: Step, u: Tensor, frames: Sequence[Frame]) -> Record:
        if isinstance(step, Augmentation):
            return step.parameters_of_views(u, frames)
        return tuple(
            augmentation.parameters(u[:, view, : augmentation.n_uniforms], frames[view])
            for view, augmentation in enumerate(step)
        )

    def apply(self, images: Tensor, record: Record) -> tuple[Tensor, ...]:
        """The views of images under the interventions on record, one record a view.

        Args:
            images: (n, 3, h, w), uint8 or float32 in [0, 1], on any device; left as they are.
            record: of n samples.

        Returns:
            One tensor a view, of the images' type; float32 after `Normalise`.

        Raises:
            InputError: images of another shape, type or range; a record that does not fit them.
        """
        if len(record) != self.n_views:
            raise InputError(f"a record of {len(record)} views: {self.name!r} has {self.n_views}")
        return tuple(self.apply_view(view, images, record[view]) for view in range(self.n_views))

    def apply_view(self, view: int, images: Tensor, parameters: Parameters) -> Tensor:
        """One view of images, from 0; see `apply`."""
        steps = self.augmentations(view)
        expected = [f"{s}.{name}" for s, a in steps.items() for name in a.names]
        parameters.require(expected, len(images))
        return run(images, [(a, parameters.of_step(s)) for s, a in steps.items()])

    def __call__(
        self, images: Tensor, *, generator: torch.Generator, aspect: Tensor | None = None
    ) -> Views:
        """Draw parameters for images (n, 3, h, w), and apply them; see `draw` and `apply`."""
        check_images(images)
        size = images.shape[-2:]
        record = self.draw(len(images), generator=generator, size=size, aspect=aspect)
        return Views(self.apply(images, record), record)
