"""What an encoder is asked: classes of images that are clean, corrupted, or of other styles."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from causal_ssl.analysis.linear_probe import LinearSettings, linear_probe
from causal_ssl.analysis.masked_accuracy import Accuracy, accuracy
from causal_ssl.datasets.corruptions import corrupt
from causal_ssl.datasets.images.centres import Centres

Row = dict[str, Any]
Floats = NDArray[np.floating[Any]]
Represent = Callable[[Any], Floats]
"""Images (n, 3, h, w) uint8, or a data set of them, to their representation (n, d_f)."""

SETTINGS = LinearSettings((0.01, 0.03, 0.1, 0.3, 1.0), epochs=(30,), batch_sizes=(256,))
"""Of linear classifiers. Rates reach beyond the published ones of 0.01 to 0.4, on whose features
batches were larger."""


@dataclass(frozen=True, eq=False)
class Scored:
    """Images that are scored, in memory.

    Attributes:
        images: (n, 3, h, w) uint8.
        labels: (n,) classes.
    """

    images: Tensor
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, images: Centres) -> "Scored":
        """All of a data set."""
        return cls(images.batch(np.arange(len(images)))["image"], images.labels)


@dataclass(frozen=True, eq=False)
class Reader:
    """A linear classifier of representations that training images have standardised.

    Attributes:
        mean, scale: (d_f,) of the training images.
        weights: (C, d_f).
        biases: (C,).
        classes: (C,).
    """

    mean: Floats
    scale: Floats
    weights: Floats
    biases: Floats
    classes: NDArray[np.int64]

    def right(self, representation: Floats, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of n images it tells rightly, (n,)."""
        logits = (representation - self.mean) / self.scale @ self.weights.T + self.biases
        found: NDArray[np.bool_] = self.classes[logits.argmax(1)] == labels
        return found


def score(
    represent: Represent,
    train: Centres,
    test: Scored,
    *,
    corruptions: Sequence[str],
    severities: Sequence[int],
    styles: Mapping[tuple[str, float], Scored] | None = None,
    seed: int,
) -> list[Row]:
    """One linear classifier, fitted on clean training images, asked of everything.

    Args:
        represent: the frozen encoder.
        train: what the classifier is fitted on; of its rates one is chosen on a tenth held out.
        test: what is scored, clean and corrupted.
        corruptions, severities: of `datasets.corruptions`.
        styles: (variable, value s) -> images under do(variable = s).
        seed: of the classifier's batches and held-out slice.

    Returns:
        `linear_top1` on clean images; `error` per corruption and severity; `error_under_do` per
        style variable and s: shares in [0, 1] with Wilson's 95 % interval (low, high), by chance
        that of a class or all others, of n images; `linear_rate`, the learning rate chosen.
    """
    reader, rate = fitted(represent, train, seed=seed)

    def found(scored: Scored) -> Accuracy:
        return accuracy(reader.right(represent(scored.images), scored.labels))

    rows: list[Row] = [
        {"metric": "linear_top1", **_interval(found(test))},
        {"metric": "linear_rate", "value": rate},
    ]
    for name in corruptions:
        for severity in severities:
            images = corrupted(test.images, name, severity)
            error = _error(found(Scored(images, test.labels)))
            rows.append({"metric": "error", "corruption": name, "severity": severity, **error})
    for (variable, s), scored in (styles or {}).items():
        error = _error(found(scored))
        rows.append({"metric": "error_under_do", "style": variable, "s": s, **error})
    return rows


def fitted(represent: Represent, train: Centres, *, seed: int) -> tuple[Reader, float]:
    """The linear classifier of a representation, and the learning rate that was chosen."""
    features, labels = represent(train), train.labels
    mean, scale = features.mean(0), features.std(0)
    scale[scale == 0] = 1
    features = (features - mean) / scale
    probe = linear_probe(features, labels, features[:1], labels[:1], SETTINGS, seed=seed)
    reader = Reader(mean, scale, probe.weights.numpy(), probe.biases.numpy(), probe.classes)
    return reader, probe.chosen.learning_rate


def corrupted(images: Tensor, name: str, severity: int) -> Tensor:
    """Images (n, 3, h, w) under a corruption, image i with the seed i; grey ones stay grey.

    Corruptions are defined on colours: noise differs between channels, frost is blue. Of grey
    images every channel is the corrupted first one. An encoder of grey images has never seen
    channels differ, so what it would make of colours depends on its initial weights alone.
    """
    found = corrupt(images, name, severity, seeds=torch.arange(len(images)))
    grey = bool((images == images[:, :1]).all())
    return found[:, :1].expand(-1, 3, -1, -1).contiguous() if grey else found


def _interval(found: Accuracy) -> Row:
    return {"value": found.value, "low": found.low, "high": found.high, "n": found.n}


def _error(found: Accuracy) -> Row:
    return {"value": 1 - found.value, "low": 1 - found.high, "high": 1 - found.low, "n": found.n}
