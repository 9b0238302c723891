"""What the trainer computes, learns, logs and refuses."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor, nn

from causal_ssl import methods
from causal_ssl.errors import InputError
from causal_ssl.methods import Optimiser
from causal_ssl.models.ema import EMATarget, ema_decay
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import EncoderConfig, ImageEncoder, image_encoder
from causal_ssl.models.weights import load_encoder
from causal_ssl.models.weights.runs import save_encoder
from causal_ssl.randomness import generator_for
from causal_ssl.training.images import (
    ImageTraining,
    NonFiniteError,
    TrainedImages,
    features,
)
from causal_ssl.training.images.batches import StepBatches
from causal_ssl.training.images.module import ImageModule

Run = Callable[..., TrainedImages]


def series(metrics: pd.DataFrame, name: str) -> dict[int, float]:
    """Step -> value of one metric."""
    rows = metrics[metrics.metric == name]
    return dict(zip(rows.step, rows.value, strict=True))


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def plain_loop(config: ImageTraining, images: Tensor, views: Callable, seed: int):
    """What the trainer should compute, without it: the encoder and the loss of every step."""
    method = methods.get(config.method)
    encoder = image_encoder(config.encoder, seed=seed)
    target = EMATarget(encoder) if method.target else None
    objective = method.objective(**config.objective)
    optimizer = torch.optim.Adam(encoder.parameters(), fused=True)
    batches = StepBatches(images, batch_size=config.batch_size, seed=seed)
    losses = []
    for step in range(config.steps):
        seen, _ = views(batches[step], generator_for(seed, "views", step, 0))
        online = [encoder(view).final for view in seen]
        terms = objective(online, target and [target(view).final for view in seen])
        optimizer.param_groups[0]["lr"] = config.learning_rate_at(step)
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        if target is not None:
            decay = ema_decay(step + 1, total=config.steps, start=config.target_decay)
            target.update(encoder, decay)
        losses.append(terms["loss"].item())
    return encoder, losses


@pytest.mark.parametrize("method", ["infonce", "relic_t"])
def test_the_trainer_does_what_a_plain_loop_does(
    run: Run, config: ImageTraining, images: Tensor, views: Callable, method: str
) -> None:
    config = replace(config, method=method, steps=5, schedule="warmup_cosine", warmup=0.4)
    trained = run(config=config)
    encoder, losses = plain_loop(config, images, views, seed=3)
    assert same_weights(trained.encoder, encoder)
    # Rows after steps 4 and 5: means over what came since the row before.
    logged = series(trained.metrics, "loss")
    assert list(logged) == [4, 5]
    assert logged[4] == pytest.approx(sum(losses[:4]) / 4, rel=1e-12)
    assert logged[5] == losses[4]
    rates = [config.learning_rate_at(step) for step in (3, 4)]
    assert list(series(trained.metrics, "learning_rate").values()) == rates


def retrieved(encoder: ImageEncoder, first: Tensor, second: Tensor) -> float:
    """Share of images whose other view is the nearest by cosine among all second views."""
    layers = (torch.tensor(features(encoder, x).final) for x in (first, second))
    u, v = (nn.functional.normalize(layer) for layer in layers)
    return (u @ v.T).argmax(1).eq(torch.arange(len(u))).double().mean().item()


def test_an_encoder_learns_to_find_the_other_view(
    run: Run, draw_patches: Callable, views: Callable
) -> None:
    first, second = views(draw_patches(256, seed=1), torch.Generator().manual_seed(2))[0]
    encoder = EncoderConfig("conv4", n_outputs=16)
    trained = run(
        dataset=draw_patches(512),
        encoder=encoder,
        batch_size=64,
        steps=40,
        objective={"similarity": "cosine", "tau": 0.1},
    )
    before = retrieved(image_encoder(encoder, seed=3), first, second)
    after = retrieved(trained.encoder, first, second)
    # The standard error of a share of 256 is at most 0.032.
    assert after > before + 5 * math.sqrt(2 * 0.25 / 256)
    loss = series(trained.metrics, "loss")
    assert loss[40] < loss[4] < math.log(64)


def by_brightness(batch: Tensor) -> Tensor:
    return (batch.float().mean((1, 2, 3)) > 128).long()


@pytest.mark.parametrize("method", methods.all_names())
def test_every_method_trains(run: Run, method: str) -> None:
    objective = methods.get(method).objective()
    groups = by_brightness if objective.takes_groups else None
    queue = 12 if objective.takes_negatives else 0
    trained = run(method=method, objective={}, steps=2, groups=groups, queue=queue)
    assert np.isfinite(trained.metrics.value).all()
    assert not same_weights(
        trained.encoder, image_encoder(EncoderConfig("conv4", n_outputs=4), seed=3)
    )


def test_bf16_is_the_encoders_alone(run: Run) -> None:
    losses = [
        series(run(precision, precision=precision, steps=1).metrics, "loss")[1]
        for precision in ("float32", "bf16")
    ]
    assert losses[0] != losses[1] == pytest.approx(losses[0], rel=2**-6)  # bfloat16: 8 bits


def test_groups_are_those_of_the_batch(run: Run, images: Tensor, views: Callable) -> None:
    seen = []

    def labels(batch: Tensor) -> Tensor:
        seen.append(batch)
        return by_brightness(batch)

    run(method="supcon", objective={}, steps=2, groups=labels)
    batches = StepBatches(images, batch_size=8, seed=3)
    assert all(torch.equal(batch, batches[step]) for step, batch in enumerate(seen))


def test_evaluation_sees_eval_mode_and_leaves_no_trace(run: Run, images: Tensor) -> None:
    modes = []

    def evaluate(encoder: ImageEncoder) -> dict[str, float]:
        modes.append(encoder.training or encoder.trunk.training)
        encoder(images / 255)
        torch.randn(3)
        return {"mean": features(encoder, images).final.mean()}

    scored = run("scored", evaluate=evaluate, evaluate_every=10)
    assert modes == [False] * 3
    means = series(scored.metrics, "mean")
    assert list(means) == [10, 20, 24]
    assert means[24] == features(scored.encoder, images).final.mean()
    plain = run("plain")
    assert same_weights(scored.encoder, plain.encoder)
    unscored = scored.metrics[scored.metrics.metric != "mean"].reset_index(drop=True)
    pd.testing.assert_frame_equal(unscored, plain.metrics, check_exact=True)


def test_batch_norm_trains_in_training_mode(run: Run) -> None:
    trained = run(steps=3)
    norms = [m for m in trained.encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    assert [int(norm.num_batches_tracked) for norm in norms] == [6] * 4  # two views a step
    assert not trained.encoder.training


def test_the_seed_decides_everything(run: Run) -> None:
    encoders = [run(f"seed{k}", steps=3, seed=seed).encoder for k, seed in enumerate((0, 0, 1))]
    assert same_weights(encoders[0], encoders[1])
    assert not same_weights(encoders[0], encoders[2])


def test_what_is_left_on_disk(run: Run, tmp_path: Path) -> None:
    trained = run(loggers=("tensorboard",))
    kept = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert kept == ["step-000000018.ckpt", "step-000000024.ckpt"]
    for path in (tmp_path / "run", tmp_path / "run" / "checkpoints" / kept[-1]):
        assert same_weights(load_encoder(path), trained.encoder)
    earlier = load_encoder(tmp_path / "run" / "checkpoints" / kept[0])
    assert not same_weights(earlier, trained.encoder)
    assert list((tmp_path / "run" / "tensorboard").glob("events.out*"))
    timing = trained.timing.pivot(index="step", columns="metric", values="value")
    assert list(timing.index) == [4, 8, 12, 16, 20, 24]
    assert timing.data_share.between(0, 1).all()
    assert (timing.data_seconds <= timing.step_seconds).all()


def test_a_finished_run_returns_at_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = run(steps=2)
    monkeypatch.setattr(ImageModule, "training_step", None)
    again = run(steps=2)
    assert same_weights(trained.encoder, again.encoder)
    pd.testing.assert_frame_equal(trained.metrics, again.metrics)


def test_a_loss_that_is_not_finite_names_step_and_checkpoint(run: Run, views: Callable) -> None:
    calls = []

    def broken(batch: Tensor, generator: torch.Generator):
        calls.append(batch)
        made, record = views(batch, generator)
        return [view * math.nan if len(calls) == 11 else view for view in made], record

    message = r"loss.*step 10, the gradient first at encoder\.trunk.*The last good.*step-000000006"
    with pytest.raises(NonFiniteError, match=message) as e:
        run(views=broken)
    assert e.value.step == 10
    assert e.value.parameter == "encoder.trunk.0.weight"
    assert {"loss", "gradient_norm"} <= set(e.value.metrics)


def test_another_run_in_the_same_place_is_refused(run: Run, images: Tensor) -> None:
    run(steps=2)
    with pytest.raises(InputError, match=r"optimiser\.learning_rate is 0\.001 there, 0\.1 here"):
        run(steps=2, optimiser=Optimiser("adam", 0.1))
    with pytest.raises(InputError, match=r"data is .* there"):
        run(steps=2, dataset=255 - images)


def one_view(batch: Tensor, generator: torch.Generator):
    return [batch], None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "relik"}, "did you mean 'relic'"),
        ({"objective": {"tau": 0}}, "tau must be above 0"),
        ({"objective": {"negatives": "separate"}}, "draws none"),
        ({"batch_size": 64}, "30 samples for a batch of 64"),
        ({"devices": 3}, "batch_size 8 on 3 devices"),
        ({"workers": -1}, "workers must be at least 0"),
        ({"device": "tpu"}, "unknown device 'tpu'"),
        ({"precision": "tf32"}, "it exists on CUDA"),
        ({"schedule": "cosine"}, "did you mean 'warmup_cosine'"),
        ({"method": "supcon", "objective": {}}, "give groups"),
        ({"groups": by_brightness}, "leave groups out"),
        ({"views": one_view}, "give 2 or more"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"method": "relic", "objective": {"alpha": -1}}, "alpha must be at least 0"),
    ],
)
def test_bad_input(run: Run, changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(**changes)


def test_a_missing_package_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("causal_ssl.training.images.run.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"needs lightning: pip install 'causal-ssl\[images\]'"):
        run()


@pytest.mark.parametrize("head", ["linear", Head((6,), batch_norm=True, slope=0.1)])
def test_an_encoders_file_has_its_head(tmp_path: Path, head: str | Head) -> None:
    encoder = image_encoder(EncoderConfig("conv4", head=head), seed=0)
    save_encoder(tmp_path / "encoder.pt", encoder, {})
    loaded = load_encoder(tmp_path)
    assert loaded.config == encoder.config
    assert same_weights(loaded, encoder)


def test_no_encoder_to_load(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither encoder\.pt nor a checkpoint"):
        load_encoder(tmp_path)
    torch.save({"weights": {}}, tmp_path / "encoder.pt")
    with pytest.raises(InputError, match="not an encoder of train_images"):
        load_encoder(tmp_path)
