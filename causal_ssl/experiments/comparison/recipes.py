"""What a method's recipe says for ImageNet, and what of it was run here, side by side."""

from causal_ssl.experiments.pretraining.plan import Plan, widths_of
from causal_ssl.methods import ImageRecipe
from causal_ssl.views.augmentations import stacks


def beside(plan: Plan) -> list[dict[str, str]]:
    """Rows what, recipe and run; what the method has none of in either is left out."""
    theirs, ours = (
        told(recipe, target=plan.method.target)
        for recipe in (plan.method.image_recipe(), plan.recipe)
    )
    rows = [{"what": what, "recipe": theirs[what], "run": ours[what]} for what in theirs]
    return [row for row in rows if row["recipe"] or row["run"]]


def told(recipe: ImageRecipe, *, target: bool) -> dict[str, str]:
    """A recipe's parts as text; "" for those it has not."""
    optimiser, classes = recipe.optimiser, recipe.n_outputs is None
    widths = None if classes else widths_of(recipe.critic, recipe.n_outputs or 0)
    predictor = recipe.predictor and widths_of(recipe.predictor, recipe.n_outputs or 0)
    return {
        "critic": widths or "one linear layer to the classes",
        "predictor": predictor or "",
        "views": stacks.get(recipe.views).title,
        "optimiser": optimiser.name,
        "learning rate": f"{optimiser.rate(recipe.batch_size):g}",
        "weight decay": f"{optimiser.weight_decay:g}",
        "warm-up epochs": f"{optimiser.warmup_epochs:g}",
        "batch": f"{recipe.batch_size:,}",
        "epochs": f"{recipe.epochs:,g}",
        "target's decay": f"{recipe.target_decay:g}" if target else "",
        "queue": f"{recipe.queue:,}" if recipe.queue else "",
    }
