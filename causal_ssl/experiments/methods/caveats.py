"""What a reader of the report must know to read its numbers right."""

import pandas as pd

from causal_ssl.experiments.methods.config import MethodsStudy


def caveats(config: MethodsStudy, table: pd.DataFrame, history: pd.DataFrame) -> list[str]:
    """Sentences for the report, those that apply to this run."""
    steps = int(history["step"].max())
    linear = table[table["metric"] == "linear_top1"]
    n_fit, n_score = (int(linear[name].iloc[0]) for name in ("n_fit", "n_score"))
    found = [
        f"This is a check that learning is real at a small budget, {steps:,} steps, not a ranking:"
        " no method has converged, and methods differ in how much training they need.",
        "Optimiser, learning rate, views, batch and heads are the same for all. The preset's"
        " learning rate was chosen from two, 0.002 and 0.005, for ReLIC's seed 0 and by these test"
        " images, which favours ReLIC by little; nothing was chosen for another method."
        " Temperatures, weights of terms and other arguments of the objectives are those that"
        " recipes have for ResNet-50 on ImageNet.",
        "Published numbers are of a linear classifier on ImageNet, of ResNet-50 after hundreds of"
        " epochs: another data set, another encoder, another budget. They stand there to say what"
        " the recipes were made for, and cannot be compared with the columns beside them.",
        f"Linear classifiers are fitted on {n_fit:,} of the training images, on standardised"
        f" features; neighbours are sought among all; all accuracies are of the same {n_score:,}"
        " test images. Raw pixels have most columns and gain most from more images to fit on.",
        "Standard errors hold the sampling of test images, as if every representation had its own,"
        " and, where there are several seeds, the spread over them.",
    ]
    if "supervised" in config.methods:
        found.append(
            "The supervised encoder is trained with the labels of all training images, on the same"
            " two views of each: it says what labels are worth at this budget."
        )
    if config.seeds == 1:
        found.append("A single seed: differences between methods may be chance.")
    return found
