"""The images of the report: some test images, clean and under every corruption."""

from pathlib import Path

import torch
from torch import Tensor

from causal_ssl.experiments import image_pictures
from causal_ssl.experiments.robustness import images
from causal_ssl.experiments.robustness.config import RobustnessStudy
from causal_ssl.experiments.robustness.evaluation import corrupted

CLEAN = "clean"


def keep(path: Path, config: RobustnessStudy) -> None:
    """Write an image of every corruption and severity, and the clean one before them.

    Args:
        path: of the file: "DATASET CORRUPTION", (1 + severities, h, w, 3) uint8 each.
        config: says which.
    """
    kept: dict[str, Tensor] = {}
    for dataset in config.datasets:
        _, test = images.fitted_and_scored(config, dataset)
        chosen = image_pictures.some_of_each(test.labels, len(config.corruptions))
        shown = test.batch(chosen)["image"]
        for k, name in enumerate(config.corruptions):
            image = shown[k % len(shown)][None]
            levels = [corrupted(image, name, severity) for severity in config.severities]
            kept[f"{dataset} {name}"] = torch.cat([image, *levels])
    image_pictures.keep(path, kept)
