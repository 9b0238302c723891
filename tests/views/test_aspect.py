"""Images resized to a square whatever their shape: crops are drawn as on the originals."""

import math

import pytest
import torch
from scipy.stats import ks_2samp
from torch import Tensor
from torchvision.transforms import RandomResizedCrop as Theirs
from torchvision.transforms.v2 import functional as reference

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for
from causal_ssl.views.augmentations import Parameters, RandomResizedCrop, stacks

N = 4000
# At one in a million, the distance of two empirical laws of N draws from one law (Smirnov).
FARTHEST = math.sqrt(math.log(2 / 1e-6) / 2 * 2 / N)
# Fine enough for rounding to pixels not to count, and the originals' sides divide it, so that the
# largest central windows, of which there are many, are the same to the pixel.
SIDE = 6000


def drawn_on_originals(size: tuple[int, int], scale: tuple[float, float]) -> dict[str, Tensor]:
    """What torchvision draws on images of height and width `size`, as fractions."""
    image = torch.zeros(1).expand(3, *size)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        boxes = [Theirs.get_params(image, list(scale), [3 / 4, 4 / 3]) for _ in range(N)]
    top, left, height, width = torch.tensor(boxes, dtype=torch.float64).unbind(1)
    return described(top / size[0], left / size[1], height / size[0], width / size[1], size)


def described(
    top: Tensor, left: Tensor, height: Tensor, width: Tensor, size: tuple[int, int]
) -> dict[str, Tensor]:
    """Of boxes in fractions of an image: place, area, and ratio on an original of that size."""
    ratio = width / height * size[1] / size[0]
    found = {"top": top, "left": left, "area": height * width, "ratio": ratio}
    return {name: values.round(decimals=6) for name, values in found.items()}


@pytest.mark.parametrize("size", [(1500, 2000), (2000, 1500), (1200, 3000), (3000, 600)])
@pytest.mark.parametrize("scale", [(0.08, 1.0), (0.2, 0.6)])
def test_crops_of_resized_images_have_torchvisions_law_on_the_originals(
    size: tuple[int, int], scale: tuple[float, float]
) -> None:
    theirs = drawn_on_originals(size, scale)
    aspect = torch.full((N,), size[1] / size[0], dtype=torch.float64)
    crop, generator = RandomResizedCrop(scale), generator_for(1)
    record = crop.draw(N, generator=generator, size=(SIDE, SIDE), aspect=aspect)
    ours = described(*(record[name].double() / SIDE for name in crop.names), size)
    for name, values in ours.items():
        assert ks_2samp(values, theirs[name]).statistic < FARTHEST, name
    # Without the aspect, ratios are those of the square.
    square = crop.draw(N, generator=generator, size=(SIDE, SIDE))
    wrong = described(*(square[name].double() / SIDE for name in crop.names), size)
    assert ks_2samp(wrong["ratio"], theirs["ratio"]).statistic > 2 * FARTHEST


def circle(height: int, width: int, radius: float) -> Tensor:
    """A white disc in the middle of a black image, (1, 3, height, width)."""
    rows = torch.arange(height)[:, None] + 0.5 - height / 2
    columns = torch.arange(width) + 0.5 - width / 2
    return (rows**2 + columns**2 <= radius**2).float().expand(1, 3, -1, -1)


def elongation(image: Tensor) -> float:
    """Width over height of a bright shape, by its second moments; image (3, h, w)."""
    mass = image[0] / image[0].sum()
    spreads = []
    for marginal in (mass.sum(0), mass.sum(1)):
        place = torch.arange(len(marginal))
        mean = (marginal * place).sum()
        spreads.append((marginal * (place - mean) ** 2).sum().sqrt())
    return float(spreads[0] / spreads[1])


@pytest.mark.parametrize(("height", "width"), [(375, 500), (500, 375)])
def test_a_circle_stays_a_circle(height: int, width: int) -> None:
    squashed = reference.resize(circle(height, width, 50), [256, 256])
    assert elongation(squashed[0]) == pytest.approx(height / width, rel=0.02)
    images = squashed.repeat(20, 1, 1, 1)
    # Square windows of at least 0.6 of the area show all of the disc.
    crop = RandomResizedCrop((0.6, 0.75), ratio=(1.0, 1.0), size=160)
    drawn = crop.draw(
        20,
        generator=generator_for(0),
        size=(256, 256),
        aspect=torch.full((20,), width / height),
    )
    for view in crop.apply(images, drawn):
        # A pixel more or less of windows of 193 and more.
        assert elongation(view) == pytest.approx(1, abs=0.01)
    plain = crop.draw(20, generator=generator_for(0), size=(256, 256))
    for view in crop.apply(images, plain):
        assert elongation(view) == pytest.approx(height / width, rel=0.02)


@pytest.mark.parametrize("name", ["relic", "byol", "multi_crop", "supervised", "rotation"])
def test_originals_in_proportion_change_nothing(name: str) -> None:
    stack = stacks.get(name)
    plain = stack.draw(50, generator=generator_for(0), size=(64, 64))
    square = stack.draw(50, generator=generator_for(0), size=(64, 64), aspect=torch.ones(50))
    for a, b in zip(plain, square, strict=True):
        assert all(torch.equal(a[key], b[key]) for key in a.values)


def test_each_sample_has_its_own_aspect_and_the_rest_of_the_record_stays() -> None:
    stack, aspect = stacks.get("relic"), torch.tensor([0.5, 1.0, 2.0, 1.5, 20.0])
    together = stack.draw(5, generator=generator_for(0), size=(64, 64), aspect=aspect)[0]
    for i in range(5):
        own = torch.full((5,), float(aspect[i]))
        alone = stack.draw(5, generator=generator_for(0), size=(64, 64), aspect=own)[0]
        assert row(alone, i) == row(together, i)
    plain = stack.draw(5, generator=generator_for(0), size=(64, 64))[0]
    assert row(plain, 1) == row(together, 1)
    others = [key for key in plain.values if not key.startswith("crop.")]
    assert all(torch.equal(plain[key], together[key]) for key in others)


def row(record: Parameters, i: int) -> dict[str, list[float]]:
    return {key: value[i].tolist() for key, value in record.values.items()}


def test_views_of_resized_images_are_on_record() -> None:
    images = torch.rand(6, 3, 40, 40, generator=generator_for("images"))
    aspect = torch.tensor([0.4, 0.8, 1.0, 1.25, 2.0, 50.0])
    stack = stacks.get("multi_crop").at_size(28)
    views, record = stack(images, generator=generator_for(0), aspect=aspect)
    assert all(torch.equal(a, b) for a, b in zip(views, stack.apply(images, record), strict=True))


def test_aspects_that_cannot_be() -> None:
    def drawn(aspect: Tensor, name: str = "relic") -> None:
        stacks.get(name).draw(3, generator=generator_for(0), size=(8, 8), aspect=aspect)

    with pytest.raises(InputError, match="expected \\(3,\\), one an image"):
        drawn(torch.ones(2))
    with pytest.raises(InputError, match="aspect of image 1 is 0: expected width / height > 0"):
        drawn(torch.tensor([1.0, 0.0, 1.0]))
    with pytest.raises(InputError, match="aspect of image 2 is nan"):
        drawn(torch.tensor([1.0, 1.0, math.nan]))
    with pytest.raises(InputError, match=r"up to 1\.25 times as long as short: quarter turns"):
        drawn(torch.tensor([1.0, 0.8, 1.1]), "rotation")
