"""Errors that a user can act on: every message names the offending value and the remedy."""

from collections.abc import Iterable
from difflib import get_close_matches
from math import isinf
from operator import ge, gt, le
from typing import TypeVar

Name = TypeVar("Name", bound=str)
Number = TypeVar("Number", int, float)


class InputError(ValueError):
    """Bad input, found before any long work starts.

    The message says what came, what was expected and what to do. The command line prints it without
    a traceback and exits with status 2.
    """


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that is not among the known ones, with the nearest of them.

    Examples:
        >>> raise unknown_name("method", "infonse", ["infonce", "relic"])
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: unknown method 'infonse': did you mean 'infonce'?
            (known: infonce, relic)
    """
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return InputError(f"unknown {kind} {name!r}: {hint}(known: {', '.join(known)})")


def one_of(kind: str, name: Name, known: Iterable[str]) -> Name:
    """The name, if it is among the known ones.

    Raises:
        InputError: it is not; see `unknown_name`.
    """
    known = list(known)
    if name not in known:
        raise unknown_name(kind, name, known)
    return name


def in_range(
    name: str,
    value: Number,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
) -> Number:
    """The value, if it is finite and within the bounds given.

    Raises:
        InputError: it is not; names the value and all the bounds.

    Examples:
        >>> in_range("p_change", 0.5, above=0, at_most=1)
        0.5
        >>> in_range("p_change", 1.5, above=0, at_most=1)
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: p_change must be above 0 and at most 1, got 1.5
    """
    if isinf(value):
        raise InputError(f"{name} must be finite, got {value}")
    bounds = [("at least", at_least, ge), ("above", above, gt), ("at most", at_most, le)]
    given = [(words, bound, holds) for words, bound, holds in bounds if bound is not None]
    if not all(holds(value, bound) for _, bound, holds in given):
        wanted = " and ".join(f"{words} {bound}" for words, bound, _ in given)
        raise InputError(f"{name} must be {wanted}, got {value}")
    return value
