"""The words that begin a command line, and how it ends when something is wrong."""

import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from causal_ssl.errors import one_of


def fail(words: Sequence[str], message: str, status: int) -> NoReturn:
    """Say what went wrong, in which command, and exit."""
    print(f"{' '.join(['causal-ssl', *words])}: {message}", file=sys.stderr)
    sys.exit(status)


def chosen(
    given: Sequence[str],
    words: list[str],
    kind: str,
    known: Mapping[str, str],
    *,
    about: str,
    examples: str,
) -> str:
    """The word at the head of `given`, which is then one of `words`; prints help where none is.

    Args:
        given: the rest of the command line.
        words: those chosen before.
        kind: what the word names, for the error: "study".
        known: the words there are -> what each does.
        about, examples: first and last paragraph of the help.

    Raises:
        InputError: an unknown word; the message has the nearest.
    """
    name = given[0] if given else "--help"
    if name in ("-h", "--help"):
        print(_overview(" ".join(words), known, about, examples))
        sys.exit(0)
    words.append(one_of(kind, name, known))
    return name


def sentence(title: str) -> str:
    """A title of the overview, as the first line of its own help.

    Examples:
        >>> sentence("whether mCE falls")
        'Whether mCE falls.'
    """
    return f"{title[0].upper()}{title[1:]}."


def _overview(group: str, known: Mapping[str, str], about: str, examples: str) -> str:
    width = max(map(len, known)) + 3
    lines = [f"  {name:<{width}}{text}" for name, text in known.items()]
    words = " ".join(filter(None, ["causal-ssl", group]))
    usage = f"usage: {words} {{{','.join(known)}}} ..."
    if len(usage) > 100:
        usage = f"usage: {words} NAME ..."
    return "\n".join([usage, "", about, "", *lines, "", examples])
