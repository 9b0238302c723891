"""The images of the report: some test images, clean, corrupted, and under do(S = s)."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from causal_ssl._numbers import exactly
from causal_ssl.experiments.image_study import pictures as image_pictures
from causal_ssl.experiments.robustness import images
from causal_ssl.experiments.robustness.config import RobustnessStudy
from causal_ssl.experiments.robustness.evaluation import Scored, corrupted

SHOWN = 10
"""Images of an intervention."""


def keep(root: Path, config: RobustnessStudy) -> None:
    """Write an image of every corruption and severity, the clean one before them, and of styles.

    Args:
        root: the run's directory; the file has rows "DATASET CORRUPTION" (1 + severities, h, w, 3)
            and "DATASET do(VARIABLE = s)" (SHOWN, h, w, 3), all uint8.
        config: says which.
    """
    kept: dict[str, Tensor] = {}
    for dataset in config.datasets:
        material = images.material_of(root, config, dataset)
        shown = _some(material.test, len(config.corruptions))
        for k, name in enumerate(config.corruptions):
            image = shown[k % len(shown)][None]
            levels = [corrupted(image, name, severity) for severity in config.severities]
            kept[f"{dataset} {name}"] = torch.cat([image, *levels])
        for (variable, s), scored in material.styles.items():
            kept[f"{dataset} do({variable} = {exactly(s)})"] = _some(scored, SHOWN)
    image_pictures.keep(root / image_pictures.FILE, kept)


def _some(scored: Scored, count: int) -> Tensor:
    """Class by class in turn."""
    chosen: np.ndarray = image_pictures.some_of_each(scored.labels, count)
    return scored.images[torch.from_numpy(chosen)]
