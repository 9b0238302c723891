"""Typed options: frozen dataclasses whose fields carry their help and range.

One declaration serves the library (checked when constructed), YAML files and the command line.
Nested dataclasses have dotted names: `dependent.steps`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, field, fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from causal_ssl.errors import InputError, unknown_name

T = TypeVar("T")

AUTO = "auto"
"""As many workers as there are cores."""


def option(
    default: Any,
    help: str,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    choices: Sequence[str] | None = None,
    singular: str | None = None,
    distinct: bool = False,
    metavar: str | None = None,
) -> Any:
    """A dataclass field with its help (unit included) and its range.

    Args:
        default: also the value shown in help.
        help: one line.
        at_least, above, at_most: range of the value, or of every item of a sequence.
        choices: the known names of a string option.
        singular: what one item of a sequence is called in an error.
        distinct: no item of a sequence may be there twice.
        metavar: what stands for its value in help; by its type when left out.
    """
    metadata = {
        "help": help,
        "at_least": at_least,
        "above": above,
        "at_most": at_most,
        "choices": choices,
        "singular": singular,
        "distinct": distinct,
        "metavar": metavar,
    }
    return field(default=default, metadata=metadata)


def check(options: object, *, spelt: Callable[[str], str] = str) -> None:
    """Refuse values outside their declared range, or there twice; call it from `__post_init__`.

    Args:
        options: the dataclass.
        spelt: how errors spell the name of a field.

    Raises:
        InputError: names the field, its value and the range.
    """
    for each in fields(options):  # type: ignore[arg-type]
        value = getattr(options, each.name)
        if value is None:
            continue
        items = value if isinstance(value, tuple) else (value,)
        if not items:
            raise InputError(f"{spelt(each.name)} is empty: name at least one")
        for item in items:
            _check_item(spelt(each.name), each.metadata, item)
        if each.metadata.get("distinct"):
            _check_distinct(spelt(each.name), items)


def _check_item(name: str, limits: Mapping[str, Any], item: Any) -> None:
    if (known := limits.get("choices")) is not None and item not in known:
        raise unknown_name(limits["singular"] or name, str(item), known)
    if (least := limits.get("at_least")) is not None and not item >= least:
        raise InputError(f"{name} must be at least {least}, got {item}")
    if (bound := limits.get("above")) is not None and not item > bound:
        raise InputError(f"{name} must be above {bound}, got {item}")
    if (most := limits.get("at_most")) is not None and not item <= most:
        raise InputError(f"{name} must be at most {most}, got {item}")


def _check_distinct(name: str, items: Sequence[Any]) -> None:
    if twice := {str(item) for item in items if items.count(item) > 1}:
        raise InputError(f"{name} names {', '.join(sorted(twice))} more than once")


def workers(asked: str | int, *, at_least: int = 1) -> int | None:
    """How many workers a command is to have, of its option --workers; None for one per core.

    Raises:
        InputError: neither auto nor a number from `at_least`.

    Examples:
        >>> workers("auto") is None, workers("2"), workers(0, at_least=0)
        (True, 2, 0)
    """
    if asked == AUTO:
        return None
    number = str(asked)
    if not (number.isdecimal() and int(number) >= at_least):
        raise InputError(f"workers must be auto or a number from {at_least}, got {number!r}")
    return int(number)


def own_first(cls: type) -> list["Field[Any]"]:
    """A dataclass's fields as help and files show them: its own, then those it inherits."""
    place = {
        name: depth
        for depth, base in reversed(list(enumerate(cls.__mro__)))
        for name in vars(base).get("__annotations__", {})
    }
    return sorted(fields(cls), key=lambda each: place[each.name])


def walk(cls: type) -> Iterator[tuple[str, "Field[Any]", Any]]:
    """Every leaf option of a dataclass and of those nested in it: (dotted name, field, type)."""
    types = get_type_hints(cls)
    for each in own_first(cls):
        if is_dataclass(types[each.name]):
            for name, leaf, kind in walk(types[each.name]):
                yield f"{each.name}.{name}", leaf, kind
        else:
            yield each.name, each, types[each.name]


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings to one with dotted keys.

    Examples:
        >>> flatten({"dependent": {"steps": 2000}, "tau": 1.0})
        {'dependent.steps': 2000, 'tau': 1.0}
    """
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """The inverse of `flatten`.

    Examples:
        >>> nest({"dependent.steps": 2000, "tau": 1.0})
        {'dependent': {'steps': 2000}, 'tau': 1.0}
    """
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *groups, leaf = name.split(".")
        inner = nested
        for group in groups:
            inner = inner.setdefault(group, {})
        inner[leaf] = value
    return nested


def to_dict(options: Any) -> dict[str, Any]:
    """Options as plain nested dicts, lists and scalars, ready for YAML."""
    plain: dict[str, Any] = {}
    for each in own_first(type(options)):
        value = getattr(options, each.name)
        if is_dataclass(value):
            plain[each.name] = to_dict(value)
        else:
            plain[each.name] = list(value) if isinstance(value, tuple) else value
    return plain


def from_dict(cls: type[T], values: Mapping[str, Any]) -> T:
    """The inverse of `to_dict`; fields left out take their defaults, sequences become tuples.

    Raises:
        InputError: an unknown key, with the nearest known one.
    """
    types, arguments = get_type_hints(cls), {}
    known = {each.name: each for each in fields(cls)}  # type: ignore[arg-type]
    for key, value in values.items():
        if key not in known:
            raise unknown_name("config key", key, known)
        if is_dataclass(types[key]):
            if known[key].default is not MISSING:
                value = to_dict(known[key].default) | dict(value)
            arguments[key] = from_dict(types[key], value)
        else:
            arguments[key] = tuple(value) if isinstance(value, list | tuple) else value
    return cls(**arguments)


def refuse_unknown(keys: Iterable[str], known: Iterable[str], *, where: str) -> None:
    """Raise the error for the first key (dotted) that is not known."""
    known = list(known)
    for key in keys:
        if key not in known:
            raise InputError(f"{where}: {unknown_name('config key', key, known)}")
