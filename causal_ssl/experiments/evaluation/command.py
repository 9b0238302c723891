"""The command line that asks for an evaluation."""

from typing import Any

from causal_ssl.experiments import options
from causal_ssl.experiments.evaluation.config import Evaluation
from causal_ssl.parser import flag

FIRST = ("checkpoint", "probe", "data_root", "suite_root")


def command(asked: Evaluation) -> str:
    """A command line that asks for that: what is given, then what differs from the defaults.

    Examples:
        >>> from causal_ssl.experiments.evaluation.invariance.config import Invariance
        >>> command(Invariance(checkpoint="run", data_root="x", severity=5))
        'causal-ssl evaluate invariance --checkpoint run --data-root x --severity 5'
    """
    given, usual = (options.flatten(options.to_dict(each)) for each in (asked, type(asked)()))
    keys = dict.fromkeys([*(key for key in FIRST if key in given), *given])
    words = [_words(key, given[key]) for key in keys if given[key] != usual[key]]
    return " ".join([f"causal-ssl evaluate {asked.name}", *words])


def _words(key: str, value: Any) -> str:
    if isinstance(value, bool):
        value = str(value).lower()
    return f"--{flag(key)} {' '.join(map(str, value)) if isinstance(value, list) else value}"
