"""The registry as a table, and one entry of it in words: `causal-ssl methods`."""

from causal_ssl import methods
from causal_ssl.methods import ImageRecipe, Method, Optimiser
from causal_ssl.models.heads import Head

COLUMNS = (
    "method",
    "objective",
    "target",
    "critic",
    "predictor",
    "views",
    "optimiser",
    "batch",
    "epochs",
    "top-1 %",
)
NOTE = (
    "Recipes for ResNet-50 on ImageNet. top-1: published, by linear evaluation; ImageNet has not "
    "been run here."
)
NOTHING = "-"


def methods_table() -> list[tuple[str, ...]]:
    """A row for every method, cells as in `COLUMNS`.

    Examples:
        >>> dict(zip(COLUMNS, methods_table()[1]))["critic"]
        '4096-2048-1024-512-128'
    """
    return [_row(methods.get(name)) for name in methods.all_names()]


def as_text(rows: list[tuple[str, ...]]) -> str:
    """The table in aligned columns."""
    widths = [max(len(row[k]) for row in [COLUMNS, *rows]) for k in range(len(COLUMNS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [COLUMNS, *rows]
    ]
    return "\n".join(lines)


def as_markdown(rows: list[tuple[str, ...]]) -> str:
    """The table for a page of the docs."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def in_words(name: str) -> str:
    """One method with its recipe, sources and notes.

    Raises:
        InputError: there is none of that name.

    Examples:
        >>> print(in_words("relic").splitlines()[0])
        ReLIC: InfoNCE plus invariance of its predictions under style interventions
    """
    method = methods.get(name)
    lines = [f"{method.title}: {method.summary}", f"  {method.citation}", ""]
    lines += _section("objective, by default", {"class": method.objective_class.__name__})
    lines += [f"  {key} = {value}" for key, value in method.options.items()]
    if method.images is None:
        return "\n".join([*lines, "", "no recipe for images"])
    return "\n".join([*lines, "", *_recipe(method, method.images)])


def _recipe(method: Method, recipe: ImageRecipe) -> list[str]:
    row = dict(zip(COLUMNS, _row(method), strict=True))
    facts = {name: row[name] for name in COLUMNS[2:9]}
    facts["objective"] = ", ".join(f"{k} = {v}" for k, v in recipe.objective.items()) or "as above"
    facts["weight decay"] = f"{recipe.optimiser.weight_decay:g}, " + (
        "of all parameters" if recipe.optimiser.decay_all else "not of biases and norms"
    )
    facts["warm-up"] = f"{recipe.optimiser.warmup_epochs:g} epochs"
    if recipe.queue:
        facts["queue"] = f"{recipe.queue:,} outputs"
    facts["source"] = recipe.source
    if recipe.published is not None:
        shown = recipe.published
        facts["published"] = f"{shown.top1} % top-1, {shown.epochs} epochs ({shown.source})"
    notes = [f"  note: {note}" for note in recipe.notes]
    return [*_section("on ImageNet, ResNet-50", facts), *notes]


def _section(title: str, facts: dict[str, str]) -> list[str]:
    return [f"{title}:", *(f"  {key}: {value}" for key, value in facts.items())]


def _row(method: Method) -> tuple[str, ...]:
    objective = method.objective_class.__name__
    target = "EMA" if method.target else NOTHING
    recipe = method.images
    if recipe is None:
        return (method.name, objective, target, *[NOTHING] * 7)
    outputs = "classes" if recipe.n_outputs is None else str(recipe.n_outputs)
    return (
        method.name,
        objective,
        target,
        _widths(recipe.critic, outputs),
        NOTHING if recipe.predictor is None else _widths(recipe.predictor, outputs),
        recipe.views,
        _rate(recipe.optimiser),
        str(recipe.batch_size),
        str(recipe.epochs),
        NOTHING if recipe.published is None else str(recipe.published.top1),
    )


def _widths(head: Head, outputs: str) -> str:
    return "-".join([*map(str, head.hidden), outputs])


def _rate(optimiser: Optimiser) -> str:
    per = " b/256" if optimiser.rule == "linear" else ""
    return f"{optimiser.name} {optimiser.learning_rate:g}{per}"
