"""What a reader of the report must know to read its numbers right."""

import pandas as pd

from causal_ssl.experiments.causal3dident.config import Causal3DIdentStudy
from causal_ssl.experiments.causal3dident.summary import class_alone

PUBLISHED = {
    "n_train": 250_000,
    "size": 224,
    "object_scale": 1.5,
    "encoder": "resnet18",
    "steps": 200_000,
    "batch_size": 512,
    "learning_rate": 1e-4,
}
"""Of the paper, where quick presets differ."""

OF_RENDERED = ("n_train", "object_scale")
"""Of images that the study renders itself, and not of a folder that it is given."""

CAUSED = ("object_position", "object_rotation", "object_hue")
"""By the class."""


def caveats(config: Causal3DIdentStudy, table: pd.DataFrame) -> list[str]:
    """Sentences for the report, those that apply to this run."""
    differing = [
        f"{name.replace('_', ' ')} {getattr(config, name)} (published: {value})"
        for name, value in PUBLISHED.items()
        if getattr(config, name) != value and not (config.data_root and name in OF_RENDERED)
    ]
    alone = class_alone(table)
    guessed = ", ".join(f"{alone[name]:.2f} ({name.replace('_', ' ')})" for name in CAUSED)
    found = [
        "The class pushes position, rotation and hue, so these can be guessed from a"
        f" representation of the class alone: on the scored images with R² {guessed}. Up to there"
        " the R² of a changed latent is not yet style that was kept, and an encoder that misses the"
        " class may well be below.",
        "R² is averaged over the coordinates of position and of rotation. Rotation enters by its"
        " Euler angles, in units of which neighbouring poses can be far apart.",
        f"Regressions are fitted to {config.n_fit:,} test images and scored on"
        f" {config.n_test - config.n_fit:,} others, the same for all encoders. Shuffled pairs: the"
        " same regressions with the images fitted on shuffled against their representations, which"
        " is what chance reaches.",
        _errors(config),
        f"Shapes and size of the objects are those of {config.data_root}, made before this study."
        if config.data_root
        else "The shapes of the classes are this project's own: the published meshes are not to be"
        " had.",
    ]
    if differing:
        found.insert(
            0,
            f"Other settings than the paper's: {', '.join(differing)}. Published numbers stand"
            " beside ours for orientation.",
        )
    if (table["views"] == "rendered").any() and not config.data_root:
        found.append(
            "The view of a latent transformation is drawn from as many counterfactuals of the image"
            f" as were rendered ({config.counterfactuals}), the same in every pass; the paper draws"
            " anew."
        )
    if (table["views"] == "nearest").any():
        found.append(
            "Where views are nearest images, what should be held is held approximately; exact"
            " counterfactuals need rendered ones."
        )
    if config.seeds == 1:
        found.append(
            "A single seed: how encoders of other seeds would do is not known, and differences"
            " between methods may be chance."
        )
    return found


def _errors(config: Causal3DIdentStudy) -> str:
    """What the standard errors of gains are made of."""
    seeds = {"trained": config.seeds, "untrained": config.untrained_seeds}
    several = " and ".join(f"{count} {name} encoders" for name, count in seeds.items() if count > 1)
    spread = f" and the spread over the weights of {several}" if several else ""
    return f"The standard error of a gain holds the sampling of the scored images{spread}."
