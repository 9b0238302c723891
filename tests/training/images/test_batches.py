"""Which samples a step sees, and how they are read."""

import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from causal_ssl.errors import InputError
from causal_ssl.models.image_encoders import ImageEncoder, image_encoder
from causal_ssl.training.images import features
from causal_ssl.training.images.batches import StepBatches, ordered_loader, step_loader


def test_every_pass_sees_each_sample_at_most_once_in_an_order_of_its_own() -> None:
    batches = StepBatches(torch.arange(11), batch_size=3, seed=0)  # 3 batches a pass
    passes = [torch.cat([batches[3 * p + k] for k in range(3)]).tolist() for p in range(4)]
    assert all(len(set(seen)) == 9 for seen in passes)
    assert len({tuple(seen) for seen in passes}) == 4
    assert set().union(*passes) == set(range(11))  # nobody is always left out


def test_a_batch_is_a_pure_function_of_seed_and_step() -> None:
    def drawn(seed: int, steps: list[int]) -> list[list[int]]:
        batches = StepBatches(torch.arange(20), batch_size=4, seed=seed)
        return [batches[step].tolist() for step in steps]

    assert drawn(0, [7, 3, 12]) == [drawn(0, [step])[0] for step in (7, 3, 12)]
    assert drawn(0, [7]) != drawn(1, [7])


def test_the_processes_batches_are_the_batch_of_one() -> None:
    whole = StepBatches(torch.arange(20), batch_size=6, seed=0)
    shares = [
        StepBatches(torch.arange(20), batch_size=6, seed=0, rank=r, ranks=3) for r in range(3)
    ]
    for step in range(7):
        assert torch.equal(whole[step], torch.cat([share[step] for share in shares]))


class Reader:
    """A data set that reads whole batches and draws something itself."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        return self.n

    def batch(self, indices: np.ndarray, generator: torch.Generator) -> dict:
        images = np.full((len(indices), 3, 16, 16), 0.5, np.float32)
        return {"image": images, "index": indices, "drawn": torch.rand(2, generator=generator)}


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_starts_where_it_is_told(workers: int) -> None:
    batches = StepBatches(Reader(20), batch_size=4, seed=0)
    loader = step_loader(batches, start=3, total=8, workers=workers, pinned=False)
    loaded = list(loader)
    assert (len(loaded), len(loader)) == (5, 8)
    for step, batch in enumerate(loaded, start=3):
        assert batch["index"].tolist() == batches.indices(step).tolist()
        assert torch.equal(batch["drawn"], batches[step]["drawn"])
    assert not torch.equal(loaded[0]["drawn"], loaded[1]["drawn"])


class Refusing(Reader):
    """A data set of which the last sample cannot be read."""

    def batch(self, indices: np.ndarray, generator: torch.Generator) -> dict:
        if self.n - 1 in indices:
            try:
                raise OSError("no such file")
            except OSError as error:
                raise InputError("last.jpg cannot be decoded: restore it") from error
        return super().batch(indices, generator)


@pytest.mark.parametrize("workers", [0, 1])
def test_what_a_worker_refuses_is_said_without_a_trace(workers: int) -> None:
    loader = ordered_loader(Refusing(4), batch_size=2, workers=workers, pinned=False)
    loaded = []
    with pytest.raises(InputError) as refused:
        loaded.extend(loader)
    assert str(refused.value) == "last.jpg cannot be decoded: restore it"
    assert len(loaded) == 1  # what was read before it was handed out


def test_more_workers_than_cores_are_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ordered_loader(torch.zeros(4, 3), batch_size=2, workers=4096, pinned=False)


def test_loading_leaves_the_global_state_alone() -> None:
    before = torch.get_rng_state()
    batches = StepBatches(Reader(20), batch_size=4, seed=0)
    next(iter(step_loader(batches, start=0, total=8, workers=0, pinned=False)))
    assert torch.equal(before, torch.get_rng_state())


def test_bad_batches() -> None:
    with pytest.raises(InputError, match="3 samples for a batch of 4"):
        StepBatches(range(3), batch_size=4, seed=0)
    with pytest.raises(InputError, match="give a multiple of 3"):
        StepBatches(range(9), batch_size=4, seed=0, ranks=3)


@pytest.fixture
def encoder() -> ImageEncoder:
    """In training mode, with batch statistics that differ from any batch's."""
    encoder = image_encoder("conv4", seed=0)
    encoder(torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(1)))
    return encoder


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_features_do_not_depend_on_the_batch(
    encoder: ImageEncoder, images: Tensor, batch_size: int
) -> None:
    made = features(encoder, images, batch_size=batch_size)
    expected = encoder.eval()(images)
    np.testing.assert_allclose(made.final, expected.final.detach(), atol=1e-6)
    np.testing.assert_allclose(made.intermediate, expected.intermediate.detach(), atol=1e-6)


def test_features_restore_the_mode(encoder: ImageEncoder, images: Tensor) -> None:
    features(encoder.train(), images)
    assert encoder.training
    features(encoder.eval(), images)
    assert not encoder.training
    with pytest.raises(InputError):
        features(encoder.train(), [{"label": 1}])
    assert encoder.training


def as_tuples(images: Tensor) -> list:
    return [(image, k) for k, image in enumerate(images)]


def as_dicts(images: Tensor) -> list:
    return [{"image": image.numpy(), "label": k} for k, image in enumerate(images)]


@pytest.mark.parametrize(
    ("form", "workers"), [(as_tuples, 0), (as_dicts, 1), (Tensor.numpy, 1), (list, 0)]
)
def test_features_of_any_form_of_data(
    encoder: ImageEncoder, images: Tensor, form: Callable, workers: int
) -> None:
    made = features(encoder, form(images), batch_size=8, workers=workers)
    np.testing.assert_array_equal(made.final, features(encoder, images, batch_size=8).final)


def test_no_images_are_refused(encoder: ImageEncoder) -> None:
    with pytest.raises(InputError, match="images must be at least 1"):
        features(encoder, [])
    with pytest.raises(InputError, match='has one as "image"'):
        features(encoder, [{"label": 1}])
