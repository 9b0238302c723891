"""The packages that shapes need beside the library's own."""

from importlib import import_module
from typing import Any

from causal_ssl.errors import InputError


def package(name: str) -> Any:
    """A module of the extra `images`.

    Raises:
        InputError: it is not installed.

    Examples:
        >>> package("no_such_module")
        Traceback (most recent call last):
        ...
        causal_ssl.errors.InputError: shapes need no_such_module, which is not installed:
            pip install 'causal-ssl[images]'
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(
            f"shapes need {name}, which is not installed: pip install 'causal-ssl[images]'"
        ) from error
