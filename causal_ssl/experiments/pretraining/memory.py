"""What a device must hold to train: weights and their companions, and activations."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from causal_ssl.datasets.images import Images
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.plan import Plan, images_per_device
from causal_ssl.models.image_encoders import ImageEncoder, image_encoder

OPTIMISER_COPIES = {"adam": 2, "sgd": 1, "nesterov": 1, "lars": 1}
"""Numbers that an optimiser keeps for each weight."""
FLOAT = 4


@dataclass(frozen=True)
class Memory:
    """What a device must hold, in bytes.

    Attributes:
        weights: with gradients, the optimiser's numbers and the target network.
        activations: kept for the backward pass of one micro-batch, with the weights' copies in
            half precision, if there are any.
    """

    weights: int
    activations: int


def needed(plan: Plan, asked: Pretraining, images: Images) -> Memory:
    """Weights and their companions exactly; activations as autograd keeps them, counted on a few.

    Views pass one after another and all their activations are kept, those of the target network are
    not, nor are there any of views that only the target network sees.
    """
    training = plan.training
    encoder = image_encoder(training.encoder, seed=0)
    modules: list[nn.Module] = [encoder]
    if training.predictor is not None:
        n = training.encoder.n_outputs
        modules.append(training.predictor.make(n, n))
    own = sum(numbers(module) for module in modules)
    copies = 2 + OPTIMISER_COPIES[training.optimiser.name]
    target = numbers(encoder) if plan.method.target else 0
    generator = torch.Generator().manual_seed(0)
    batch = images.batch(torch.arange(min(len(images), 2)).numpy(), generator)
    views, _ = plan.views(batch, generator)
    anchors, _ = training.make_objective().views_used(len(views))
    seen = [view for k, view in enumerate(views) if target == 0 or k in anchors]
    bf16 = asked.precision == "bf16"
    # What does not grow with the batch is there once: a step makes one copy of each weight.
    fixed, each = zip(*(_activations(encoder, view, bf16=bf16) for view in seen), strict=True)
    activations = max(fixed) + sum(each) * images_per_device(plan, asked)
    return Memory(FLOAT * (own * copies + target), activations)


def numbers(module: nn.Module) -> int:
    """How many a module learns."""
    return sum(p.numel() for p in module.parameters())


def _activations(encoder: ImageEncoder, images: Tensor, *, bf16: bool) -> tuple[int, int]:
    """Bytes that autograd keeps of a forward pass, weights aside: whatever n is, and per image."""
    few, more = 2, 3
    rows = torch.arange(more) % len(images)
    kept = {n: _kept(encoder, images[rows[:n]], bf16=bf16) for n in (few, more)}
    each = kept[more] - kept[few]
    return max(0, kept[few] - few * each), each


def _kept(encoder: ImageEncoder, images: Tensor, *, bf16: bool) -> int:
    weights = {p.data_ptr() for p in encoder.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", torch.bfloat16, enabled=bf16),
    ):
        out = encoder(images).final
    del out
    return sum(kept.values())
