"""A linear classifier as a file: its weights, the classes that it tells, and of which encoder."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from causal_ssl import files
from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.encoders import Subject

FILE = "probe.pt"
REMEDY = "give the --out directory of a finished `causal-ssl evaluate linear`"


@dataclass(frozen=True, eq=False)
class Classifier:
    """Logits of features f: weights f + biases.

    Attributes:
        weights: (C, width) float32.
        biases: (C,).
        classes: (C,) names.
        encoder: digest of the encoder whose features it takes.
        words: how it was trained.
        size: pixels a side of the images that it was trained on; None: not known.
        interpolation: how these were resized; None: not here, or not known.
    """

    weights: Tensor
    biases: Tensor
    classes: tuple[str, ...]
    encoder: str
    words: str
    size: int | None = None
    interpolation: str | None = None

    def logits(self, features: Tensor) -> Tensor:
        """(n, C) of features (n, width)."""
        return torch.addmm(self.biases, features, self.weights.T)

    def digest(self) -> str:
        """Of weights and classes."""
        total = sha256(repr(self.classes).encode())
        for values in (self.weights, self.biases):
            total.update(values.contiguous().numpy().tobytes())
        return total.hexdigest()

    def save(self, folder: Path) -> None:
        """Write it."""
        files.save_tensors(folder / FILE, {**vars(self), "classes": list(self.classes)})


def load_classifier(folder: Path | str) -> Classifier:
    """What `evaluate linear` left in its directory.

    Raises:
        InputError: it is missing, damaged or something else; it tells a single class.
    """
    if not (Path(folder) / FILE).is_file():
        raise InputError(f"{folder} has no {FILE}: {REMEDY}")
    state = files.load_tensors(Path(folder) / FILE, what="a linear classifier", remedy=REMEDY)
    try:
        found = Classifier(**{**state, "classes": tuple(state["classes"])})
        shapes = tuple(found.weights.shape), tuple(found.biases.shape)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{folder}/{FILE} holds no linear classifier: {REMEDY}") from error
    _check(found, *shapes, f"{folder}/{FILE}")
    return found


def classifier_of(subject: Subject, folder: Path | str) -> Classifier:
    """The same, of this encoder.

    Raises:
        InputError: as `load_classifier`; it is of another encoder.
    """
    found = load_classifier(folder)
    if found.encoder != subject.digest:
        raise InputError(
            f"{folder}/{FILE} was trained on features of another encoder than {subject.source}: "
            "give the --out of an `evaluate linear` of this one"
        )
    return found


def require_seen(found: Classifier, folder: str, *, size: int, interpolation: str | None) -> None:
    """Images are seen as those were that a classifier was trained on.

    Args:
        found: the classifier.
        folder: that it is in.
        size: pixels a side of the images.
        interpolation: how they are resized; None: they are not.

    Raises:
        InputError: they are not; features of other pixels would be told wrongly, unsaid.
    """
    for name, trained, here in (
        ("size", found.size, size),
        ("interpolation", found.interpolation, interpolation),
    ):
        if trained is not None and here is not None and trained != here:
            raise InputError(
                f"{folder}/{FILE} was trained on images of {name} {trained}, and {name} is {here}: "
                f"give --{name} {trained}, or train a classifier as images are seen here"
            )


def _check(found: Classifier, weights: tuple[int, ...], biases: tuple[int, ...], path: str) -> None:
    """Shapes fit each other, numbers are finite, and there is something to tell apart."""
    n = len(found.classes)
    if len(weights) != 2 or weights[0] != n or biases != (n,):
        raise InputError(
            f"{path}: weights {weights} and biases {biases} do not fit its {n} classes: {REMEDY}"
        )
    if n < 2:
        raise InputError(
            f"{path} tells one class only, {', '.join(found.classes)}: train it on several"
        )
    for name in ("weights", "biases"):
        if not bool(getattr(found, name).isfinite().all()):
            raise InputError(f"{path}: {name} have values that are not finite: train it again")
