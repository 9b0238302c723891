"""Fresh views for every step of every replica, drawn several steps at a time."""

from collections.abc import Sequence

import torch
from torch import Tensor

from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.randomness import generator_for

# Samples of a replica in a chunk. Drawing through the causal model costs milliseconds whatever the
# number of samples: a chunk has many steps' worth, and still fits into memory many times over.
_CHUNK_SAMPLES = {"cpu": 2**14, "cuda": 2**19}


class ViewStream:
    """Views of R worlds, one batch per replica and step.

    A chunk of replica r is a pure function of (its world, its seed, the chunk's index, the device
    type): it does not depend on the replicas beside it, and nothing has to be stored to resume.

    Args:
        worlds: R worlds of the same dimension.
        seeds: R seeds.
        batch_size: samples B of a replica per step.
        negatives: also an independent third batch per step.
        device: where the samples are drawn.

    Attributes:
        steps_per_chunk: steps that a chunk has samples for.

    Examples:
        >>> from causal_ssl.datasets.content_style import ContentStyleConfig
        >>> world = ContentStyle.draw(ContentStyleConfig(mixing_candidates=100), seed=0)
        >>> stream = ViewStream([world, world], [0, 1], batch_size=4096)
        >>> stream.chunk(0).shape  # steps, replicas, two views of 4096 samples each, x
        torch.Size([4, 2, 8192, 10])
    """

    def __init__(
        self,
        worlds: Sequence[ContentStyle],
        seeds: Sequence[int],
        *,
        batch_size: int,
        negatives: bool = False,
        device: torch.device | str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.batch_size = batch_size
        self.negatives = negatives
        self.steps_per_chunk = max(1, _CHUNK_SAMPLES.get(self.device.type, 2**14) // batch_size)
        self._worlds = [world.to(self.device) for world in worlds]
        self._seeds = list(seeds)

    def chunk(self, index: int) -> Tensor:
        """Chunk `index`: (steps, R, V B, d) with V = 2 views, or 3 with negatives, one after the
        other along the third axis; rows i and B + i are views of one sample."""
        replicas = [
            self._batches(world, seed, index)
            for world, seed in zip(self._worlds, self._seeds, strict=True)
        ]
        return torch.stack(replicas, dim=1)

    def _batches(self, world: ContentStyle, seed: int, index: int) -> Tensor:
        n = self.steps_per_chunk * self.batch_size
        generator = generator_for(seed, "views", index, device=self.device)
        views = world.sample_views(n, generator=generator)
        batches = [views.x1, views.x2]
        if self.negatives:
            generator = generator_for(seed, "negatives", index, device=self.device)
            batches.append(world.sample(n, generator=generator).x)
        per_step = [x.view(self.steps_per_chunk, self.batch_size, -1) for x in batches]
        return torch.cat(per_step, dim=1)
