"""What a dry run makes of what it measured, by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from causal_ssl.experiments.pretraining import measured
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.dry_run import estimates
from causal_ssl.experiments.pretraining.measured import Measured, Probing, probing_of
from causal_ssl.experiments.pretraining.memory import Memory, needed
from causal_ssl.experiments.pretraining.plan import asked_for, make_plan
from causal_ssl.models.image_encoders import EncoderConfig, image_encoder

MEASURED = Measured(8, 1.0, 0.25, 1000, None, Probing(10.0, 0.5))
"""Steps of 8 images take a second, a round of probes 10 and half a second an image."""


def said(measured: Measured = MEASURED, **values: Any) -> dict[str, str]:
    """What 100 steps of 16 images take, of 1,000 images."""
    run = {"steps": 100, "batch_size": 16, "monitor_images": 16, "device": "cpu"}
    asked: Pretraining = asked_for("relic", "fashion-small", **run | values)
    plan = make_plan("relic", asked, n_images=1000, n_classes=10)
    return dict(estimates(plan, asked, measured, Memory(2000, 3000)))


def test_time_is_that_of_all_steps_and_all_probes() -> None:
    words = said(monitor_every=30)
    # After steps 30, 60, 90 and 100: 10 + 0.5 x 32 s; 100 steps of 2 s.
    assert words["probes"] == "4 x 26 seconds, on at most 32 images"
    assert words["time"] == "5.1 minutes on this machine, of it 1.7 minutes for probes"
    assert said(monitor_every=0)["probes"].startswith("1 x ")


def test_devices_share_the_steps_and_not_the_probes() -> None:
    words = said(devices=2, monitor_every=50)
    assert words["time"] == "2.5 minutes on 2 devices like this one, of it 52 seconds for probes"


def test_probes_see_no_more_training_images_than_there_are() -> None:
    assert said(monitor_images=3000)["probes"].endswith(", on at most 4,000 images")


def test_a_run_without_probes() -> None:
    words = said(Measured(8, 1.0, 0.25, 1000, None, None), monitor_images=0)
    assert words["probes"] == "none"
    assert words["time"] == "3.3 minutes on this machine"


def test_memory_and_disk() -> None:
    words = said()
    assert words["memory"].startswith("5.0 kB a device: 2.0 kB for weights")
    assert words["disk"] == "3.0 kB: checkpoints of 1.0 kB, 3 at most"


class Grey:
    """Images of 28 x 28 pixels."""

    size, classes, skipped = 28, ["one"], list[str]()
    labels = np.zeros(1000, np.int64)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: np.ndarray, generator: Any = None) -> dict[str, torch.Tensor]:
        return {"image": torch.full((len(indices), 3, 28, 28), 128, dtype=torch.uint8)}


def activations_per_image(name: str, **values: Any) -> float:
    """Bytes, from what 256 images more take."""

    def activations(batch_size: int) -> int:
        asked = asked_for(
            name, "fashion-small", batch_size=batch_size, steps=1, warmup_epochs=0, **values
        )
        return needed(make_plan(name, asked, n_images=1000, n_classes=1), asked, Grey()).activations

    return (activations(512) - activations(256)) / 256


def test_what_an_image_takes_is_a_batchs_share_without_copies_of_the_weights() -> None:
    wide = {"critic": "1024-1024-16", "device": "cpu"}
    full, half = (activations_per_image("relic", precision=p, **wide) for p in ("float32", "bf16"))
    assert 0.4 * full < half < 0.75 * full  # copies, 2.6 MB in bfloat16, would outweigh it


def test_views_that_the_target_network_alone_sees_keep_nothing() -> None:
    anchors = activations_per_image("moco_v2", device="cpu")
    both = activations_per_image("simclr", device="cpu")  # the same but for the critic's norms
    assert anchors == pytest.approx(both / 2, rel=0.1)


class Clock:
    """Stands still but for what is done by it; what is done first takes a minute more."""

    now, first = 0.0, 60.0

    def __call__(self) -> float:
        return self.now

    def probes(self, n: int) -> Callable[[Any], None]:
        def probe(encoder: Any) -> None:
            self.now += self.first + 3.0 + 0.25 * 2 * n
            self.first = 0.0

        return probe


@pytest.mark.parametrize(("more", "expected"), [(32, Probing(3.0, 0.25)), (4, Probing(0.0, 0.625))])
def test_what_a_round_takes_at_any_size_is_told_from_what_images_take(
    monkeypatch: pytest.MonkeyPatch, more: int, expected: Probing
) -> None:
    clock = Clock()
    monkeypatch.setattr(measured.time, "perf_counter", clock)
    encoder = image_encoder(EncoderConfig("conv4"), seed=0)
    assert probing_of(clock.probes, encoder, few=4, more=more) == expected
