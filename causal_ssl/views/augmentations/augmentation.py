"""What an image augmentation is: an intervention do(S = s) on images, s drawn and kept.

    crop = RandomResizedCrop(scale=(0.08, 1.0))
    record = crop.draw(len(images), generator=generator, size=images.shape[-2:])
    views = crop.apply(images, record)      # again with the same record: the same views

All randomness is in the record. It is computed from a block of uniform numbers, one row a sample,
drawn at once: see `uniform_rows`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from causal_ssl.errors import in_range
from causal_ssl.views.augmentations._pipeline import changed_where, run
from causal_ssl.views.augmentations.frame import Frame, Size, checked_frame
from causal_ssl.views.augmentations.parameters import Parameters


class Augmentation(ABC):
    """Draws parameters for n samples, and applies them to n images.

    Attributes:
        names: of the parameters.
        n_uniforms: uniform numbers that a view of one sample takes.
        moves_pixels: rearranges or resamples only: takes uint8 as well as float32 images, returns
            the same type, and never writes into its input.
        gives_images: values stay in [0, 1].
    """

    names: ClassVar[tuple[str, ...]] = ()
    n_uniforms: ClassVar[int] = 0
    moves_pixels: ClassVar[bool] = False
    gives_images: ClassVar[bool] = True

    @abstractmethod
    def parameters(self, u: Tensor, frame: Frame) -> Parameters:
        """The parameters that n rows of uniform numbers (n, n_uniforms) stand for.

        Row i depends on row i of u and of the frame's aspects alone.
        """

    @abstractmethod
    def transform(self, images: Tensor, parameters: Parameters) -> Tensor:
        """Images (n, 3, h, w), float32 in [0, 1], changed; may overwrite them.

        Where `moves_pixels`: uint8 too, and the result is `images` itself or new memory.
        """

    def parameters_of_views(self, u: Tensor, frames: Sequence[Frame]) -> tuple[Parameters, ...]:
        """As `parameters` for all views of n samples at once, u (n, n_views, n_uniforms).

        Independent between views unless an augmentation says otherwise.
        """
        return tuple(self.parameters(u[:, view], frame) for view, frame in enumerate(frames))

    def frame_after(self, frame: Frame) -> Frame:
        """That of the result."""
        return frame

    def draw(
        self, n: int, *, generator: torch.Generator, size: Size, aspect: Tensor | None = None
    ) -> Parameters:
        """Parameters for n samples; see `uniform_rows` for what depends on what.

        Args:
            n: at least 0.
            generator: on any device; the record is a function of its state.
            size: height and width of the images.
            aspect: width / height of the originals that were resized to it whatever their shape,
                (n,): crops are drawn as on them; None: that of `size`.

        Raises:
            InputError: n, a size or an aspect out of range, or one that this augmentation cannot
                take.
        """
        u = uniform_rows(n, 1, self.n_uniforms, generator)
        return self.parameters(u[:, 0], checked_frame(n, size, aspect))

    def apply(self, images: Tensor, parameters: Parameters) -> Tensor:
        """The views of images under do(S = s): row i of the record done to image i.

        Args:
            images: (n, 3, h, w), uint8 or float32 in [0, 1], on any device; left as they are.
            parameters: of n samples.

        Returns:
            Of the images' type; float32 after `Normalise`. From uint8, pixels are moved as uint8,
            colours are changed in float32 and rounded once, to the nearest level.

        Raises:
            InputError: images of another shape, type or range; a record that does not fit them.
        """
        return run(images, [(self, parameters)])


@dataclass(frozen=True)
class Occasional(Augmentation):
    """An augmentation that is done with probability p, always in the same way.

    Parameters: `applied` (n,) bool.

    Args:
        p: in [0, 1].

    Raises:
        InputError: p out of range.
    """

    p: float

    names = ("applied",)
    n_uniforms = 1

    def __post_init__(self) -> None:
        in_range("p", self.p, at_least=0, at_most=1)

    def parameters(self, u: Tensor, frame: Frame) -> Parameters:
        return Parameters({"applied": u[:, 0] < self.p})

    @abstractmethod
    def changed(self, images: Tensor) -> Tensor:
        """What becomes of images (k, 3, h, w) that it is done to: new memory, of the same shape."""

    def transform(self, images: Tensor, parameters: Parameters) -> Tensor:
        rows = changed_where(parameters["applied"], images)
        if rows is None:
            return images
        result = images.clone() if self.moves_pixels else images
        result[rows] = self.changed(images[rows])
        return result


def uniform_rows(n: int, n_views: int, k: int, generator: torch.Generator) -> Tensor:
    """The randomness of n samples: (n, n_views, k) float64 on the CPU, uniform on [0, 1).

    Drawn row by row from the generator: the rows of n samples are the first n of any longer draw,
    and two draws from one CPU generator, of n and of m, are one draw of n + m. So views do not
    depend on how a batch is cut: draw for the whole batch and take `rows`, or draw part by part in
    order. With a generator on the CPU they do not depend on the images' device either; one on a
    GPU gives another stream, without the promise on consecutive draws.
    """
    in_range("n", n, at_least=0)
    shape = (n, n_views, k)
    return torch.rand(
        shape, generator=generator, device=generator.device, dtype=torch.float64
    ).cpu()


def between(u: Tensor, low: float, high: float) -> Tensor:
    """Uniform numbers moved from [0, 1) to [low, high)."""
    return low + (high - low) * u
