"""A recipe in words: one text for each of its parts, the same wherever recipes are shown."""

from causal_ssl.methods.recipe import ImageRecipe, Optimiser
from causal_ssl.methods.registry import Method


def in_words(method: Method, recipe: ImageRecipe) -> dict[str, str]:
    """Part -> text, "" for a part that it has not; names and numbers as options take them.

    Args:
        method: whose it is.
        recipe: its own, or that with parts replaced.

    Examples:
        >>> from causal_ssl import methods
        >>> simclr = methods.get("simclr")
        >>> said = in_words(simclr, simclr.image_recipe())
        >>> said["critic"], said["predictor"], said["learning rate"]
        ('2048-128', '', '0.3 x 4096/256 = 4.8')
    """
    optimiser = recipe.optimiser
    outputs = "classes" if recipe.n_outputs is None else recipe.n_outputs
    average = f"moving average, {recipe.target_decay:g}, {recipe.target_schedule}"
    return {
        "target": average if method.target else "",
        "critic": recipe.critic.widths(outputs),
        "predictor": recipe.predictor.widths(outputs) if recipe.predictor else "",
        "views": recipe.views,
        "optimiser": optimiser.name,
        "learning rate": _rate(recipe),
        "weight decay": _decay(optimiser),
        "warm-up epochs": f"{recipe.warmup_epochs:g}",
        "batch": str(recipe.batch_size),
        "epochs": f"{recipe.epochs:g}",
        "queue": str(recipe.queue or ""),
    }


def _rate(recipe: ImageRecipe) -> str:
    rate, factor = f"{recipe.scaled_optimiser.learning_rate:g}", recipe.optimiser.plain_factor
    if recipe.rate_rule != "fixed":
        rate = f"{recipe.optimiser.learning_rate:g} x {recipe.batch_size}/256 = {rate}"
    return rate if factor == 1 else f"{rate}; of biases and norms {factor:g} of it"


def _decay(optimiser: Optimiser) -> str:
    if not optimiser.weight_decay:
        return "0"
    of = "of all parameters" if optimiser.decay_all else "not of biases and norms"
    return f"{optimiser.weight_decay:g}, {of}"
