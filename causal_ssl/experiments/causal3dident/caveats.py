"""What a reader of the report must know to read its numbers right."""

import pandas as pd

from causal_ssl.experiments.causal3dident.class_alone import r2_from_class
from causal_ssl.experiments.causal3dident.config import Causal3DIdentStudy

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
        if getattr(config, name) != value and not (config.data and name in OF_RENDERED)
    ]
    alone = r2_from_class()
    guessed = ", ".join(f"{alone[name]:.2f} ({name.replace('_', ' ')})" for name in CAUSED)
    found = [
        "The class pushes position, rotation and hue, so these can be guessed from a"
        f" representation of the class alone: in the published law with R² {guessed}. Up to there"
        " the R² of a changed latent is not yet style that was kept, and an encoder that misses the"
        " class may well be below.",
        "R² is averaged over the coordinates of position and of rotation. Rotation enters by its"
        " Euler angles, in units of which neighbouring poses can be far apart.",
        "Regressions are fitted to and scored on disjoint test images; the same images score all"
        " encoders.",
        "The standard error of an accuracy is that of a share of the scored images: it does not"
        " tell how encoders of other seeds would do.",
        f"Shapes and size of the objects are those of {config.data}, made before this study."
        if config.data
        else "The shapes of the classes are this project's own: the published meshes are not to be"
        " had.",
    ]
    if differing:
        found.insert(
            0,
            f"Other settings than the paper's: {', '.join(differing)}. Published numbers stand"
            " beside ours for orientation.",
        )
    if (table["views"] == "rendered").any() and not config.data:
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
        found.append("A single seed: differences between methods may be chance.")
    return found
