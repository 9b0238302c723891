"""Loggers may fail, training may not."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from lightning.pytorch.loggers.logger import DummyLogger

from causal_ssl.errors import InputError
from causal_ssl.training.images import TrainedImages
from causal_ssl.training.images.loggers import ExtraLoggers

Run = Callable[..., TrainedImages]


class Kept(DummyLogger):
    """Keeps what it gets, until it fails at `fails_at`."""

    def __init__(self, fails_at: int = 10**9) -> None:
        super().__init__()
        self.fails_at = fails_at
        self.rows: list[tuple[int, dict]] = []
        self.status = ""

    def log_metrics(self, metrics: dict, step: int) -> None:
        if step >= self.fails_at:
            raise ConnectionError("no network")
        self.rows.append((step, metrics))

    def finalize(self, status: str) -> None:
        self.status = status


def missing() -> Kept:
    raise ModuleNotFoundError("No module named 'wandb'")


def test_what_fails_is_reported_once_and_dropped() -> None:
    good, bad = Kept(), Kept(fails_at=2)
    with pytest.warns(UserWarning, match="no more logs to absent, ModuleNotFoundError"):
        loggers = ExtraLoggers({"good": lambda: good, "absent": missing, "bad": lambda: bad})
    loggers.write({"loss": 3.0}, 1)
    with pytest.warns(UserWarning, match="no more logs to bad, ConnectionError: no network"):
        loggers.write({"loss": 2.0}, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loggers.write({"loss": 1.0}, 3)
        loggers.close("success")
    assert good.rows == [(1, {"loss": 3.0}), (2, {"loss": 2.0}), (3, {"loss": 1.0})]
    assert bad.rows == [(1, {"loss": 3.0})]
    assert (good.status, bad.status) == ("success", "")


def test_training_goes_on_without(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = "causal_ssl.training.images.fit"
    kept = Kept(fails_at=8)
    monkeypatch.setattr(f"{fit}.wandb", lambda *_: kept)
    monkeypatch.setattr(f"{fit}.tensorboard", lambda *_: missing())
    with (
        pytest.warns(UserWarning, match="no more logs to wandb"),
        pytest.warns(UserWarning, match="no more logs to tensorboard"),
    ):
        trained = run(loggers=("tensorboard", "wandb"))
    assert [step for step, _ in kept.rows] == [4, 4]  # metrics and timing
    metrics = {k.removeprefix("metrics/"): value for k, value in kept.rows[0][1].items()}
    written = trained.metrics[trained.metrics.step == 4]
    assert metrics == dict(zip(written.metric, written.value, strict=True))
    assert trained.metrics.step.max() == 24


def test_tensorboard_gets_every_row(run: Run, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trained = run(loggers=("tensorboard",), steps=8)
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    seen = {e.step: e.value for e in events.Scalars("metrics/loss")}
    loss = trained.metrics[trained.metrics.metric == "loss"]
    expected = dict(zip(loss.step, loss.value, strict=True))
    assert seen == pytest.approx(expected, rel=1e-6)  # TensorBoard keeps float32


def test_unknown_loggers_are_refused(run: Run) -> None:
    with pytest.raises(InputError, match="unknown logger 'wandv': did you mean 'wandb'"):
        run(loggers=("wandv",))
