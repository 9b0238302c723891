"""The views of a setting, as trainers take them: images in, two views of each out."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from causal_ssl.datasets.causal3dident.dataset import Causal3DIdent
from causal_ssl.datasets.causal3dident.latent_views import LatentViews
from causal_ssl.experiments.causal3dident.settings import Setting
from causal_ssl.views.augmentations import Stack, stacks

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class AugmentedViews:
    """DA: two augmentations of each image, drawn from the trainer's generator.

    Attributes:
        stack: draws and applies them.
    """

    stack: Stack

    def __call__(self, batch: Batch, generator: torch.Generator) -> tuple[list[Tensor], Any]:
        views, record = self.stack(batch["image"], generator=generator)
        return list(views), record


@dataclass(frozen=True)
class TransformedViews:
    """LT: the image and its view under the change, which the data set has put in the batch."""

    change: str

    def __call__(self, batch: Batch, generator: torch.Generator) -> tuple[list[Tensor], Any]:
        record = {name: batch[name] for name in ("latents", "view_latents")}
        return [batch["image"], batch["view"]], record


def pairs_of(
    setting: Setting, images: Causal3DIdent
) -> tuple[Causal3DIdent | LatentViews, AugmentedViews | TransformedViews]:
    """What a trainer reads, and how it makes views of it.

    Raises:
        InputError: see `LatentViews`.
    """
    if setting.change:
        return LatentViews(images, setting.change), TransformedViews(setting.change)
    return images, AugmentedViews(stacks.get(setting.augmentation))


def source_of(pairs: Causal3DIdent | LatentViews) -> str:
    """Where second views come from: "augmentation", or a source of `LatentViews`."""
    return pairs.source if isinstance(pairs, LatentViews) else "augmentation"
