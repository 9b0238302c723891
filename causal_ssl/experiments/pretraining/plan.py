"""What a pretraining run comes to: the method's recipe with what was asked in place of parts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import torch
from torch import Tensor

from causal_ssl import methods
from causal_ssl.errors import InputError
from causal_ssl.experiments import options
from causal_ssl.experiments.catalogue import preset
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.methods import ImageRecipe, Method, Optimiser
from causal_ssl.models.image_encoders import EncoderConfig
from causal_ssl.training.device import device_of
from causal_ssl.training.images import ImageTraining
from causal_ssl.training.images.launch import launch_of
from causal_ssl.training.images.run import Labels
from causal_ssl.views.augmentations import CAUSAL3DIDENT, IMAGENET, Normalise, Stack, stacks

FASHION_MNIST = Normalise(mean=(0.2860,) * 3, std=(0.3530,) * 3)
"""Of the 60,000 training images, grey as three equal channels."""
MOMENTS = {"imagenet": IMAGENET, "causal3dident": CAUSAL3DIDENT, "fashion_mnist": FASHION_MNIST}


@dataclass(frozen=True)
class Views:
    """Views of a batch by a stack of augmentations, drawn from the trainer's generator."""

    stack: Stack

    def __call__(
        self, batch: dict[str, Tensor], generator: torch.Generator
    ) -> tuple[list[Tensor], Any]:
        views, record = self.stack(batch["image"], generator=generator, aspect=batch.get("aspect"))
        return list(views), record


def labels_of(batch: dict[str, Tensor]) -> Tensor:
    """The classes of a batch."""
    return batch["label"]


@dataclass(frozen=True)
class Plan:
    """A pretraining run, resolved.

    Attributes:
        method: of the registry.
        recipe: its own, with what was asked in place of parts.
        training: what the trainer is given.
        views: how it makes them.
        epochs: passes over the images.
        n_images, n_classes: of the data.
    """

    method: Method
    recipe: ImageRecipe
    training: ImageTraining
    views: Views
    epochs: float
    n_images: int
    n_classes: int

    @property
    def groups(self) -> Labels | None:
        """The classes, if training looks at them."""
        return labels_of if self.training.make_objective().takes_groups else None


def make_plan(name: str, asked: Pretraining, *, n_images: int, n_classes: int) -> Plan:
    """The run that a method and options come to on so many images.

    Args:
        name: of the method.
        asked: the options.
        n_images, n_classes: of the training images.

    Raises:
        InputError: no such method or none with a recipe for images, values that do not fit each
            other, or fewer images than a batch.
    """
    method, recipe = resolved(name, asked)
    batch_size = recipe.batch_size
    if batch_size > n_images:
        raise InputError(
            f"{n_images:,} images for a batch of {batch_size:,}: give --batch-size, at most "
            f"{n_images} (or, to a dry run, --dry-run-images)"
        )
    _check_shares(batch_size, asked)
    per_epoch = n_images // batch_size
    steps = asked.steps or ceil(recipe.epochs * per_epoch)
    warmup = recipe.warmup_epochs * per_epoch / steps
    if warmup > 1:
        raise InputError(
            f"--warmup-epochs {recipe.warmup_epochs:g} are more than the {steps / per_epoch:.3g} "
            f"epochs, {steps:,} steps, in all: give fewer, such as 0, or more --epochs or --steps"
        )
    training = ImageTraining(
        steps=steps,
        batch_size=batch_size,
        method=name,
        objective={**method.defaults, **recipe.objective},
        encoder=_encoder(recipe, asked, n_classes),
        predictor=recipe.predictor,
        optimiser=recipe.scaled_optimiser,
        schedule="warmup_cosine",
        warmup=warmup,
        target_decay=recipe.target_decay,
        target_schedule=recipe.target_schedule,
        accumulate=asked.accumulate,
        queue=recipe.queue,
        precision=asked.precision,  # type: ignore[arg-type]
        compile=asked.compile,
        log_every=asked.log_every,
        checkpoint_every=asked.checkpoint_every,
        evaluate_every=asked.monitor_every,
    )
    views = Views(stacks.get(recipe.views).at_size(asked.size))
    return Plan(method, recipe, training, views, steps / per_epoch, n_images, n_classes)


def _check_shares(batch_size: int, asked: Pretraining) -> None:
    ranks = ranks_of(asked)
    share, left = divmod(batch_size, ranks * asked.accumulate)
    if left or share < 2:
        raise InputError(
            f"batch_size = {batch_size} in {asked.accumulate} micro-batches on {ranks} "
            f"device{'s' * (ranks > 1)}: give a multiple of {ranks * asked.accumulate} with at "
            "least 2 images for each"
        )


def asked_for(name: str, preset_name: str, **values: Any) -> Pretraining:
    """The options of a preset, where the method has a use for them, with others over them.

    Args:
        name: of the method.
        preset_name: of the preset.
        **values: options; they are kept, and refused later if the method has no use for them.

    Raises:
        InputError: an unknown method, preset or option, or a value out of range.

    Examples:
        >>> asked_for("relic", "fashion-small").predictor is None
        True
        >>> asked_for("byol", "fashion-small", seed=1).predictor
        '256-128'
    """
    method = methods.get(name)
    useless = {option for option, used, _ in _uses(method, method.image_recipe()) if not used}
    values_of_preset = preset("pretraining", preset_name)
    flat = {key: value for key, value in values_of_preset.items() if key not in useless}
    return options.from_dict(Pretraining, over(flat, values))


