"""Spatter: drops of water or splashes of mud on the lens. Arguments and results as in `noise`.

Where the published program calls OpenCV, its operations are written out: `_edges` (Canny),
`_capped_distance` (distance transform, here exact), equalisation and 3 x 3 filters.
"""

from collections.abc import Sequence

import torch
from scipy import ndimage
from torch import Generator, Tensor
from torch.nn.functional import conv2d, pad

from causal_ssl.datasets.corruptions._filters import noise_gain, scale_of, smoothed
from causal_ssl.datasets.corruptions.blur import truncated
from causal_ssl.datasets.corruptions.noise import normal

WATER = (175, 238, 238)
MUD = (63, 42, 20)
FARTHEST = 20
"""Pixels from an edge beyond which drops look the same."""


def spatter(images: Tensor, severity: int, generators: Sequence[Generator]) -> Tensor:
    """Where smoothed normal noise is high: turquoise drops (severities 1 to 3) or mud (4 and 5).

    Away from 224 x 224 the smoothing changes with the image, and the noise with it so that as much
    of the image is covered.
    """
    mean, deviation, sigma, least, strength = (
        (0.65, 0.3, 4, 0.69, 0.6),
        (0.65, 0.3, 3, 0.68, 0.6),
        (0.65, 0.3, 2, 0.68, 0.5),
        (0.65, 0.3, 1, 0.65, 1.5),
        (0.67, 0.4, 1, 0.65, 1.5),
    )[severity - 1]
    scale = scale_of(images)
    deviation *= noise_gain(sigma) / noise_gain(sigma * scale)
    noise = normal(generators, *images.shape[-2:])
    liquid = smoothed(noise, sigma * scale).mul_(deviation).add_(mean)
    levels = images.float()
    if severity <= 3:
        return _with_water(levels, liquid.mul_(255 * (liquid >= least)), strength)
    mud = smoothed((liquid > least).float(), strength * scale)[:, None]
    mud.mul_(mud >= 0.8)
    return levels.mul_(1 - mud).add_(mud * torch.tensor(MUD).view(3, 1, 1))


def _with_water(levels: Tensor, liquid: Tensor, strength: float) -> Tensor:
    """Liquid (n, h, w) in levels, 0 outside drops, lit from a corner and added."""
    liquid = truncated(liquid)
    distance = _capped_distance(_edges(liquid))
    light = _equalised(truncated(_mean_of_nine(distance)))
    relief = torch.tensor([[-2.0, -1, 0], [-1, 1, 1], [0, 1, 2]])
    light = _mean_of_nine(_filtered(light, relief).clamp_(0, 255)).round_()
    drops = liquid.mul_(light)
    brightest = drops.amax(dim=(1, 2), keepdim=True).clamp_(min=1)
    drops = drops.mul_(strength).div_(brightest)[:, None]
    return levels.add_(drops * torch.tensor(WATER).view(3, 1, 1))


def _filtered(planes: Tensor, kernel: Tensor) -> Tensor:
    """Planes (n, h, w) correlated with (3, 3); mirrored about the outermost pixel."""
    padded = pad(planes[:, None], [1] * 4, mode="reflect")
    return conv2d(padded, kernel[None, None])[:, 0]


def _mean_of_nine(planes: Tensor) -> Tensor:
    return _filtered(planes, torch.full((3, 3), 1 / 9))


def _edges(levels: Tensor) -> Tensor:
    """Canny's edges of (n, h, w), bool; thresholds 50 and 150 on |dx| + |dy| of Sobel's filters.

    References:
        Canny (1986), IEEE Transactions on Pattern Analysis and Machine Intelligence 8.
    """
    sobel = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    padded = pad(levels[:, None], [1] * 4, mode="replicate")
    dx, dy = conv2d(padded, torch.stack([sobel, sobel.T])[:, None]).unbind(1)
    steepness = dx.abs() + dy.abs()
    around = pad(steepness, [1] * 4)
    height, width = levels.shape[1:]

    def beside(down: int, right: int) -> Tensor:
        return around[:, 1 + down : 1 + down + height, 1 + right : 1 + right + width]

    # A ridge is above its neighbour before and not below the one behind, in one of four directions.
    flat, steep = dy.abs() < 0.41421356 * dx.abs(), dy.abs() > 2.41421356 * dx.abs()
    across = (steepness > beside(0, -1)) & (steepness >= beside(0, 1))
    down = (steepness > beside(-1, 0)) & (steepness >= beside(1, 0))
    falling = (steepness > beside(-1, -1)) & (steepness > beside(1, 1))
    rising = (steepness > beside(-1, 1)) & (steepness > beside(1, -1))
    diagonal = torch.where(dx * dy < 0, rising, falling)
    ridge = torch.where(flat, across, torch.where(steep, down, diagonal))
    weak = ridge & (steepness > 50)
    return _connected(weak, weak & (steepness > 150))


def _connected(weak: Tensor, strong: Tensor) -> Tensor:
    """The parts of `weak` (n, h, w), eight neighbours, that hold a pixel of `strong`."""
    in_plane = torch.zeros(3, 3, 3, dtype=torch.bool)
    in_plane[1] = True
    labels, _ = ndimage.label(weak.numpy(), in_plane.numpy())
    parts = torch.from_numpy(labels)
    kept = torch.zeros(int(parts.max()) + 1, dtype=torch.bool)
    kept[parts[strong].long()] = True
    return kept[parts.long()] & weak


def _capped_distance(edges: Tensor) -> Tensor:
    """Euclidean distance of (n, h, w) to the nearest edge, at most `FARTHEST`, float32."""
    width = edges.shape[2]
    x = torch.arange(width, dtype=torch.float32)
    left = torch.where(edges, x, -1e3).cummax(dim=2).values
    right = torch.where(edges, x, 1e4).flip(2).cummin(dim=2).values.flip(2)
    in_row = torch.minimum(x - left, right - x).clamp_(max=FARTHEST).square_()
    reached = pad(in_row, [0, 0, FARTHEST, FARTHEST], value=float(FARTHEST**2))
    nearest = in_row.clone()
    for down in range(-FARTHEST + 1, FARTHEST):
        start = FARTHEST + down
        rows = reached[:, start : start + edges.shape[1]]
        torch.minimum(nearest, rows + down**2, out=nearest)
    return nearest.clamp_(max=FARTHEST**2).sqrt_()


def _equalised(levels: Tensor) -> Tensor:
    """Whole levels (n, h, w) spread so that each of 0..255 is about as frequent."""
    n, height, width = levels.shape
    flat = levels.long().view(n, -1)
    counts = torch.zeros(n, 256).scatter_add_(1, flat, torch.ones(1).expand(flat.shape))
    first = counts.gather(1, flat.amin(dim=1, keepdim=True))
    below = counts.cumsum(dim=1) - first
    spread = 255 / (height * width - first).clamp(min=1)
    return (below * spread).round_().clamp_(min=0).gather(1, flat).view(n, height, width)
