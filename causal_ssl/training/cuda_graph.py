"""A training step recorded once as a CUDA graph and replayed: no launch overhead per kernel."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.training.step import TrainingStep

_WARM_UP_STEPS = 3


class GraphedStep:
    """A `TrainingStep` (built with `capturable=True`) whose calls replay a recorded graph.

    The recording needs a few real steps first; what they change is undone, so the run is the same
    as without a graph up to the order of floating-point sums.

    Args:
        step: the step to record, in the state to start from.
        x: an input of the shape of all that follow.
        groups: labels of the shape of all that follow, if the objective takes groups.

    Raises:
        InputError: not on CUDA.
    """

    def __init__(self, step: TrainingStep, x: Tensor, groups: Tensor | None = None) -> None:
        if step.device.type != "cuda":
            raise InputError(f"a CUDA graph on {step.device.type}: switch cuda_graph off")
        self._step = step
        self._x = x.clone()
        self._groups = None if groups is None else groups.clone()
        self._decay = torch.ones((), device=step.device)
        self._record()

    def __call__(
        self,
        x: Tensor,
        *,
        learning_rate: float,
        decay: float = 1.0,
        groups: Tensor | None = None,
    ) -> Tensor:
        """As `TrainingStep.__call__`."""
        if (groups is None) != (self._groups is None):
            raise InputError("groups in the recorded step or in this call alone: give both or none")
        self._x.copy_(x)
        if self._groups is not None:
            self._groups.copy_(groups)  # type: ignore[arg-type]
        self._decay.fill_(decay)
        self._rate.fill_(learning_rate)
        self._graph.replay()
        return self._terms.clone()

    @property
    def _rate(self) -> Tensor:
        return self._step.optimizer.param_groups[0]["lr"]

    def _record(self) -> None:
        with undone(self._step):
            stream = torch.cuda.Stream(self._step.device)
            stream.wait_stream(torch.cuda.current_stream(self._step.device))
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UP_STEPS):
                    self._step.run(self._x, self._decay, self._groups)
            torch.cuda.current_stream(self._step.device).wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        self._step.optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(self._graph):
            self._terms = self._step.run(self._x, self._decay, self._groups)


@contextmanager
def undone(step: TrainingStep) -> Iterator[None]:
    """Undo what the steps of the block change: weights, Adam's state, a dual multiplier.

    In place: a graph recorded afterwards holds on to the addresses of these tensors.
    """
    before = {name: tensor.detach().clone() for name, tensor in _state(step).items()}
    yield
    with torch.no_grad():
        for name, tensor in _state(step).items():
            if name in before:
                # A multiplier gets its shape, one a replica, in the first step: broadcast.
                tensor.copy_(before[name])
            else:
                tensor.zero_()  # Adam's state, new in the block: it starts at 0


def _state(step: TrainingStep) -> dict[str, Tensor]:
    modules = {"encoder": step.encoder, "target": step.target, "objective": step.objective}
    state = {
        f"{owner}.{name}": tensor
        for owner, module in modules.items()
        if module is not None
        for name, tensor in (*module.named_parameters(), *module.named_buffers())
    }
    for index, slots in enumerate(step.optimizer.state.values()):
        state |= {f"adam.{index}.{name}": slot for name, slot in slots.items()}
    return state
