"""Config dataclasses as command-line options, where their values come from, and results go."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, get_args

from jsonargparse import Namespace

from causal_ssl.errors import InputError
from causal_ssl.experiments import options
from causal_ssl.experiments.catalogue import preset_title, presets
from causal_ssl.parser import Parser, flag

METAVARS: dict[type, str] = {int: "N", float: "X", bool: "BOOL"}


def add_run(parser: Parser, *, preset: str, known: str, out: str) -> Any:
    """Make --preset, --config and --out options.

    Args:
        parser: of a command that has presets.
        preset: the one that is taken where none is given.
        known: the presets there are, in words.
        out: the directory that is taken where none is given, as help shows it.

    Returns:
        Their group, for further options of the run.
    """
    group = parser.add_argument_group("the run")
    group.add_argument(
        "--preset",
        metavar="NAME",
        default=preset,
        help=f"where values not given come from (default: {preset}). {known}",
    )
    group.add_argument("--config", metavar="FILE", help="YAML file with values")
    group.add_argument("--out", metavar="DIR", help=f"the run's own directory (default: {out})")
    return group


def preset_titles(of: str) -> str:
    """The presets of "pretraining" or of an evaluation, and what each is for."""
    return "; ".join(f"{name}: {preset_title(of, name)}" for name in presets(of))


def add_fields(group: Any, config: type, base: Mapping[str, Any]) -> None:
    """Make every field of a config an option; those not given are None.

    Args:
        group: of a parser.
        config: the dataclass.
        base: dotted name -> the default that help shows.
    """
    for name, field, kind in options.walk(config):
        many = getattr(kind, "__origin__", None) is tuple
        each = present(kind.__args__[0] if many else kind)
        default = " ".join(map(str, base[name])) if many else base[name]
        shown = "" if default in (None, "") else f" (default: {_short(default)})"
        group.add_argument(
            f"--{flag(name)}",
            type=each,
            nargs="+" if many else None,
            metavar=metavar(field, each, most=3 if many else 5),
            help=f"{field.metadata['help']}{shown}",
        )


def present(kind: Any) -> Any:
    """The type of an optional value's presence: `float` of `float | None`."""
    if isinstance(kind, UnionType):
        return next(each for each in get_args(kind) if each is not NoneType)
    return kind


def metavar(field: Any, kind: type, *, most: int = 5) -> str:
    """What stands for an option's value in help: its choices, if they are `most` or fewer."""
    if (given := field.metadata["metavar"]) is not None:
        return str(given)
    choices = field.metadata["choices"]
    if choices and len(choices) <= most:
        return "{" + ",".join(choices) + "}"
    return METAVARS.get(kind, "NAME")


def _short(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return re.sub(r"(\.\d{3})\d+", r"\1", str(default))


def given_values(asked: Namespace, config: type) -> dict[str, Any]:
    """Dotted name -> value of the config's fields that the command line has."""
    known = {key for key, _, _ in options.walk(config)}
    flat = options.flatten(asked.as_dict())
    return {key: value for key, value in flat.items() if key in known and value is not None}


def from_file(
    parser: Parser,
    path: Path,
    config: type,
    *,
    stamps: Mapping[str, str],
    shortcuts: Sequence[str] = (),
    expanded: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda _: {},
) -> dict[str, Any]:
    """The values of a YAML file, flat, each checked as if it were an option.

    Args:
        parser: has the config's options.
        path: of the file.
        config: the dataclass.
        stamps: what the file must be for, where it says so: {"study": "numerical"}.
        shortcuts: further keys that it may have.
        expanded: makes config values of them.

    Raises:
        InputError: it can not be read, or holds what does not belong there.
    """
    import yaml

    try:
        values = yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        raise InputError(f"--config {path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise InputError(f"--config {path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise InputError(f"--config {path} holds no keys: write lines such as `batch_size: 256`")
    for kind, name in stamps.items():
        if (named := values.pop(kind, name)) != name:
            raise InputError(f"--config {path} is for the {kind} {named!r}, not {name!r}")
    known = [key for key, _, _ in options.walk(config)]
    flat = {key: value for key, value in options.flatten(values).items() if value is not None}
    options.refuse_unknown(flat, [*known, *shortcuts], where=f"--config {path}")
    checked = options.flatten(parser.parse_object(options.nest(flat)).as_dict())
    return expanded(flat) | {key: checked[key] for key in flat if key in known}
