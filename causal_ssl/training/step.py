"""One optimiser step on the views of R replicas: networks, objective and Adam, with their state."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from causal_ssl.errors import InputError, one_of
from causal_ssl.models.ema import EMATarget
from causal_ssl.models.mlp import ReplicatedMLP
from causal_ssl.objectives import Objective

Precision = Literal["float32", "tf32", "bf16"]


class TrainingStep:
    """Trains an encoder, and its moving-average target if there is one, step by step.

    All views of a step go through the encoder in one pass. The objective's terms are summed over
    replicas before the backward pass, so each replica gets the gradient that it would get alone,
    and Adam (fused, no weight decay), which acts on each weight alone, keeps them apart.

    Args:
        encoder: R replicas.
        objective: called with the views' outputs; copied, the caller's stays as it is.
        batch_size: samples B per replica; the step's input is (R, 2 B, d), or (R, 3 B, d) with
            separate negatives.
        target: whether the second network is a moving average of the encoder.
        precision: "float32"; "bf16" runs the encoder's products in bfloat16 by autocast; "tf32" is
            a setting of the process, see `matmul_precision`.
        capturable: keep learning rate and Adam's step count on the device, for CUDA graphs.
    """

    def __init__(
        self,
        encoder: ReplicatedMLP,
        objective: Objective,
        *,
        batch_size: int,
        target: bool = False,
        precision: Precision = "float32",
        capturable: bool = False,
    ) -> None:
        self.encoder = encoder
        self.device = next(encoder.parameters()).device
        self.objective = copy.deepcopy(objective).to(self.device).train()
        self.target = EMATarget(encoder) if target else None
        self.batch_size = batch_size
        self.precision = precision
        rate = torch.zeros((), device=self.device) if capturable else 0.0
        self.optimizer = torch.optim.Adam(
            encoder.parameters(), lr=rate, fused=True, capturable=capturable
        )
        self.terms: list[str] = []

    def __call__(
        self,
        x: Tensor,
        *,
        learning_rate: float,
        decay: float = 1.0,
        groups: Tensor | None = None,
    ) -> Tensor:
        """One step on the views x (R, V B, d), V as above.

        Args:
            x: the views.
            learning_rate: Adam's.
            decay: of the moving average.
            groups: (R, B), labels of the samples, iff the objective takes groups.

        Returns:
            The objective's terms before the step, (terms, R), detached; their names are in `terms`.
        """
        self.optimizer.param_groups[0]["lr"] = learning_rate
        return self.run(x, decay, groups)

    def run(self, x: Tensor, decay: float | Tensor, groups: Tensor | None = None) -> Tensor:
        """As a call, at the learning rate that the optimiser has."""
        terms = self.forward(x, groups)
        self.optimizer.zero_grad(set_to_none=True)
        terms["loss"].sum().backward()
        self.optimizer.step()
        if self.target is not None:
            self.target.update(self.encoder, decay)
        self.terms = list(terms)
        return torch.stack([term.detach() for term in terms.values()])

    def forward(self, x: Tensor, groups: Tensor | None = None) -> dict[str, Tensor]:
        """The objective's terms, each (R,), with gradient to the encoder."""
        autocast = torch.autocast(self.device.type, torch.bfloat16)
        with autocast if self.precision == "bf16" else nullcontext():
            online = self.encoder(x).float().split(self.batch_size, dim=1)
            target = None
            if self.target is not None:
                target = self.target(x).float().split(self.batch_size, dim=1)
        negatives = (target or online)[2:]
        return self.objective(
            online=list(online[:2]),
            target=None if target is None else list(target[:2]),
            negatives=negatives[0] if negatives else None,
            groups=groups,
        )

    def state_dict(self) -> dict[str, Any]:
        """Encoder, target, objective (its dual multiplier) and optimiser."""
        return {
            "encoder": self.encoder.state_dict(),
            "target": None if self.target is None else self.target.state_dict(),
            "objective": self.objective.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict`."""
        self.encoder.load_state_dict(state["encoder"])
        if self.target is not None:
            self.target.load_state_dict(state["target"])
        self.objective.load_state_dict(state["objective"])
        self.optimizer.load_state_dict(state["optimizer"])
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"] = group["lr"].to(self.device)


@contextmanager
def matmul_precision(precision: Precision, device: torch.device) -> Iterator[None]:
    """Float32 matrix products as `precision` says inside the block, as before after it.

    Raises:
        InputError: unknown precision, or "tf32" on a device that has none.
    """
    one_of("precision", precision, get_args(Precision))
    if precision == "tf32" and device.type != "cuda":
        raise InputError(f"precision 'tf32' on {device.type}: it exists on CUDA, use 'float32'")
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
