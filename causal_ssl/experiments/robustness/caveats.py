"""What a reader of the report must know to read its numbers right."""

import pandas as pd

from causal_ssl.experiments.robustness.config import (
    BASELINE,
    CAUSAL3DIDENT,
    ENOUGH,
    FASHION_MNIST,
    SWEPT,
    RobustnessStudy,
)
from causal_ssl.experiments.robustness.evaluation import SETTINGS


def caveats(config: RobustnessStudy, table: pd.DataFrame, history: pd.DataFrame) -> list[str]:
    """Sentences for the report, those that apply to this run."""
    steps = int(history["step"].max())
    rates = [f"{rate:g}" for rate in SETTINGS.learning_rates]
    found = [
        f"Networks are small and trained for {steps:,} steps at most; none has converged. What"
        " holds of ResNet-50 after a thousand epochs of ImageNet need not hold here, nor the other"
        " way round.",
        "Trunk, views, optimiser, learning rate and number of steps are the same for all, and"
        " trunks of one seed begin with the same weights and see the same batches. Heads are of"
        " the methods: ReLIC's is the same at every alpha, the supervised one is linear. The"
        " learning rate of Fashion-MNIST is that of the study methods, chosen from two for ReLIC"
        " with its penalty, seed 0, by test images, which favours it by little; nothing else was"
        " chosen.",
        "Accuracies are of linear classifiers on the frozen trunk, standardised by clean training"
        f" images; the rate is chosen from {', '.join(rates)} on a tenth of these held out. The"
        " supervised network too is read by such a classifier; the paper's is read by its own"
        " head.",
        f"mCE by {BASELINE}: the errors summed over severities, divided by those of the"
        f" {BASELINE} encoder of the same seed, averaged over corruptions; 100 is as robust. It"
        " rewards clean accuracy too. The rise above the clean error, and mrCE, which divides"
        " rises, do not, and favour encoders that have little to lose.",
        "Published numbers are of ImageNet-C's 15 corruptions. The paper divides by AlexNet: its CE"
        f" are turned here into errors and divided by its {BASELINE} ones, some of which it prints"
        " as whole per cents; as printed they stand in parentheses. They are for orientation.",
        "Lengths of corruptions are scaled to the images' size, amplitudes are not: published for"
        " 224 pixels, they are no CIFAR-10-C. Validation corruptions, where any are asked for,"
        " enter no mean.",
    ]
    if FASHION_MNIST in config.datasets:
        found.append(
            "Fashion-MNIST is grey, so its corruptions are too: every channel is the first one. An"
            " encoder that has never seen channels differ would make of colours what its initial"
            " weights do."
        )
    if CAUSAL3DIDENT in config.datasets:
        found.append(
            "Under do(S = s) all coordinates of a scene variable are s in every image, and what it"
            " causes follows; the class is drawn as before. Position, rotation and hue of the"
            " object then no longer tell the class; the lights and the background take values that"
            " they also take in training."
        )
    if CAUSAL3DIDENT in config.datasets and config.causal3dident.data_root:
        found.append(
            "Images to train on were given, those under do(S = s) were rendered here, with objects"
            f" of size {config.causal3dident.object_scale:g}: where the given ones were rendered"
            " otherwise, errors under do(S = s) are of that difference too."
        )
    if SWEPT in config.methods:
        found.append(
            "Intervals of differences are Student's, over seeds, and hold together for a metric at"
            " 95 % (Bonferroni). The scored images are the same for all and taken as given."
        )
    if config.seeds < ENOUGH:
        found.append(
            "Of so few seeds an interval is too wide to say anything but of very large effects, or"
            " there is none."
        )
    edges = (min(SETTINGS.learning_rates), max(SETTINGS.learning_rates))
    chosen = table[table["metric"] == "linear_rate"]["value"]
    if (at_edge := int(chosen.isin(edges).sum())) > 0:
        found.append(
            f"Of {len(chosen)} linear classifiers {at_edge} chose the lowest or highest rate: a"
            " better one may lie beyond."
        )
    return found
