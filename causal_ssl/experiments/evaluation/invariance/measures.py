"""What outputs of an encoder under several augmentations say, as rows of a table.

- `proxy_gap`: KL(p^do(environment) || p^do(against)), the mean over images. An augmentation
  against itself: two draws of it; 0 where it draws nothing.
- `proxy_gap_other_image`: the same of two different images under the first augmentation: how large
  a gap is that tells one image from another.
- `f_lda_paper`, `f_lda_size_normalised`: quantiles over ordered pairs of classes.
- `accuracy`: share of images whose class is told, by one and the same classifier.
- `pixel_change`: mean absolute difference of levels to the images as they are, in [0, 1].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from causal_ssl.analysis.proxy_invariance import ProxyGaps, proxy_gap_matrix
from causal_ssl.analysis.separability import separability

Row = dict[str, Any]
Floats = NDArray[np.floating[Any]]
GAP, OTHER, PIXELS, ACCURACY = "proxy_gap", "proxy_gap_other_image", "pixel_change", "accuracy"
AT_ONCE = 4096
"""Rows through the critic."""


@dataclass(frozen=True, eq=False)
class Outputs:
    """What one network makes of the same m images, each (m, width).

    Attributes:
        anchors: augmentation -> outputs under it.
        again: the same under a second draw, of augmentations that draw anything.
        bank: of the images under augmentations drawn for each, with draws of their own.
    """

    anchors: Mapping[str, Floats]
    again: Mapping[str, Floats]
    bank: Floats

    def through(self, critic: nn.Module, device: torch.device) -> "Outputs":
        """The critic's outputs of these."""
        return Outputs(
            {name: _through(critic, values, device) for name, values in self.anchors.items()},
            {name: _through(critic, values, device) for name, values in self.again.items()},
            _through(critic, self.bank, device),
        )


def gap_rows(outputs: Outputs, *, tau: float, variable: str) -> list[Row]:
    """Of every ordered pair of augmentations, of two draws of each, and of two images.

    Args:
        outputs: of f, or of the critic.
        tau: of the proxy, over cosine similarities.
        variable: "f" or "g".

    Raises:
        InputError: NaN, or fewer than two images.
    """
    names = list(outputs.anchors)

    def gaps(anchors: list[Floats], interventions: list[str] | None = None) -> ProxyGaps:
        return proxy_gap_matrix(anchors, outputs.bank, tau=tau, interventions=interventions)

    rows: list[Row] = gaps(list(outputs.anchors.values()), names).table().to_dict("records")
    for name in names:
        own: Row = {"metric": GAP, "environment": name, "against": name}
        if name in outputs.again:
            pair = gaps([outputs.anchors[name], outputs.again[name]]).table().iloc[0]
            rows.append(own | {key: pair[key] for key in ("value", "low", "high")})
        else:
            rows.append(own | {"value": 0.0, "low": 0.0, "high": 0.0, "note": "draws nothing"})
    first = outputs.anchors[names[0]]
    pair = gaps([first, np.roll(first, 1, axis=0)]).table().iloc[0]
    other = {"metric": OTHER, "environment": names[0]}
    rows.append(other | {key: pair[key] for key in ("value", "low", "high")})
    common = {"variable": variable, "setting": f"tau={tau:g}", "n": len(outputs.bank)}
    return [row | common for row in rows]


def f_lda_rows(outputs: Outputs, labels: NDArray[np.int64], *, variable: str) -> list[Row]:
    """The distribution of F_LDA under each augmentation, as quantiles; see `Separability.summary`.

    Args:
        outputs: of f, or of the critic.
        labels: (m,) classes.
        variable: "f" or "g".
    """
    return [
        {
            "metric": row["metric"],
            "environment": name,
            "variable": variable,
            "setting": row["variable"],
            "value": row["value"],
            "n": len(labels),
        }
        for name, values in outputs.anchors.items()
        for row in separability(values, labels).summary().to_dict("records")
    ]


def pixel_rows(shown: Mapping[str, Tensor], as_they_are: Tensor) -> list[Row]:
    """How far pixels are from those of the images as they are.

    Args:
        shown: augmentation -> images (n, 3, h, w) uint8.
        as_they_are: the same images without any.
    """
    rows: list[Row] = []
    for name, images in shown.items():
        change = (images.float() - as_they_are.float()).abs().mean() / 255
        note = "" if bool(change > 0) else "changes no pixel of these images"
        common: Row = {"metric": PIXELS, "environment": name, "note": note}
        rows.append(common | {"value": float(change), "n": len(images)})
    return rows


def _through(critic: nn.Module, values: Floats, device: torch.device) -> Floats:
    parts = []
    with torch.inference_mode():
        for start in range(0, len(values), AT_ONCE):
            # A copy: features are mapped from a file that may not be written to.
            part = torch.from_numpy(np.array(values[start : start + AT_ONCE]))
            parts.append(critic(part.to(device)).float().cpu().numpy())
    return np.concatenate(parts)
