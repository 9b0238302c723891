"""Which of ImageNet's classes are right for a folder of ObjectNet, read from the files beside it.

ROOT/mappings/, as published with the images:

    folder_to_objectnet_label.json      folder -> label: {"air_freshener": "Air freshener", ...}
    objectnet_to_imagenet_1k.json       label -> labels of ImageNet, "; " between: 113 of the 313
    imagenet_to_label_2012_v2           a label of ImageNet a line, in the challenge's own order
    pytorch_to_imagenet_2012_id.json    index of the class -> number of its line, from 0
"""

import json
from pathlib import Path
from typing import Any

from causal_ssl.datasets.suites.classes import N_CLASSES, Answers
from causal_ssl.errors import InputError, unknown_name

FOLDERS, OVERLAP = "folder_to_objectnet_label.json", "objectnet_to_imagenet_1k.json"
LINES, NUMBERS = "imagenet_to_label_2012_v2", "pytorch_to_imagenet_2012_id.json"


def read_mappings(folder: Path) -> tuple[Answers, frozenset[str]]:
    """The answers of the folders whose class ImageNet has, and the names of the others.

    Args:
        folder: ROOT/mappings.

    Raises:
        InputError: a file is missing or damaged, or names what another does not know.
    """
    labels = {label: name for name, label in _read(folder / FOLDERS).items()}
    overlap, index_of = _read(folder / OVERLAP), _index_of_label(folder)
    answers = {}
    for label, words in overlap.items():
        if label not in labels:
            raise unknown_name(f"class in {folder / OVERLAP}", label, labels)
        indices = []
        for word in str(words).split(";"):
            if word.strip() not in index_of:
                raise unknown_name(f"ImageNet class in {folder / OVERLAP}", word.strip(), index_of)
            indices.append(index_of[word.strip()])
        answers[labels[label]] = tuple(sorted(set(indices)))
    return answers, frozenset(labels.values()) - set(answers)


def _index_of_label(folder: Path) -> dict[str, int]:
    """Label of ImageNet -> index of its class."""
    lines = [line.strip() for line in _text(folder / LINES).splitlines()]
    found = {}
    for index, line in _read(folder / NUMBERS).items():
        if not (str(index).isdigit() and int(index) < N_CLASSES and 0 <= int(line) < len(lines)):
            raise InputError(
                f"{folder / NUMBERS} says {index!r}: {line!r}, expected an index below {N_CLASSES} "
                f"and one of the {len(lines)} lines of {LINES}: take both from one archive"
            )
        found[lines[int(line)]] = int(index)
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path} is no JSON ({error}): take it from the archive again") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} is no mapping: take it from ObjectNet's archive again")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror}): ObjectNet's archive has it in mappings/, "
            "beside images/"
        ) from error
