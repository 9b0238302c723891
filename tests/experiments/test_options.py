"""Options are checked where they enter: range, names, keys."""

from dataclasses import dataclass, replace

import pytest

from causal_ssl.errors import InputError
from causal_ssl.experiments import options
from causal_ssl.experiments.catalogue import STUDIES, Entry
from causal_ssl.experiments.options import option


@dataclass(frozen=True)
class Inner:
    size: int = option(3, "how large", at_least=1)

    def __post_init__(self) -> None:
        options.check(self)


@dataclass(frozen=True)
class Outer:
    inner: Inner = Inner()
    rate: float = option(0.5, "how fast", above=0, at_most=1)
    names: tuple[str, ...] = option(("red",), "which", choices=("red", "green"), singular="colour")
    widths: tuple[int, ...] = option((8,), "of layers", at_least=1)
    tasks: tuple[int, ...] = option((1, 2), "to do", distinct=True)

    def __post_init__(self) -> None:
        options.check(self)


SEQUENCES = {"widths": [8, 8], "tasks": [1, 2]}


def test_values_survive_a_round_trip_through_plain_dicts() -> None:
    made = Outer(inner=Inner(size=7), names=("green", "red"), widths=(8, 8))
    assert options.from_dict(Outer, options.to_dict(made)) == made
    flat = options.flatten(options.to_dict(made))
    assert flat == {"inner.size": 7, "rate": 0.5, "names": ["green", "red"]} | SEQUENCES
    assert options.nest(flat) == options.to_dict(made)


def test_what_a_dict_leaves_out_keeps_its_default() -> None:
    assert options.from_dict(Outer, {"rate": 1.0}) == Outer(rate=1.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate": 0.0}, "rate must be above 0, got 0.0"),
        ({"rate": 1.5}, "rate must be at most 1, got 1.5"),
        ({"rate": float("nan")}, "rate must be above 0, got nan"),
        ({"inner": {"size": 0}}, "size must be at least 1, got 0"),
        ({"names": []}, "names is empty"),
        ({"names": ["gren"]}, "unknown colour 'gren': did you mean 'green'"),
        ({"tasks": [3, 1, 2, 1, 3]}, "tasks names 1, 3 more than once"),
        ({"rat": 1.0}, "unknown config key 'rat': did you mean 'rate'"),
        ({"inner": {"siz": 1}}, "unknown config key 'siz': did you mean 'size'"),
    ],
)
def test_bad_values_are_named_with_the_remedy(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        options.from_dict(Outer, values)


def test_every_leaf_is_walked_under_its_dotted_name() -> None:
    found = [name for name, _, _ in options.walk(Outer)]
    assert found == ["inner.size", "rate", "names", *SEQUENCES]


def test_a_subclass_shows_its_own_options_before_those_it_inherits() -> None:
    @dataclass(frozen=True)
    class Base:
        first: int = option(1, "inherited")
        again: int = option(1, "declared again")

    @dataclass(frozen=True)
    class Derived(Base):
        again: int = option(2, "declared again")
        own: int = option(3, "its own")

    assert list(options.to_dict(Derived())) == ["again", "own", "first"]
    assert [name for name, _, _ in options.walk(Derived)] == ["again", "own", "first"]


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_no_study_takes_a_name_twice(study: Entry) -> None:
    """What is named twice would be computed twice, and its rows counted as of two."""
    quick = study.config()
    named = {name: value for name, value in vars(quick).items() if isinstance(value, tuple)}
    names = {name: value for name, value in named.items() if isinstance(value[0], str)}
    assert names
    for name, value in names.items():
        with pytest.raises(InputError, match=f"{name} names {value[0]} more than once"):
            replace(quick, **{name: (*value, value[0])})
