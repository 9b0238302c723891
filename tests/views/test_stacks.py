"""Stacks: what is drawn together, what depends on what, and the named ones as published."""

import pickle

import pytest
import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for
from causal_ssl.views.augmentations import (
    CAUSAL3DIDENT,
    ColourJitter,
    GaussianBlur,
    Greyscale,
    HorizontalFlip,
    Parameters,
    RandomResizedCrop,
    Rotation,
    Solarise,
    Stack,
    _pipeline,
    stacks,
)

SIZE = (24, 24)


def pictures(n: int) -> Tensor:
    return torch.randint(256, (n, 3, *SIZE), generator=generator_for("pictures"), dtype=torch.uint8)


def same(a: Parameters, b: Parameters) -> bool:
    return a.values.keys() == b.values.keys() and all(
        torch.equal(a[name], b[name]) for name in a.values
    )


def named(name: str) -> Stack:
    """The stack of that name; where its views have their own sizes, scaled to these pictures."""
    return stacks.get(name).at_size(24) if name == "multi_crop" else stacks.get(name)


@pytest.mark.parametrize("name", stacks.names())
def test_one_seed_gives_one_record_and_one_record_the_same_views(name: str) -> None:
    stack, images = named(name), pictures(20)
    views, record = stack(images, generator=generator_for(0, "views"))
    again = stack.draw(20, generator=generator_for(0, "views"), size=SIZE)
    assert all(same(a, b) for a, b in zip(record, again, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(views, stack.apply(images, record), strict=True))
    other = stack(images, generator=generator_for(1, "views"))
    assert not torch.equal(views[0], other.images[0])
    assert len(views) == stack.n_views
    assert all(not torch.equal(views[0], view) for view in views[1:])
    assert all(view.dtype == torch.uint8 for view in views)
    assert all(view.shape == images.shape for view in views[:2])


@pytest.mark.parametrize("name", stacks.names())
def test_parameters_of_a_sample_do_not_depend_on_the_batch_around_it(name: str) -> None:
    stack = named(name)
    whole = stack.draw(40, generator=generator_for(0), size=SIZE)
    start = stack.draw(7, generator=generator_for(0), size=SIZE)
    assert all(same(a.rows(slice(7)), b) for a, b in zip(whole, start, strict=True))
    generator = generator_for(0)
    parts = [stack.draw(n, generator=generator, size=SIZE) for n in (16, 1, 23)]
    assert all(same(a.rows(slice(16, 17)), b) for a, b in zip(whole, parts[1], strict=True))
    assert all(same(a.rows(slice(17, 40)), b) for a, b in zip(whole, parts[2], strict=True))


def test_a_stack_does_its_steps_one_after_the_other() -> None:
    stack, images = stacks.get("relic"), pictures(20).float() / 255
    views, record = stack(images, generator=generator_for(0))
    for view in range(2):
        x = images
        for name, augmentation in stack.augmentations(view).items():
            x = augmentation.apply(x, record[view].of_step(name))
        torch.testing.assert_close(views[view], x)


@pytest.mark.parametrize("name", ["relic", "byol", "rotation", "multi_crop"])
def test_large_batches_are_cut_into_chunks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stack, images = named(name), pictures(20)
    views, record = stack(images, generator=generator_for(0))
    monkeypatch.setattr(_pipeline, "CHUNK", 7 * images[0].numel())
    for view, again in zip(views, stack.apply(images, record), strict=True):
        assert (view.int() - again.int()).abs().max() <= 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", stacks.names())
def test_views_are_the_same_on_a_gpu(name: str) -> None:
    stack, images = named(name), pictures(20).float() / 255
    views, record = stack(images, generator=generator_for(0))
    on_gpu, record_on_gpu = stack(images.cuda(), generator=generator_for(0))
    assert all(same(a, b) for a, b in zip(record, record_on_gpu, strict=True))
    for view, other in zip(views, on_gpu, strict=True):
        torch.testing.assert_close(other.cpu(), view, atol=1e-4, rtol=0)


def test_one_intervention_on_all_images() -> None:
    stack, images = stacks.get("simclr"), pictures(6)
    record = stack.draw(6, generator=generator_for(0), size=SIZE)[0].rows([4] * 6)
    views = stack.apply_view(0, images[2:3].repeat(6, 1, 1, 1), record)
    assert (views == views[0]).all()


def test_the_last_step_may_normalise() -> None:
    stack = stacks.get("crop_small").then("normalise", CAUSAL3DIDENT)
    images = pictures(5)
    views, record = stack(images, generator=generator_for(0))
    plain, plain_record = stacks.get("crop_small")(images, generator=generator_for(0))
    assert same(record[0], plain_record[0])
    expected = CAUSAL3DIDENT.apply(plain[0], Parameters({}, n=5))
    torch.testing.assert_close(views[0], expected)


def test_views_may_have_their_own_sizes() -> None:
    crops = (RandomResizedCrop(size=16), RandomResizedCrop(size=8))
    stack = Stack("two", "two", {"crop": crops, "rotation": Rotation()}, source="here")
    large, small = stack(pictures(5), generator=generator_for(0)).images
    assert (large.shape[-1], small.shape[-1]) == (16, 8)


def test_stacks_travel_to_other_processes() -> None:
    stack = stacks.get("byol")
    assert pickle.loads(pickle.dumps(stack)) == stack


def test_views_of_a_part_of_a_batch_are_those_of_the_whole() -> None:
    aspect = torch.linspace(0.5, 2.0, 12)
    for name in ("relic", "multi_crop"):
        stack, images = named(name), pictures(12)
        whole = stack(images, generator=generator_for(0), aspect=aspect).images
        generator = generator_for(0)
        parts = [
            stack(images[rows], generator=generator, aspect=aspect[rows]).images
            for rows in (slice(0, 5), slice(5, 12))
        ]
        for view, pieces in zip(whole, zip(*parts, strict=True), strict=True):
            assert (torch.cat(pieces).int() - view.int()).abs().max() <= 1


# -- sizes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["relic", "byol", "moco_v2", "supervised"])
def test_views_at_another_size_show_the_same_windows(name: str) -> None:
    stack, images = stacks.get(name), pictures(10)
    _, record = stack(images, generator=generator_for(0))
    views, other = stack.at_size(16)(images, generator=generator_for(0))
    assert all(same(a, b) for a, b in zip(record, other, strict=True))
    assert [view.shape[-2:] for view in views] == [(16, 16)] * stack.n_views
    assert stack.at_size(99).at_size(16) == stack.at_size(16)


def test_small_crops_are_scaled_with_the_large_ones() -> None:
    stack = stacks.get("multi_crop").at_size(56)
    views = stack(pictures(4), generator=generator_for(0)).images
    assert [view.shape[-1] for view in views] == [56] * 2 + [24] * 6


def test_blur_at_full_size_has_the_kernel_of_the_paper() -> None:
    stack, point = stacks.get("simclr").at_size(224), torch.zeros(1, 3, 256, 256)
    point[:, :, 128, 128] = 1
    drawn = stack.draw(1, generator=generator_for(0), size=(256, 256))[0]
    # A window of 224 pixels, not resized; no colours changed; the widest blur.
    wanted: dict[str, float] = {"jitter.applied": False, "greyscale.applied": False}
    wanted |= {"blur.applied": True, "blur.sigma": 2.0}
    wanted |= {"crop.top": 16, "crop.left": 16, "crop.height": 224, "crop.width": 224}
    changed = {name: torch.full_like(drawn[name], value) for name, value in wanted.items()}
    values = {**drawn.values, **changed}
    view = stack.apply_view(0, point, Parameters(values))[0, 0]
    lit = (view > 0).nonzero()
    assert (lit.amax(0) - lit.amin(0) + 1).tolist() == [23, 23]


# -- the named ones -------------------------------------------------------------------------------


def test_byols_views_are_asymmetric_as_published() -> None:
    first, second = (stacks.get("byol").augmentations(view) for view in range(2))
    assert (first["blur"], second["blur"]) == (GaussianBlur(p=1.0), GaussianBlur(p=0.1))
    assert (first["solarise"], second["solarise"]) == (Solarise(p=0.0), Solarise(p=0.2))
    record = stacks.get("byol").draw(4000, generator=generator_for(0), size=SIZE)
    assert record[0]["blur.applied"].all()
    assert not record[0]["solarise.applied"].any()
    # Five standard errors of a proportion of 0.1 and of 0.2.
    assert abs(record[1]["blur.applied"].float().mean() - 0.1) < 0.024
    assert abs(record[1]["solarise.applied"].float().mean() - 0.2) < 0.032


def test_crops_of_the_two_sizes_have_the_areas_of_the_paper() -> None:
    for name, least in (("crop_large", 0.8), ("crop_small", 0.08)):
        record = stacks.get(name).draw(4000, generator=generator_for(0), size=(224, 224))[0]
        area = record["crop.height"] * record["crop.width"] / 224**2
        assert area.min() > least - 0.01
        assert area.min() < least + 0.02
        assert area.max() > 0.97


def test_moco_crops_a_fifth_at_least_and_jitters_by_a_half_of_simclrs_strength() -> None:
    first, second = (stacks.get("moco_v2").augmentations(view) for view in range(2))
    assert first == second
    assert first["crop"] == RandomResizedCrop((0.2, 1.0))
    assert first["jitter"] == ColourJitter(0.8, 0.4, 0.4, 0.4, 0.1)
    assert (first["greyscale"], first["blur"]) == (Greyscale(0.2), GaussianBlur(p=0.5))


def test_multi_crop_has_two_large_and_six_small_views() -> None:
    stack = stacks.get("multi_crop")
    record = stack.draw(3000, generator=generator_for(0), size=(500, 500))
    for view, (least, greatest) in enumerate([(0.14, 1.0)] * 2 + [(0.05, 0.14)] * 6):
        area = record[view]["crop.height"] * record[view]["crop.width"] / 500**2
        # A pixel more or less on either side of a window of 500 sqrt(least) and more.
        assert least * 0.98 < area.min() < least * 1.02
        assert greatest * 0.97 < area.max() < greatest * 1.02
    rest = [{k: a for k, a in stack.augmentations(v).items() if k != "crop"} for v in range(8)]
    simclr = stacks.get("simclr").augmentations(0)
    assert all(own == {k: a for k, a in simclr.items() if k != "crop"} for own in rest)


def test_small_grey_images_stay_grey() -> None:
    grey = pictures(30)[:, :1].expand(-1, 3, -1, -1)
    views, record = stacks.get("small_grey")(grey, generator=generator_for(0))
    for view, parameters in zip(views, record, strict=True):
        assert parameters["jitter.applied"].any()
        assert (view.int() - view[:, :1].int()).abs().max() <= 1


# -- what is refused ------------------------------------------------------------------------------


def test_an_unknown_stack_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'simclr'"):
        stacks.get("simklr")
    with pytest.raises(InputError, match="registered already"):
        stacks.register(stacks.get("simclr"))


def test_stacks_that_cannot_be() -> None:
    flip = HorizontalFlip()
    with pytest.raises(InputError, match="no step"):
        Stack("none", "none", {}, source="here")
    with pytest.raises(InputError, match="without a dot"):
        Stack("dot", "dot", {"flip.once": flip}, source="here")
    with pytest.raises(InputError, match="3 augmentations for 2 views"):
        Stack("three", "three", {"flip": (flip, flip, flip)}, source="here")
    with pytest.raises(InputError, match=r"'normalise' .* must be the last"):
        Stack("late", "late", {"normalise": CAUSAL3DIDENT, "flip": flip}, source="here")
    with pytest.raises(InputError, match="n_views must be at least 1"):
        Stack("zero", "zero", {"flip": flip}, source="here", n_views=0)
    with pytest.raises(InputError, match="'rotation' has no crop: resize its images to 24 pixels"):
        stacks.get("rotation").at_size(24)
    with pytest.raises(InputError, match="size must be at least 1"):
        stacks.get("relic").at_size(0)
    with pytest.raises(InputError, match="a step 'flip' already"):
        stacks.get("crop_small").then("flip", flip)


def test_records_that_do_not_fit_a_stack() -> None:
    stack, images = stacks.get("colour_distortion"), pictures(3)
    record = stack.draw(3, generator=generator_for(0), size=SIZE)
    with pytest.raises(InputError, match="a record of 1 views"):
        stack.apply(images, record[:1])
    other = stacks.get("crop_small").draw(3, generator=generator_for(0), size=SIZE)
    with pytest.raises(InputError, match=r"expected greyscale\.applied"):
        stack.apply(images, other)
    with pytest.raises(InputError, match="quarter turns"):
        stacks.get("rotation").draw(3, generator=generator_for(0), size=(24, 30))
