"""Stacks: what is drawn together, what depends on what, and the named ones as published."""

import pickle

import pytest
import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for
from causal_ssl.views.augmentations import (
    CAUSAL3DIDENT,
    GaussianBlur,
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


@pytest.mark.parametrize("name", stacks.names())
def test_one_seed_gives_one_record_and_one_record_the_same_views(name: str) -> None:
    stack, images = stacks.get(name), pictures(20)
    views, record = stack(images, generator=generator_for(0, "views"))
    again = stack.draw(20, generator=generator_for(0, "views"), size=SIZE)
    assert all(same(a, b) for a, b in zip(record, again, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(views, stack.apply(images, record), strict=True))
    other = stack(images, generator=generator_for(1, "views"))
    assert not torch.equal(views[0], other.images[0])
    assert not torch.equal(views[0], views[1])
    assert all(view.dtype == torch.uint8 and view.shape == images.shape for view in views)


@pytest.mark.parametrize("name", stacks.names())
def test_parameters_of_a_sample_do_not_depend_on_the_batch_around_it(name: str) -> None:
    stack = stacks.get(name)
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


@pytest.mark.parametrize("name", ["relic", "byol", "rotation"])
def test_large_batches_are_cut_into_chunks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stack, images = stacks.get(name), pictures(20)
    views, record = stack(images, generator=generator_for(0))
    monkeypatch.setattr(_pipeline, "CHUNK", 7 * images[0].numel())
    for view, again in zip(views, stack.apply(images, record), strict=True):
        assert (view.int() - again.int()).abs().max() <= 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", stacks.names())
def test_views_are_the_same_on_a_gpu(name: str) -> None:
    stack, images = stacks.get(name), pictures(20).float() / 255
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
