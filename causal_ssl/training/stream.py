"""Fresh views for every step of every replica, drawn several steps at a time."""

from collections.abc import Sequence

import torch
from torch import Tensor

from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.datasets.tasks import Task
from causal_ssl.errors import InputError
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
        tasks: R tasks, which label the samples by their content; None: no labels.
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
        tasks: Sequence[Task] | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self.device = torch.device(device)
        self.batch_size = batch_size
        self.negatives = negatives
        self.steps_per_chunk = max(1, _CHUNK_SAMPLES.get(self.device.type, 2**14) // batch_size)
        self._worlds = [world.to(self.device) for world in worlds]
        self._seeds = list(seeds)
        self._tasks = [None] * len(self._worlds) if tasks is None else list(tasks)

    def chunk(self, index: int) -> Tensor:
        """Chunk `index`: (steps, R, V B, d) with V = 2 views, or 3 with negatives, one after the
        other along the third axis; rows i and B + i are views of one sample."""
        return self.chunk_and_groups(index)[0]

    def chunk_and_groups(self, index: int) -> tuple[Tensor, Tensor | None]:
        """Chunk `index`, and the tasks' labels of its samples, (steps, R, B) int64, if any.

        Raises:
            InputError: a task's labels are not one integer a sample.
        """
        replicas = [
            self._batches(*each, index)
            for each in zip(self._worlds, self._seeds, self._tasks, strict=True)
        ]
        views, groups = zip(*replicas, strict=True)
        labelled = [labels for labels in groups if labels is not None]
        return torch.stack(views, dim=1), torch.stack(labelled, dim=1) if labelled else None

    def _batches(
        self, world: ContentStyle, seed: int, task: Task | None, index: int
    ) -> tuple[Tensor, Tensor | None]:
        n = self.steps_per_chunk * self.batch_size
        generator = generator_for(seed, "views", index, device=self.device)
        views = world.sample_views(n, generator=generator)
        batches = [views.x1, views.x2]
        if self.negatives:
            generator = generator_for(seed, "negatives", index, device=self.device)
            batches.append(world.sample(n, generator=generator).x)
        per_step = [x.view(self.steps_per_chunk, self.batch_size, -1) for x in batches]
        groups = None if task is None else _labels(task, views.content)
        if groups is not None:
            groups = groups.view(self.steps_per_chunk, self.batch_size)
        return torch.cat(per_step, dim=1), groups


def _labels(task: Task, content: Tensor) -> Tensor:
    labels = task(content)
    if labels.shape != content.shape[:1] or labels.is_floating_point() or labels.is_complex():
        raise InputError(
            f"the task's labels are {labels.dtype} of shape {tuple(labels.shape)}: expected one "
            f"integer a sample, ({len(content)},)"
        )
    return labels.to(content.device, torch.int64)
