"""Training that starts from the trunk of another encoder."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from causal_ssl.errors import InputError
from causal_ssl.methods import Optimiser
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import EncoderConfig, image_encoder
from causal_ssl.training.images import ImageRun, ImageTraining, Start, TrainedImages
from causal_ssl.training.images.module import ImageModule

Run = Callable[..., TrainedImages]
ENCODER = EncoderConfig("conv4", n_outputs=4)


def of_classes(rates: float = 0.1) -> ImageTraining:
    return ImageTraining(
        steps=4,
        batch_size=8,
        method="supervised",
        encoder=replace(ENCODER, head=Head()),
        optimiser=Optimiser("nesterov", rates),
        log_every=1,
    )


def module(start: Start | None, config: ImageTraining | None = None) -> ImageModule:
    run = ImageRun(
        config or of_classes(),
        torch.zeros(8, 3, 16, 16, dtype=torch.uint8),
        lambda batch, generator: ([batch], None),
        out=Path("never made"),
        seed=1,
        groups=lambda batch: torch.arange(len(batch)) % 4,
        start=start,
        device="cpu",
    )
    return ImageModule(run)


def test_the_trunk_is_that_of_the_other_encoder_and_the_head_fresh() -> None:
    other = image_encoder(replace(ENCODER, n_outputs=7), seed=5).train()
    other(torch.rand(9, 3, 16, 16))  # moves its batch statistics
    started, fresh = module(Start(other)).encoder, module(None).encoder
    for name, value in other.trunk.state_dict().items():
        assert torch.equal(started.trunk.state_dict()[name], value), name
    assert torch.equal(started.head.weight, fresh.head.weight)
    assert not torch.equal(started.trunk[0].weight, fresh.trunk[0].weight)
    started.trunk[0].weight.data.zero_()
    assert other.trunk[0].weight.abs().sum() > 0


def rates_of_a_step(made: ImageModule, step: int) -> list[float]:
    """The learning rates of the groups in a step, weights and biases of the trunk, of the head."""
    optimiser = made.configure_optimizers()
    made.trainer = SimpleNamespace(global_step=step)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImageModule, "global_step", step)
        patch.setattr("lightning.pytorch.LightningModule.optimizer_step", lambda *args: None)
        made.optimizer_step(0, step, optimiser)
    return [group["lr"] for group in optimiser.param_groups]


def test_the_head_has_a_rate_of_its_own_under_the_same_schedule() -> None:
    other = image_encoder(ENCODER, seed=5)
    config = replace(of_classes(0.1), schedule="warmup_cosine", warmup=0.0)
    own = module(Start(other, head_rate=0.4), config)
    shared = module(Start(other), config)
    # Half a cosine from 1: 1/2 (1 + cos(pi / 2)) at step 2 of 4.
    assert rates_of_a_step(own, 0) == pytest.approx([0.1, 0.1, 0.4, 0.4])
    assert rates_of_a_step(own, 2) == pytest.approx([0.05, 0.05, 0.2, 0.2])
    assert rates_of_a_step(shared, 2) == pytest.approx([0.05, 0.05])


def test_biases_may_have_a_part_of_the_rate_that_weights_have_in_trunk_and_head() -> None:
    plain = replace(of_classes(), optimiser=Optimiser("lars", 0.1, plain_factor=0.25))
    other = image_encoder(ENCODER, seed=5)
    assert rates_of_a_step(module(None, plain), 0) == pytest.approx([0.1, 0.025])
    with_head = module(Start(other, head_rate=0.4), plain)
    assert rates_of_a_step(with_head, 0) == pytest.approx([0.1, 0.025, 0.4, 0.1])


def test_images_go_to_the_device_and_their_proportions_stay() -> None:
    batch = {"image": torch.zeros(2, 3, 4, 4), "aspect": torch.ones(2)}
    moved = module(None).transfer_batch_to_device(batch, torch.device("meta"), 0)
    assert moved["image"].device.type == "meta"
    assert torch.equal(moved["aspect"], batch["aspect"])


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ({"name": "resnet18"}, "name is resnet18 there, conv4 here"),
        ({"mean": (0.5, 0.5, 0.5)}, r"mean is \(0.5, 0.5, 0.5\) there, \(0.0, 0.0, 0.0\) here"),
    ],
    ids=["trunk", "mean"],
)
def test_another_kind_of_encoder_is_refused(there: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        module(Start(image_encoder(replace(ENCODER, **there), seed=0)))
    with pytest.raises(InputError, match="head_rate must be above 0, got 0"):
        Start(image_encoder(ENCODER, seed=0), head_rate=0)


def test_a_run_from_other_weights_is_another_run(run: Run, tmp_path: Path) -> None:
    one, other = (Start(image_encoder("conv4", n_outputs=4, seed=seed)) for seed in (0, 1))
    run(steps=6, start=one)
    run(steps=6, start=Start(one.encoder))
    with pytest.raises(InputError, match=r"start.trunk is \w+ there, \w+ here"):
        run(steps=6, start=other)
    with pytest.raises(InputError, match=r"start.head_rate is None there, 0.5 here"):
        run(steps=6, start=Start(one.encoder, head_rate=0.5))
