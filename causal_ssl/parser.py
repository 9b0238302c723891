"""A command-line parser whose errors are one line that names the nearest known option."""

import argparse
import re
import textwrap
from difflib import get_close_matches
from typing import NoReturn

from jsonargparse import ArgumentParser, DefaultHelpFormatter

from causal_ssl.errors import InputError

KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def flag(key: str) -> str:
    """A config key as an option's name, without the leading dashes.

    Examples:
        >>> flag("dependent.n_fit")
        'dependent.n-fit'
    """
    return key.replace("_", "-")


class Formatter(DefaultHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """jsonargparse's help without types and placeholders of defaults; epilogs as written.

    Lines do not end within a word, as an option's name would at its hyphens.
    """

    def _get_help_string(self, action: argparse.Action) -> str:
        return action.help or ""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)


class Parser(ArgumentParser):
    """Raises an `InputError` of one line instead of printing usage and exiting.

    Args:
        command: the words after `causal-ssl`.
        description: first paragraph of its help.
        examples: last paragraph of its help, shown as written.
    """

    def __init__(self, command: str, description: str, examples: str) -> None:
        super().__init__(
            prog=f"causal-ssl {command}",
            description=description,
            epilog=examples,
            formatter_class=Formatter,
            allow_abbrev=False,
        )

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        raise InputError(self._explained(message)) from ex

    def _explained(self, message: str) -> str:
        message = " ".join(message.split())
        if found := re.match(r"unrecognized arguments: (\S+)", message):
            return self._unknown(found[1].partition("=")[0])
        if found := re.match(r'Parser key "([\w.]+)"(?: element \d+)?: (.*)', message):
            return f"--{flag(found[1])}: {_reason(found[2])}"
        return message

    def _unknown(self, given: str) -> str:
        known = [o for a in self._actions for o in a.option_strings if o.startswith("--")]
        near = get_close_matches(given, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        kind = "option" if given.startswith("-") else "argument"
        return f"unknown {kind} {given}: {hint}({self.prog} --help lists all)"


def _reason(message: str) -> str:
    if found := re.search(r"Expected a <class '(\w+)'>. Got value: (.*)", message):
        return f"expected {KINDS.get(found[1], found[1])}, got {found[2]!r}"
    return message
