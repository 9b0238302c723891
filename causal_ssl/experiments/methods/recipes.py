"""What a method's recipe says for ImageNet, and what of it was run here, side by side."""

from causal_ssl.experiments.pretraining.plan import Plan
from causal_ssl.methods.words import in_words


def beside(plan: Plan) -> list[dict[str, str]]:
    """Rows what, recipe and run; what the method has none of in either is left out."""
    theirs, ours = (
        in_words(plan.method, recipe) for recipe in (plan.method.image_recipe(), plan.recipe)
    )
    rows = [{"what": what, "recipe": theirs[what], "run": ours[what]} for what in theirs]
    return [row for row in rows if row["recipe"] or row["run"]]
