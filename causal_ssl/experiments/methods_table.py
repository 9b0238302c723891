"""The registry as a table, and one entry of it in words: `causal-ssl methods`."""

from causal_ssl import methods
from causal_ssl.methods import ImageRecipe, Method
from causal_ssl.methods.words import in_words

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


def described(name: str) -> str:
    """One method with its recipe, sources and notes.

    Raises:
        InputError: there is none of that name.

    Examples:
        >>> print(described("relic").splitlines()[0])
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
    facts = {part: text for part, text in in_words(method, recipe).items() if text}
    facts["objective"] = ", ".join(f"{k} = {v}" for k, v in recipe.objective.items()) or "as above"
    facts["source"] = recipe.source
    if recipe.published is not None:
        shown = recipe.published
        facts["published"] = f"{shown.top1} % top-1, {shown.epochs} epochs ({shown.source})"
    notes = [f"  note: {note}" for note in recipe.notes]
    return [*_section("on ImageNet, ResNet-50", facts), *notes]


def _section(title: str, facts: dict[str, str]) -> list[str]:
    return [f"{title}:", *(f"  {key}: {value}" for key, value in facts.items())]


def _row(method: Method) -> tuple[str, ...]:
    """Cells in the order of `COLUMNS`; of a recipe as in `in_words`, but rates for any batch."""
    cells = {"method": method.name, "objective": method.objective_class.__name__}
    if (recipe := method.images) is not None:
        cells |= in_words(method, recipe)
        per = " b/256" if recipe.rate_rule == "linear" else ""
        cells["optimiser"] += f" {recipe.optimiser.learning_rate:g}{per}"
        cells["top-1 %"] = str(recipe.published.top1) if recipe.published else ""
    cells["target"] = "EMA" if method.target else ""
    return tuple(cells.get(column) or NOTHING for column in COLUMNS)
