"""Errors that a user can act on: every message names the offending value and the remedy."""

from collections.abc import Iterable
from difflib import get_close_matches


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
        causal_ssl.errors.InputError: unknown method 'infonse': did you mean 'infonce'? (known: infonce, relic)
    """
    known = sorted(known)
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return InputError(f"unknown {kind} {name!r}: {hint}(known: {', '.join(known)})")
