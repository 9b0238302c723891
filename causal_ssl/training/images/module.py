"""One training step of an image encoder, as Lightning calls it."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.utils.data import DataLoader

from causal_ssl import methods
from causal_ssl.errors import InputError
from causal_ssl.models.ema import EMATarget, ema_decay
from causal_ssl.models.image_encoders import image_encoder
from causal_ssl.objectives.objective import Terms
from causal_ssl.randomness import generator_for
from causal_ssl.training.images.batches import step_loader
from causal_ssl.training.images.checkpoints import RUN
from causal_ssl.training.images.encoder_file import encoder_description
from causal_ssl.training.images.gather import gathered
from causal_ssl.training.images.run import ImageRun


class ImageModule(LightningModule):
    """Encoder, target network and objective, and how they take a step.

    Views pass through the encoder one after the other, so batch norm sees one view at a time. A
    target network stays in training mode: its parameters are moving averages, its batch statistics
    its own. The objective is computed on the outputs of all processes, by each of them.

    Args:
        run: what to train, how, on what.

    Attributes:
        recorded: metrics of the last step, scalars: the objective's terms, and the norm of the
            gradient with respect to all weights.
    """

    def __init__(self, run: ImageRun) -> None:
        super().__init__()
        self.run = run
        self.config = config = run.config
        method = methods.get(config.method)
        self.encoder = image_encoder(config.encoder, seed=run.seed, output=method.output)
        self.target = EMATarget(self.encoder) if method.target else None
        self.objective = config.make_objective()
        self.recorded: dict[str, Tensor] = {}

    def train_dataloader(self) -> DataLoader:
        """The batches of the steps that are left."""
        return step_loader(
            self.run.batches(self.global_rank),
            start=self.global_step,
            total=self.config.steps,
            workers=self.run.workers,
            pinned=self.run.accelerator == "cuda",
        )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam; its learning rate is set at each step."""
        return torch.optim.Adam(self.encoder.parameters(), lr=self.config.learning_rate, fused=True)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """The loss of a batch."""
        images = self.views_of(batch, self.global_step)
        groups = None if self.run.groups is None else self.run.groups(batch).to(self.device)
        terms = self.terms(images, groups)
        self.recorded = {name: term.detach() for name, term in terms.items()}
        return terms["loss"]

    def views_of(self, batch: Any, step: int) -> list[Tensor]:
        """The views of a batch: a pure function of it and (seed, step, rank)."""
        generator = generator_for(
            self.run.seed, "views", step, self.global_rank, device=self.device
        )
        images, _ = self.run.views(batch, generator)
        if len(images) < 2 or any(view.ndim != 4 for view in images):
            shapes = [tuple(view.shape) for view in images]
            raise InputError(f"views of shapes {shapes}: give two or more, each (n, 3, h, w)")
        return list(images)

    def terms(self, images: Sequence[Tensor], groups: Tensor | None = None) -> Terms:
        """The objective's terms on the outputs of all processes, each a scalar.

        Args:
            images: this process's views, each (n, 3, h, w).
            groups: of this process's samples, (n,).
        """
        online = [gathered(self.encoder(view).final.float()) for view in images]
        target = None
        if self.target is not None:
            target = [gathered(self.target(view).final.float()) for view in images]
        labels = None if groups is None else gathered(groups)
        return self.objective(online=online, target=target, groups=labels)

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Record the gradient's norm."""
        gradients = [p.grad for p in self.encoder.parameters() if p.grad is not None]
        self.recorded["gradient_norm"] = torch.nn.utils.get_total_norm(gradients)

    def optimizer_step(
        self,
        epoch: int,
        batch_idx: int,
        optimizer: Any,
        optimizer_closure: Callable[[], Any] | None = None,
    ) -> None:
        """A step at the rate of its number, after which the target follows."""
        step, config = self.global_step, self.config
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate_at(step)
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        if self.target is not None:
            decay = ema_decay(step + 1, total=config.steps, start=config.target_decay)
            self.target.update(self.encoder, decay)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say whose checkpoint it is."""
        description = encoder_description(self.encoder)
        checkpoint[RUN] = {"identity": self.run.identity, "encoder": description}
