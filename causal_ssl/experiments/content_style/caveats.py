"""What a reader of a report must know to judge its numbers."""

from causal_ssl.experiments.content_style import settings
from causal_ssl.experiments.content_style.config import ALPHAS, NumericalStudy


def caveats(config: NumericalStudy) -> list[str]:
    """Sentences on how a run differs from the paper and how far its numbers carry."""
    grid = ", ".join(f"{alpha:g}" for alpha in ALPHAS[config.alphas])
    steps = sorted({config.budget(settings.get(s)).steps for s in config.settings})
    trained = " and ".join(f"{n:,}" for n in steps)
    negatives = (
        "the other samples' second views"
        if config.negatives == "second_view"
        else "a third batch, where the method allows it"
    )
    widths = " - ".join(map(str, config.hidden))
    origin = "public code" if config.alphas == "code" else "paper"
    notes = [
        f"Ridge penalties {{{grid}}}: those of the {origin} (the paper prints 1, 0.1, 0.001,"
        " 0.0001; its public code uses 1, 0.1, 0.01, 0.001), chosen by"
        f" {config.folds}-fold cross-validation on {config.n_fit:,} points, scored on"
        f" {config.n_score:,} others.",
        f"Trained for {trained} steps of {config.batch_size:,} samples, hidden widths {widths},"
        f" negatives: {negatives}. The paper trained for 300,000 steps of 6,144 samples with a"
        " network of about a million parameters.",
        "Style R² from true content is a reference, not a ceiling: a representation may hold style"
        " beyond what content tells of it.",
    ]
    if (config.n_content, config.n_style) != (5, 5):
        notes.append("The published numbers are of worlds with 5 content and 5 style variables.")
    few = min(config.budget(settings.get(s)).seeds for s in config.settings)
    if few < 10:
        notes.append(
            f"As few as {few} world{'s' * (few > 1)} a setting: with dependence, scores vary much"
            " from world to world, since a Wishart covariance of few degrees of freedom is near"
            " singular."
        )
    return notes
