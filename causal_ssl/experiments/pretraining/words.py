"""A pretraining run in words, as a dry run shows it: what it comes to."""

from collections.abc import Iterable

from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.memory import numbers
from causal_ssl.experiments.pretraining.plan import Plan, images_per_device, ranks_of
from causal_ssl.methods.words import in_words
from causal_ssl.models.image_encoders import image_encoder


def described(plan: Plan, asked: Pretraining) -> list[tuple[str, str]]:
    """The run part by part: (what, how)."""
    training, words = plan.training, in_words(plan.method, plan.recipe)
    lines = [
        ("images", f"{plan.n_images:,} of {plan.n_classes:,} classes"),
        ("encoder", _encoder(plan)),
        ("objective", ", ".join(_objective(plan))),
        (
            "views",
            f"{plan.views.stack.title}, {asked.size} px of images read at {asked.working_size} px",
        ),
        ("steps", f"{training.steps:,}, {plan.epochs:,.4g} epochs; {_batch(plan, asked)}"),
        (
            "optimiser",
            f"{words['optimiser']}, learning rate {words['learning rate']}, warm-up "
            f"{training.warmup * training.steps:.0f} steps, then a cosine to 0; weight decay "
            f"{words['weight decay']}",
        ),
    ]
    if words["target"]:
        lines.append(("target", words["target"]))
    return lines


def _encoder(plan: Plan) -> str:
    config = plan.training.encoder
    encoder = image_encoder(config, seed=0)
    trunk, critic = (numbers(part) / 1e6 for part in (encoder.trunk, encoder.head))
    widths = plan.recipe.critic.widths(config.n_outputs)
    return f"{config.name}, {trunk:.1f} M weights; critic {widths}, {critic:.1f} M"


def _objective(plan: Plan) -> Iterable[str]:
    yield plan.method.name
    yield from (f"{name} = {value}" for name, value in plan.training.objective.items())


def _batch(plan: Plan, asked: Pretraining) -> str:
    shares = [f"{images_per_device(plan, asked):,} images"]
    if (ranks := ranks_of(asked)) > 1:
        shares.append(f"{ranks} devices")
    if asked.accumulate > 1:
        shares.append(f"{asked.accumulate} micro-batches")
    text = f"batch {plan.training.batch_size:,}"
    return f"{text} = {' x '.join(shares)}" if len(shares) > 1 else text
