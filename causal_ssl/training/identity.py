"""What distinguishes one training run from another: whether a checkpoint is its own."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from torch import Tensor

from causal_ssl.datasets.content_style import ContentStyle
from causal_ssl.datasets.tasks import Task
from causal_ssl.methods import Method
from causal_ssl.objectives import Objective
from causal_ssl.training.checkpoint import Identity, describe
from causal_ssl.training.config import NumericalTraining
from causal_ssl.training.stream import ViewStream


def identity_of(
    worlds: Sequence[ContentStyle],
    method: Method,
    objective: Objective,
    stream: ViewStream,
    config: NumericalTraining,
    seeds: list[int],
    n_outputs: int,
    tasks: Sequence[Task] | None = None,
) -> Identity:
    """Everything that the course of a run depends on, worlds by a hash of their parameters."""
    settings = asdict(config)
    del settings["checkpoint_every_seconds"]  # when it is saved, not what is trained
    identity = {
        "method": method.name,
        "objective": describe(objective),
        "config": describe(settings),
        "seeds": seeds,
        "n_outputs": n_outputs,
        "device": stream.device.type,
        "steps_per_chunk": stream.steps_per_chunk,
        "worlds": {str(r): _fingerprint(world) for r, world in enumerate(worlds)},
    }
    if tasks is not None:
        identity["tasks"] = {str(r): describe(task) for r, task in enumerate(tasks)}
    return identity


def _fingerprint(world: ContentStyle) -> dict[str, Any]:
    parameters = hashlib.sha256()
    for name, value in sorted(world.state_dict().items()):
        if isinstance(value, Tensor):
            parameters.update(name.encode() + value.cpu().numpy().tobytes())
    settings = describe(asdict(world.config))
    return {"seed": world.seed, **settings, "parameters": parameters.hexdigest()[:16]}
