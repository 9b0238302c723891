"""The finished pieces of a run: one JSON file a cell, whose presence says that it is done."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from causal_ssl import files


def path(root: Path, name: str) -> Path:
    """The file of the cell of that name, in the run's directory."""
    return root / "cells" / f"{name}.json"


def finish(root: Path, name: str, content: dict[str, Any]) -> None:
    """Write down what a cell found; from here on it is not computed again."""
    files.write(path(root, name), json.dumps(content))


def results(root: Path, names: Iterable[str]) -> list[dict[str, Any]]:
    """What finished cells hold, in the order asked for."""
    return [json.loads(path(root, name).read_text()) for name in names]


def unfinished(root: Path, names: Iterable[str]) -> list[str]:
    """The cells among these that have no file yet."""
    return [name for name in names if not path(root, name).exists()]