def over(values: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Options with others over them; steps and epochs replace each other.

    Examples:
        >>> over({"epochs": 8, "size": 28}, {"steps": 100})
        {'size': 28, 'steps': 100}
    """
    replaced = {"steps": "epochs", "epochs": "steps"}
    gone = {replaced.get(key) for key, value in others.items() if value is not None}
    return {key: value for key, value in values.items() if key not in gone} | dict(others)


def _uses(method: Method, recipe: ImageRecipe) -> list[tuple[str, bool, str]]:
    """Options that not every method has a use for: name, whether this one has, and why not."""
    options_of_objective = [
        (name, name in method.options, f"its objective has {', '.join(method.options)}")
        for name in ("similarity", "tau", "alpha", "positives")
    ]
    return [
        ("critic", recipe.n_outputs is not None, "its outputs are the classes"),
        ("predictor", recipe.predictor is not None, "it predicts no outputs of its target"),
        ("queue", recipe.queue > 0, "it keeps no past outputs"),
        ("target_decay", method.target, "it has no target network"),
        *options_of_objective,
    ]


def resolved(name: str, asked: Pretraining) -> tuple[Method, ImageRecipe]:
    """A method, and its recipe with what was asked in place of parts.

    Raises:
        InputError: no such method or none with a recipe for images, or what was asked is of no use
            to it or does not fit.
    """
    method = methods.get(name)
    recipe = method.image_recipe()
    for option, used, why_not in _uses(method, recipe):
        value = getattr(asked, option)
        if value is not None and not used:
            raise InputError(f"{option} = {value}, but {name} has no use for it: {why_not}")
    objective = {
        option: value
        for option in ("similarity", "tau", "alpha", "positives")
        if (value := getattr(asked, option)) is not None
    }
    recipe = replace(_recipe(recipe, asked), objective={**recipe.objective, **objective})
    objective_of_run = method.objective(**recipe.objective)
    n_views, most = stacks.get(recipe.views).n_views, objective_of_run.max_views
    if n_views < objective_of_run.min_views or (most is not None and n_views > most):
        wanted = f"{objective_of_run.min_views} or more" if most is None else str(most)
        raise InputError(f"views {recipe.views!r} are {n_views}: {name} takes {wanted}")
    return method, recipe


def on_cuda(asked: Pretraining) -> bool:
    """Whether training is on GPUs."""
    return device_of(asked.device) == "cuda"


def devices_of(asked: Pretraining) -> int:
    """Processes on each machine: as asked, else those that a launcher has started, else a GPU's."""
    if asked.devices:
        return asked.devices
    if (launch := launch_of(1, asked.nodes)).by is not None:
        return launch.devices
    return max(1, torch.cuda.device_count()) if on_cuda(asked) else 1


def ranks_of(asked: Pretraining) -> int:
    """Processes on all machines together, of which a launcher knows, too."""
    return launch_of(devices_of(asked), asked.nodes).ranks


def images_per_device(plan: Plan, asked: Pretraining) -> int:
    """Of one micro-batch."""
    return plan.training.batch_size // (asked.accumulate * ranks_of(asked))


def _recipe(recipe: ImageRecipe, asked: Pretraining) -> ImageRecipe:
    """The recipe with what was asked of heads, optimiser and numbers."""
    changes: dict[str, Any] = {}
    if asked.critic is not None:
        *hidden, n_outputs = _widths_in("critic", asked.critic)
        changes["critic"] = replace(recipe.critic, hidden=tuple(hidden))
        changes["n_outputs"] = n_outputs
    if asked.predictor is not None and recipe.predictor is not None:
        *hidden, last = _widths_in("predictor", asked.predictor)
        wanted = changes.get("n_outputs", recipe.n_outputs)
        if last != wanted:
            raise InputError(
                f"predictor {asked.predictor} ends with {last}, the critic with {wanted}: "
                "what is predicted are the critic's outputs"
            )
        changes["predictor"] = replace(recipe.predictor, hidden=tuple(hidden))
    if asked.learning_rate is not None:
        changes["rate_rule"] = "fixed"
    for name in ("views", "batch_size", "epochs", "warmup_epochs", "target_decay", "queue"):
        if (value := getattr(asked, name)) is not None:
            changes[name] = value
    return replace(recipe, optimiser=_optimiser(recipe.optimiser, asked), **changes)


def _optimiser(own: Optimiser, asked: Pretraining) -> Optimiser:
    changes: dict[str, Any] = {}
    if asked.optimiser is not None and asked.optimiser != own.name:
        if asked.learning_rate is None:
            raise InputError(
                f"optimiser {asked.optimiser} in place of {own.name}: its learning rate is "
                "another one, give --learning-rate"
            )
        changes = {"name": asked.optimiser, "decay_all": False, "plain_factor": 1.0}
    for name in ("learning_rate", "weight_decay"):
        if (value := getattr(asked, name)) is not None:
            changes[name] = value
    return replace(own, **changes)


def _encoder(recipe: ImageRecipe, asked: Pretraining, n_classes: int) -> EncoderConfig:
    moments = MOMENTS[asked.moments]
    return EncoderConfig(
        asked.encoder,
        stem=asked.stem,  # type: ignore[arg-type]
        head=recipe.critic,
        n_outputs=n_classes if recipe.n_outputs is None else recipe.n_outputs,
        mean=moments.mean,
        std=moments.std,
    )


def _widths_in(name: str, text: str) -> list[int]:
    parts = text.split("-")
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"{name} {text!r}: give the widths of its layers, such as 2048-128")
    return [int(part) for part in parts]
