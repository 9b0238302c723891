"""Each augmentation against torchvision on one image with the same parameters, float and uint8."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for
from causal_ssl.views.augmentations import (
    CAUSAL3DIDENT,
    Augmentation,
    ColourJitter,
    Frame,
    GaussianBlur,
    Greyscale,
    HorizontalFlip,
    Normalise,
    Parameters,
    RandomResizedCrop,
    Rotation,
    Solarise,
)

SIZE = (20, 28)
OPERATIONS = (
    reference.adjust_brightness,
    reference.adjust_contrast,
    reference.adjust_saturation,
    reference.adjust_hue,
)
# What one image becomes under row i of a record.
One = Callable[[Tensor, Parameters, int], Tensor]


def pictures(n: int = 12, size: tuple[int, int] = SIZE) -> Tensor:
    """Noise with flat and grey parts: every branch of hue, ties of channels, black and white."""
    images = torch.rand(n, 3, *size, generator=generator_for("pictures"))
    images[:, :, :3] = images[:, :1, :3]
    images[:, 1, 3:6] = images[:, 0, 3:6]
    images[:, :, 6, :5], images[:, :, 6, 5:10] = 0, 1
    return images


def levels(images: Tensor) -> Tensor:
    return (images * 255).round().to(torch.uint8)


def jitter_one(image: Tensor, record: Parameters, i: int) -> Tensor:
    if not record["applied"][i]:
        return image
    for operation in record["order"][i].tolist():
        image = OPERATIONS[operation](image, record["factors"][i, operation].item())
    return image


def crop_one(image: Tensor, record: Parameters, i: int, crop: RandomResizedCrop) -> Tensor:
    box = [record[name][i].item() for name in crop.names]
    out = list(crop.frame_after(Frame(*image.shape[-2:])).size)
    mode = InterpolationMode(crop.interpolation)
    resized = reference.resized_crop(image, *box, out, interpolation=mode, antialias=True)
    return resized.clamp(0, 1) if image.is_floating_point() else resized


def blur_one(image: Tensor, record: Parameters, i: int) -> Tensor:
    if not record["applied"][i]:
        return image
    return reference.gaussian_blur(image, [3, 3], [record["sigma"][i].item()] * 2)


def where_applied(operation: Callable[[Tensor], Tensor]) -> One:
    return lambda image, record, i: operation(image) if record["applied"][i] else image


def grey(image: Tensor) -> Tensor:
    return reference.rgb_to_grayscale(image, num_output_channels=3)


def solarised(image: Tensor) -> Tensor:
    return reference.solarize(image, 0.5 if image.is_floating_point() else 128)


CROPS = [
    RandomResizedCrop(),
    RandomResizedCrop((0.8, 1.0)),
    RandomResizedCrop(interpolation="bicubic"),
    RandomResizedCrop(size=9),
    RandomResizedCrop(size=9, interpolation="bicubic"),
    RandomResizedCrop(size=41),
]
CASES = [
    (ColourJitter(), jitter_one),
    (ColourJitter(p=1.0, hue=0.5), jitter_one),
    (GaussianBlur(p=0.7), blur_one),
    (Greyscale(0.5), where_applied(grey)),
    (Solarise(0.5), where_applied(solarised)),
    (HorizontalFlip(), where_applied(reference.horizontal_flip)),
    *((crop, lambda *one, crop=crop: crop_one(*one, crop)) for crop in CROPS),
]


NAMES = [repr(augmentation)[:60] for augmentation, _ in CASES]
"""Without the functions, whose addresses differ between processes."""


@pytest.mark.parametrize(("augmentation", "one"), CASES, ids=NAMES)
def test_each_image_is_what_torchvision_makes_of_it(augmentation: Augmentation, one: One) -> None:
    images = pictures(48)
    record = augmentation.draw(48, generator=generator_for("draw"), size=SIZE)
    expected = torch.stack([one(image, record, i) for i, image in enumerate(images)])
    found = augmentation.apply(images, record)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("augmentation", "one"), CASES, ids=NAMES)
def test_uint8_is_within_a_level_of_torchvision(augmentation: Augmentation, one: One) -> None:
    images = levels(pictures(48))
    record = augmentation.draw(48, generator=generator_for("draw"), size=SIZE)
    found = augmentation.apply(images, record)
    assert found.dtype == torch.uint8
    # torchvision cuts to levels after each of the jitter's four operations, which later ones
    # amplify; here they are rounded once, so its float result is what counts there.
    if isinstance(augmentation, ColourJitter):
        ones = [levels(one(image / 255, record, i)) for i, image in enumerate(images)]
    else:
        ones = [one(image, record, i) for i, image in enumerate(images)]
    assert (found.int() - torch.stack(ones).int()).abs().max() <= 1


@pytest.mark.parametrize(("operation", "apart"), [(0, 1), (1, 1), (2, 2), (3, 1)])
def test_one_operation_on_uint8_beside_torchvisions(operation: int, apart: int) -> None:
    # Its saturation cuts luma to a level before it blends: 0.8 of a level more.
    images, jitter = levels(pictures(24)), ColourJitter(p=1.0)
    drawn = jitter.draw(24, generator=generator_for("one"), size=SIZE)
    factors = torch.tensor([1.0, 1.0, 1.0, 0.0]).repeat(24, 1)
    factors[:, operation] = drawn["factors"][:, operation]
    record = Parameters({**drawn.values, "factors": factors})
    each = zip(images, factors[:, operation].tolist(), strict=True)
    expected = [OPERATIONS[operation](image, factor) for image, factor in each]
    found = jitter.apply(images, record)
    assert (found.int() - torch.stack(expected).int()).abs().max() <= apart


def test_rotation_is_torchvisions_by_right_angles() -> None:
    images = pictures(8, (16, 16))
    record = Parameters({"turns": torch.arange(8) % 4})
    found = Rotation().apply(images, record)
    for i, image in enumerate(images):
        assert torch.equal(found[i], reference.rotate(image, 90.0 * (i % 4)))


def test_normalised_images_have_the_statistics_taken_out() -> None:
    images = pictures()
    found = CAUSAL3DIDENT.apply(images, Parameters({}, n=len(images)))
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in (CAUSAL3DIDENT.mean, CAUSAL3DIDENT.std))
    torch.testing.assert_close(found * std + mean, images)


def test_large_images_are_blurred_with_simclrs_kernel() -> None:
    blur = GaussianBlur(p=1.0)
    assert [2 * blur.radius((side, side)) + 1 for side in (224, 64, 48)] == [23, 7, 5]
    images = pictures(2, (64, 64))
    record = blur.draw(2, generator=generator_for("blur"), size=(64, 64))
    expected = [
        reference.gaussian_blur(image, [7, 7], [s] * 2)
        for image, s in zip(images, record["sigma"].tolist(), strict=True)
    ]
    torch.testing.assert_close(blur.apply(images, record), torch.stack(expected))


def everything() -> list[Augmentation]:
    return [augmentation for augmentation, _ in CASES] + [Rotation(), CAUSAL3DIDENT]


@pytest.mark.parametrize("augmentation", everything(), ids=lambda case: repr(case)[:60])
@pytest.mark.parametrize("as_levels", [False, True])
def test_images_are_left_as_they_were(augmentation: Augmentation, as_levels: bool) -> None:
    images = pictures(12, (16, 16))
    images = levels(images) if as_levels else images
    before = images.clone()
    views = augmentation.apply(
        images, augmentation.draw(12, generator=generator_for(0), size=(16, 16))
    )
    assert torch.equal(images, before)
    views.zero_()
    assert torch.equal(images, before)


@pytest.mark.parametrize("augmentation", everything(), ids=lambda case: repr(case)[:60])
def test_memory_layout_and_cutting_of_a_batch_do_not_matter(augmentation: Augmentation) -> None:
    images = levels(pictures(12, (16, 16)))
    record = augmentation.draw(12, generator=generator_for(0), size=(16, 16))
    whole = augmentation.apply(images, record)
    cuts = [slice(i, i + 5) for i in (0, 5, 10)]
    parts = [augmentation.apply(images[cut], record.rows(cut)) for cut in cuts]
    torch.testing.assert_close(torch.cat(parts), whole)
    channels_last = images.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(augmentation.apply(channels_last, record), whole)


def test_no_images_give_no_views() -> None:
    for augmentation in everything():
        record = augmentation.draw(0, generator=generator_for(0), size=(16, 16))
        assert augmentation.apply(torch.empty(0, 3, 16, 16), record).shape[0] == 0


# -- what is drawn --------------------------------------------------------------------------------

N = 20_000


def test_jitter_draws_the_law_it_states() -> None:
    record = ColourJitter.of_strength(1.0).draw(N, generator=generator_for(1), size=SIZE)
    assert abs(record["applied"].float().mean() - 0.8) < 5 * math.sqrt(0.16 / N)
    bounds = torch.tensor([[0.2, 1.8]] * 3 + [[-0.2, 0.2]])
    factors = record["factors"]
    assert (factors >= bounds[:, 0]).all()
    assert (factors <= bounds[:, 1]).all()
    # The mean of a uniform law has standard error width / sqrt(12 N).
    error = (bounds[:, 1] - bounds[:, 0]) / math.sqrt(12 * N)
    assert ((factors.mean(0) - bounds.mean(1)).abs() < 5 * error).all()
    _, counts = record["order"].unique(dim=0, return_counts=True)
    assert len(counts) == 24
    assert ((counts / N - 1 / 24).abs() < 5 * math.sqrt(1 / 24 * 23 / 24 / N)).all()


def test_two_views_are_turned_differently_over_all_pairs_alike() -> None:
    u = torch.rand(N, 2, 1, generator=generator_for(2), dtype=torch.float64)
    first, second = (p["turns"] for p in Rotation().parameters_of_views(u, [Frame(8, 8)] * 2))
    pairs, counts = torch.stack([first, second], 1).unique(dim=0, return_counts=True)
    assert len(pairs) == 12
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert ((counts / N - 1 / 12).abs() < 5 * math.sqrt(1 / 12 * 11 / 12 / N)).all()


@pytest.mark.parametrize("size", [(64, 64), (30, 90), (90, 30)])
@pytest.mark.parametrize("scale", [(0.08, 1.0), (0.8, 1.0)])
def test_crops_have_torchvisions_law(size: tuple[int, int], scale: tuple[float, float]) -> None:
    from torchvision.transforms.v2 import RandomResizedCrop as Theirs

    n = 3000
    ours = RandomResizedCrop(scale).draw(n, generator=generator_for(3), size=size)
    theirs = Theirs(8, scale=scale)
    image = torch.zeros(3, *size)
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        drawn = [theirs.make_params([image]) for _ in range(n)]
    from scipy.stats import ks_2samp

    for name in ours.values:
        # 24 comparisons with fixed seeds: 1e-4 is no accident among them.
        assert ks_2samp(ours[name], [d[name] for d in drawn]).pvalue > 1e-4


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(3, 8, 8), "expected \\(n, 3, height, width\\)"),
        (torch.rand(2, 8, 8, 3), "permute"),
        (torch.rand(2, 3, 8, 8).double(), "float64: expected uint8"),
        (torch.rand(2, 3, 8, 8) * 255, "divide by 255"),
        (torch.rand(2, 3, 8, 8) - 1, "expected \\[0, 1\\]"),
        (torch.full((2, 3, 8, 8), math.nan), "expected \\[0, 1\\]"),
    ],
)
def test_what_is_no_batch_of_images(images: Tensor, message: str) -> None:
    record = Parameters({"applied": torch.ones(2, dtype=torch.bool)})
    with pytest.raises(InputError, match=message):
        Greyscale().apply(images, record)


def test_a_rounding_error_beyond_the_range_is_no_other_range() -> None:
    # Antialiasing resizes make 1.0000001 of white.
    white = reference.resize(torch.ones(2, 3, 375, 500), [256, 256])
    assert white.max() > 1
    record = Parameters({"applied": torch.ones(2, dtype=torch.bool)})
    torch.testing.assert_close(HorizontalFlip().apply(white, record), white)


def test_records_that_do_not_fit() -> None:
    images = pictures(2)
    with pytest.raises(InputError, match="3 samples for 2 images"):
        Greyscale().apply(images, Parameters({"applied": torch.ones(3, dtype=torch.bool)}))
    with pytest.raises(InputError, match="expected turns"):
        Rotation().apply(images, Parameters({"applied": torch.ones(2, dtype=torch.bool)}))
    with pytest.raises(InputError, match="b has 2 rows: expected 1"):
        Parameters({"a": torch.ones(1), "b": torch.ones(2)})
    record = RandomResizedCrop().draw(2, generator=generator_for(0), size=(99, 99))
    with pytest.raises(InputError, match="not within an image of 20 x 28"):
        RandomResizedCrop().apply(images, record)


def test_rotations_need_squares_and_few_views() -> None:
    with pytest.raises(InputError, match="20 x 28 pixels: quarter turns"):
        Rotation().draw(2, generator=generator_for(0), size=SIZE)
    with pytest.raises(InputError, match="quarter turns"):
        Rotation().apply(pictures(2), Parameters({"turns": torch.tensor([0, 1])}))
    with pytest.raises(InputError, match="at most 4"):
        Rotation().parameters_of_views(torch.zeros(2, 5, 1), [Frame(8, 8)] * 5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: ColourJitter(p=1.1),
        lambda: ColourJitter(contrast=-0.1),
        lambda: ColourJitter(hue=0.6),
        lambda: RandomResizedCrop((0.0, 1.0)),
        lambda: RandomResizedCrop((0.5, 1.1)),
        lambda: RandomResizedCrop(ratio=(2.0, 1.0)),
        lambda: RandomResizedCrop(size=0),
        lambda: RandomResizedCrop(interpolation="bicubik"),  # type: ignore[arg-type]
        lambda: GaussianBlur(sigma=(0.0, 1.0)),
        lambda: GaussianBlur(kernel=1.0),
        lambda: GaussianBlur().draw(1, generator=generator_for(0), size=(1, 8)),
        lambda: Greyscale(-0.1),
        lambda: HorizontalFlip(2.0),
        lambda: Solarise(threshold=-1.0),
        lambda: Normalise((0.0, 0.0), (1.0, 1.0)),  # type: ignore[arg-type]
        lambda: Normalise((0.0, 0.0, 0.0), (1.0, 0.0, 1.0)),
        lambda: Greyscale().draw(-1, generator=generator_for(0), size=SIZE),
        lambda: Greyscale().draw(1, generator=generator_for(0), size=(3, 8, 8)),
        lambda: Greyscale().draw(1, generator=generator_for(0), size=(0, 8)),
    ],
)
def test_values_out_of_range(make: Callable[[], object]) -> None:
    with pytest.raises(InputError):
        make()
