"""A training step recorded once as a CUDA graph and replayed: no launch overhead per kernel."""

import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.training.step import TrainingStep

_WARM_UP_STEPS = 3


class GraphedStep:
    """A `TrainingStep` (built with `capturable=True`) whose calls replay a recorded graph.

    The recording needs a few real steps first; their effect on weights and Adam's state is undone,
    so the run is the same as without a graph up to the order of floating-point sums.

    Args:
        step: the step to record, in the state to start from.
        x: an input of the shape of all that follow.

    Raises:
        InputError: not on CUDA, or an objective with state of its own (a dual multiplier is
            replaced at each step, which a recording can not follow).
    """

    def __init__(self, step: TrainingStep, x: Tensor) -> None:
        if step.device.type != "cuda":
            raise InputError(f"a CUDA graph on {step.device.type}: switch cuda_graph off")
        if any(True for _ in step.objective.buffers()):
            raise InputError(
                "cuda_graph with an objective that has state (a constraint's multiplier): "
                "switch cuda_graph off"
            )
        self._step = step
        self._x = x.clone()
        self._decay = torch.ones((), device=step.device)
        self._record()

    def __call__(self, x: Tensor, *, learning_rate: float, decay: float = 1.0) -> Tensor:
        """As `TrainingStep.__call__`."""
        self._x.copy_(x)
        self._decay.fill_(decay)
        self._rate.fill_(learning_rate)
        self._graph.replay()
        return self._terms.clone()

    @property
    def _rate(self) -> Tensor:
        return self._step.optimizer.param_groups[0]["lr"]

    def _record(self) -> None:
        before = self._snapshot()
        stream = torch.cuda.Stream(self._step.device)
        stream.wait_stream(torch.cuda.current_stream(self._step.device))
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_STEPS):
                self._step.run(self._x, self._decay)
        torch.cuda.current_stream(self._step.device).wait_stream(stream)
        self._restore(before)
        self._graph = torch.cuda.CUDAGraph()
        self._step.optimizer.zero_grad(set_to_none=True)
        with torch.cuda.graph(self._graph):
            self._terms = self._step.run(self._x, self._decay)

    def _snapshot(self) -> dict[int, Tensor]:
        return {id(tensor): tensor.detach().clone() for tensor in self._state()}

    @torch.no_grad()
    def _restore(self, before: dict[int, Tensor]) -> None:
        # In place: the graph holds on to the addresses. Adam's state starts at 0 where it is new.
        for tensor in self._state():
            if id(tensor) in before:
                tensor.copy_(before[id(tensor)])
            else:
                tensor.zero_()

    def _state(self) -> list[Tensor]:
        networks = [self._step.encoder, *([self._step.target] if self._step.target else [])]
        parameters = [parameter for net in networks for parameter in net.parameters()]
        slots = [slot for state in self._step.optimizer.state.values() for slot in state.values()]
        return parameters + slots
