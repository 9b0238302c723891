"""What a rendering backend is, whichever it is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from causal_ssl.datasets.causal3dident.mesh import Mesh
from causal_ssl.datasets.causal3dident.scene import Frames, Scene
from causal_ssl.errors import in_range

Image = NDArray[np.uint8]
"""(size, size, 3), sRGB."""


@dataclass(frozen=True)
class RenderSettings:
    """What is asked of a backend beside the images' latents.

    Attributes:
        size: pixels a side.
        scene: the scene's numbers.
        samples: Cycles' paths a pixel; published: 512. The raster backend has none.

    Raises:
        InputError: a size below 8 or above 4096, fewer than one sample.
    """

    size: int = 224
    scene: Scene = field(default_factory=Scene)
    samples: int = 16

    def __post_init__(self) -> None:
        in_range("size", self.size, at_least=8, at_most=4096)
        in_range("samples", self.samples, at_least=1)


class Renderer(Protocol):
    """Turns frames into images; a context manager, since it holds a GL context or a process.

    A backend's class is constructed as `Backend(meshes, settings)` with meshes: class index ->
    `Mesh`. The same arguments give the same pixels, in whatever order and batches they are asked.
    """

    @property
    def name(self) -> str:
        """As the command line spells it."""

    @property
    def versions(self) -> Mapping[str, Any]:
        """What the pixels depend on beside the arguments: library, driver, device."""

    def render(self, classes: NDArray[np.int64], frames: Frames) -> Iterator[Image]:
        """One image a frame, in order.

        Args:
            classes: (n,), which of the meshes each image shows.
            frames: of the n images.
        """

    def close(self) -> None:
        """Release what it holds; a second call does nothing."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...


Meshes = Mapping[int, Mesh]
