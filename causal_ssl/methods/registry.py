"""What a method is, and the one place where its name is looked up."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from causal_ssl.errors import InputError, unknown_name
from causal_ssl.methods.recipe import ImageRecipe
from causal_ssl.objectives.objective import Objective


@dataclass(frozen=True)
class Method:
    """An objective with everything that training needs to know beside it.

    Args:
        name: as the command line spells it.
        title: as tables and figures show it.
        summary: one line of what it asks of the representation.
        citation: authors, year, arXiv number.
        objective_class: what computes the loss.
        defaults: its arguments where they differ from the class's own.
        target: the second network is an exponential moving average (EMA) of the first, without
            gradient; False: it is the first itself (h = f).
        output: the range of the encoder: `linear`, R^d, or `sigmoid`, (0, 1)^d.
        numerical: it works on vectors too, with neither predictor nor queue.
        images: how it is pretrained on images; None: it is not.
    """

    name: str
    title: str
    summary: str
    citation: str
    objective_class: type[Objective]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    target: bool = False
    output: Literal["linear", "sigmoid"] = "linear"
    numerical: bool = True
    images: ImageRecipe | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "defaults", MappingProxyType(dict(self.defaults)))

    @property
    def takes_groups(self) -> bool:
        """Whether training needs a task that says which samples belong together."""
        return self.objective().takes_groups

    @property
    def options(self) -> dict[str, Any]:
        """Every argument of the objective with the value it has here by default."""
        parameters = inspect.signature(self.objective_class).parameters
        return {
            name: self.defaults.get(name, parameter.default)
            for name, parameter in parameters.items()
        }

    def objective(self, **overrides: Any) -> Objective:
        """A fresh objective, with some of its arguments changed.

        Raises:
            InputError: an argument that the objective does not have (with the nearest one), or a
                value that it refuses.

        Examples:
            >>> from causal_ssl import methods
            >>> methods.get("relic").objective(alpha=0.5).alpha
            0.5
        """
        for name in overrides:
            if name not in self.options:
                raise unknown_name(f"option of {self.name}", name, self.options)
        return self.objective_class(**{**self.defaults, **overrides})

    def image_recipe(self) -> ImageRecipe:
        """How it is pretrained on images.

        Raises:
            InputError: it is not.
        """
        if self.images is None:
            known = ", ".join(pretraining_names())
            raise InputError(f"method {self.name!r} has no recipe for images: choose from {known}")
        return self.images


_METHODS: dict[str, Method] = {}


def register(method: Method) -> None:
    """Enter a method under its name.

    Raises:
        InputError: the name is taken, or a default is none of the objective's arguments.
    """
    if method.name in _METHODS:
        raise InputError(
            f"method {method.name!r} is registered already, as {_METHODS[method.name].title}: "
            "choose another name"
        )
    own = method.images.objective if method.images else {}
    for name in [*method.defaults, *own]:
        if name not in method.options:
            raise unknown_name(f"default of method {method.name}", name, method.options)
    _METHODS[method.name] = method


def get(name: str) -> Method:
    """The method of that name.

    Raises:
        InputError: unknown name; the message has the nearest known one.

    Examples:
        >>> get("relic").title
        'ReLIC'
    """
    if name not in _METHODS:
        raise unknown_name("method", name, _METHODS)
    return _METHODS[name]


def names(*, takes_groups: bool | None = False) -> list[str]:
    """The registered names of methods for vectors, in the order of registration.

    Args:
        takes_groups: False for the methods that train on views alone; True for those that need the
            samples' groups too; None for all.

    Examples:
        >>> "infonce" in names(), "supcon" in names(), "byol" in names()
        (True, False, False)
        >>> names(takes_groups=True)
        ['supcon']
    """
    return [
        name
        for name, method in _METHODS.items()
        if method.numerical and (takes_groups is None or method.takes_groups == takes_groups)
    ]


def pretraining_names() -> list[str]:
    """The registered names of methods that have a recipe for images.

    Examples:
        >>> {"relic", "relic_t", "simclr", "byol"} <= set(pretraining_names())
        True
    """
    return [name for name, method in _METHODS.items() if method.images is not None]


def all_names() -> list[str]:
    """Every registered name, in the order of registration."""
    return list(_METHODS)
