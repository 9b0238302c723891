"""One training step of an image encoder, as Lightning calls it."""

import copy
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.utils.data import DataLoader

from causal_ssl import methods
from causal_ssl.errors import InputError
from causal_ssl.models.ema import EMATarget
from causal_ssl.models.image_encoders import image_encoder
from causal_ssl.models.weights.runs import encoder_description
from causal_ssl.objectives.objective import Terms, widened
from causal_ssl.randomness import generator_for, global_randomness_from
from causal_ssl.training.images.batches import StepBatches, step_loader
from causal_ssl.training.images.checkpoints import RUN
from causal_ssl.training.images.gather import gathered
from causal_ssl.training.images.gradients import GradientWatch
from causal_ssl.training.images.queue import OutputQueue
from causal_ssl.training.images.run import ImageRun
from causal_ssl.training.optimisers import FACTOR, make_optimiser


class ImageModule(LightningModule):
    """Encoder, predictor, target network, queue and objective, and how they take a step.

    Views pass through the encoder one after the other, so batch norm sees one view at a time, and
    with a target network those alone that the objective looks at: MoCo's anchors pass through the
    encoder, their other views through the target. A
    target network stays in training mode: its parameters are moving averages, its batch statistics
    its own. The predictor follows the encoder, not the target. The objective is computed on the
    outputs of all processes, by each of them. A queue takes, after the step, what the objective
    compared the last view by: the target's outputs, or without a target the online ones.

    Args:
        run: what to train, how, on what.

    Attributes:
        recorded: metrics of the last step, scalars: the objective's terms, as means over
            micro-batches, and the norm of the gradient with respect to all weights.
        watch: on the gradients.
    """

    def __init__(self, run: ImageRun) -> None:
        super().__init__()
        self.run = run
        self.config = config = run.config
        method = methods.get(config.method)
        self.encoder = image_encoder(config.encoder, seed=run.seed, output=method.output)
        if run.start is not None:
            run.start.copy_to(self.encoder)
        self.predictor = self._make_predictor()
        self.target = EMATarget(self.encoder) if method.target else None
        self.queue = self._make_queue()
        # A copy: a similarity with weights of its own may come from the config.
        self.objective = copy.deepcopy(config.make_objective())
        self.recorded: dict[str, Tensor] = {}
        self.watch = GradientWatch()
        self._outputs: list[Tensor] = []
        self._groups: list[Tensor] = []
        if config.compile:
            self._compile()

    def _make_predictor(self) -> nn.Module | None:
        if self.config.predictor is None:
            return None
        d = self.config.encoder.n_outputs
        with global_randomness_from(generator_for(self.run.seed, "predictor")):
            return self.config.predictor.make(d, d)

    def _make_queue(self) -> OutputQueue | None:
        if not self.config.queue:
            return None
        generator = generator_for(self.run.seed, "queue")
        return OutputQueue(self.config.queue, self.config.encoder.n_outputs, generator=generator)

    def _compile(self) -> None:
        # In place: what calls of the modules run, not the modules, whose weights keep their names.
        self.encoder.compile()
        if self.target is not None:
            self.target.network.compile()

    @cached_property
    def trained(self) -> dict[str, nn.Parameter]:
        """Everything with a gradient, by name; an objective may have parameters too."""
        return {name: p for name, p in self.named_parameters() if p.requires_grad}

    @cached_property
    def batches(self) -> StepBatches:
        """What this process sees."""
        return self.run.batches(self.global_rank)

    def train_dataloader(self) -> DataLoader:
        """The batches of the steps that are left."""
        return step_loader(
            self.batches,
            start=self.global_step,
            total=self.config.steps,
            workers=self.run.workers,
            pinned=self.run.accelerator == "cuda",
        )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The config's; its learning rate is set at each step."""
        optimiser, start = self.config.optimiser, self.run.start
        factors = {} if start is None else start.factors(optimiser.learning_rate)
        return make_optimiser(optimiser, self.trained.items(), factors=factors)

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """Move a batch, but the images' proportions, from which crops are drawn on the CPU."""
        moved = super().transfer_batch_to_device(batch, device, dataloader_idx)
        if isinstance(batch, dict) and "aspect" in batch:
            moved["aspect"] = batch["aspect"]
        return moved

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """The loss of a batch, or of a micro-batch."""
        images = self.views_of(batch, batch_idx)
        terms = self.terms(images, self._labels(batch))
        self._record(terms, first=batch_idx % self.config.accumulate == 0)
        return terms["loss"]

    def _labels(self, batch: Any) -> Tensor | None:
        if self.run.groups is None:
            return None
        labels = self.run.groups(batch).to(self.device)
        # One kind of integer, as in the queue; what is none is the objective's to refuse.
        return labels if labels.is_floating_point() else labels.long()

    def _record(self, terms: Terms, *, first: bool) -> None:
        shares = {name: term.detach() / self.config.accumulate for name, term in terms.items()}
        before = {} if first else self.recorded
        self.recorded = {name: before.get(name, 0) + share for name, share in shares.items()}

    def views_of(self, batch: Any, item: int) -> list[Tensor]:
        """The views of a batch: a pure function of it and (seed, step, micro-batch, rank).

        Args:
            batch: what the data set gave.
            item: which of `StepBatches` it is.

        Raises:
            InputError: not as many views as the objective takes, or no images.
        """
        place = self.batches.place(item)
        generator = generator_for(self.run.seed, "views", *place)
        with torch.autocast(self.device.type, enabled=False):  # of networks, not of pixels
            images, _ = self.run.views(batch, generator)
        wanted = self.objective.min_views
        if len(images) < wanted or any(view.ndim != 4 for view in images):
            shapes = [tuple(view.shape) for view in images]
            raise InputError(f"views of shapes {shapes}: give {wanted} or more, each (n, 3, h, w)")
        return list(images)

    def terms(self, images: Sequence[Tensor], groups: Tensor | None = None) -> Terms:
        """The objective's terms on the outputs of all processes, each a scalar.

        Args:
            images: this process's views, each (n, 3, h, w).
            groups: of this process's samples, (n,).
        """
        online, target = self._compared(images)
        labels = None if groups is None else gathered(groups)
        past = self._past(labels)
        if self.queue is not None:
            last = (target or online)[-1]
            assert last is not None  # every objective looks at the last candidates
            self._outputs.append(last.detach())
            self._groups += [] if labels is None else [labels]
        return self.objective(online=online, target=target, groups=labels, **past)

    def _compared(
        self, images: Sequence[Tensor]
    ) -> tuple[list[Tensor | None], list[Tensor | None] | None]:
        """What both networks make of the views, of all processes; None where none is needed."""
        if self.target is None:
            return [_of_all(self._online(view)) for view in images], None
        anchors, candidates = self.objective.views_used(len(images))
        network, numbered = self.target, list(enumerate(images))
        online = [_of_all(self._online(view)) if k in anchors else None for k, view in numbered]
        target = [_of_all(network(view).final) if k in candidates else None for k, view in numbered]
        return online, target

    def _online(self, view: Tensor) -> Tensor:
        final = self.encoder(view).final
        return final if self.predictor is None else self.predictor(final)

    def _past(self, labels: Tensor | None) -> dict[str, Tensor]:
        if self.queue is None:
            return {}
        past = {"negatives": self.queue.outputs}
        return past if labels is None else past | {"negative_groups": self.queue.groups}

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Record the gradient's norm."""
        self.recorded["gradient_norm"] = self.watch.norm(self.trained)

    def optimizer_step(
        self,
        epoch: int,
        batch_idx: int,
        optimizer: Any,
        optimizer_closure: Callable[[], Any] | None = None,
    ) -> None:
        """A step at the rate of its number, after which target and queue follow."""
        step, config = self.global_step, self.config
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate_at(step) * group.get(FACTOR, 1.0)
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        if self.target is not None:
            self.target.update(self.encoder, config.target_decay_at(step + 1))
        if self.queue is not None:
            self._put(self.queue)

    def _put(self, queue: OutputQueue) -> None:
        queue.put(torch.cat(self._outputs), torch.cat(self._groups) if self._groups else None)
        self._outputs, self._groups = [], []

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Say whose checkpoint it is."""
        description = encoder_description(self.encoder)
        checkpoint[RUN] = {"identity": self.run.identity, "encoder": description}


def _of_all(outputs: Tensor) -> Tensor:
    """Those of all processes, in float32 at least."""
    return gathered(widened(outputs))
