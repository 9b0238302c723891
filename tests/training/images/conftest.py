"""Small images, their views, and a config whose encoder takes milliseconds a step."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from causal_ssl.methods import Optimiser
from causal_ssl.models.image_encoders import EncoderConfig
from causal_ssl.training.images import (
    ImageProgress,
    ImageRun,
    ImageTraining,
    TrainedImages,
    train_images,
)

CONFIG = ImageTraining(
    steps=24,
    batch_size=8,
    objective={"similarity": "cosine"},
    encoder=EncoderConfig("conv4", n_outputs=4),
    optimiser=Optimiser("adam", 1e-3),
    log_every=4,
    checkpoint_every=6,
)


def noisy(batch: Tensor, generator: torch.Generator) -> tuple[list[Tensor], None]:
    """Two views of (n, 3, h, w) uint8 images: another brightness and noise in each."""
    views = []
    for _ in range(2):
        brightness = 0.5 + torch.rand(len(batch), 1, 1, 1, generator=generator)
        noise = 0.1 * torch.randn(batch.shape, generator=generator)
        views.append((batch / 255 * brightness + noise).clamp(0, 1))
    return views, None


def patches(n: int, seed: int = 0) -> Tensor:
    """Images (n, 3, 16, 16) uint8 of 4 x 4 patches, each of a random colour."""
    generator = torch.Generator().manual_seed(seed)
    colours = torch.randint(0, 256, (n, 3, 4, 4), dtype=torch.uint8, generator=generator)
    return colours.repeat_interleave(4, 2).repeat_interleave(4, 3)


def ignore(progress: ImageProgress) -> None:
    """Show nothing."""


@pytest.fixture(scope="session")
def draw_patches() -> Callable[..., Tensor]:
    return patches


@pytest.fixture(scope="session")
def images() -> Tensor:
    return patches(30)


@pytest.fixture(scope="session")
def views() -> Callable:
    return noisy


@pytest.fixture(scope="session")
def config() -> ImageTraining:
    return CONFIG


@pytest.fixture
def run(images: Tensor, tmp_path: Path) -> Callable[..., TrainedImages]:
    """Trains with CONFIG; keyword arguments are of `ImageRun`, or change the config."""

    def train(out: str = "run", config: ImageTraining = CONFIG, **changes) -> TrainedImages:
        known = {name: changes.pop(name) for name in list(changes) if hasattr(config, name)}
        on_progress = changes.pop("on_progress", ignore)
        defaults = {"dataset": images, "views": noisy, "seed": 3, "device": "cpu", "loggers": ()}
        asked = ImageRun(replace(config, **known), out=tmp_path / out, **defaults | changes)
        return train_images(asked, on_progress=on_progress)

    return train
