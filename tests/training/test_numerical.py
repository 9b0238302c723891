"""Training learns, and an interrupted run ends bit for bit where an uninterrupted one does."""

import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from causal_ssl import methods
from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig, Sample
from causal_ssl.datasets.tasks import ContentTasks
from causal_ssl.errors import InputError
from causal_ssl.training import checkpoint
from causal_ssl.training.numerical import (
    DivergedError,
    NumericalTraining,
    Progress,
    Trained,
    train,
)

WORLD = ContentStyleConfig(mixing_candidates=50)
# 16 steps a chunk, so 6 chunks and a part; every chunk is saved.
CONFIG = NumericalTraining(
    steps=100, batch_size=1024, hidden=(8,), log_every=7, checkpoint_every_seconds=0
)
SEEDS = [3, 4]


class Interruption(Exception):
    pass


def run(
    name: str = "infonce", config: NumericalTraining = CONFIG, seeds: list[int] = SEEDS, **rest
) -> Trained:
    worlds = [ContentStyle.draw(WORLD, seed=seed) for seed in seeds]
    method = methods.get(name)
    objective = rest.pop("objective", None) or method.objective()
    if objective.takes_groups and "tasks" not in rest:
        rest["tasks"] = [ContentTasks(world.content_cov).task(8) for world in worlds]
    return train(
        rest.pop("worlds", worlds), method, objective, config, seeds=seeds, n_outputs=3, **rest
    )


def interrupt_at(step: int):
    def on_progress(progress: Progress) -> None:
        if progress.step >= step:
            raise Interruption

    return on_progress


def assert_same(a: Trained, b: Trained) -> None:
    assert a.history.equals(b.history)
    for p, q in zip(a.encoder.parameters(), b.encoder.parameters(), strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("infonce", {}),
        ("infonce", {"negatives": "separate"}),
        ("relic_t", {"rho": 0.01, "alpha": None}),  # dual multiplier and moving average
        ("supcon", {}),
    ],
)
def test_resumed_is_uninterrupted_bit_for_bit(tmp_path: Path, name: str, options: dict) -> None:
    objective = methods.get(name).objective(**options)
    config = replace(CONFIG, batch_size=512, steps=200)
    path = tmp_path / "run.pt"
    for step in (1, 90, 190):
        with pytest.raises(Interruption):
            run(name, config, objective=objective, checkpoint=path, on_progress=interrupt_at(step))
    steps: list[int] = []
    resumed = run(
        name,
        config,
        objective=objective,
        checkpoint=path,
        on_progress=lambda progress: steps.append(progress.step),
    )
    assert steps == [200]  # the first chunk that was left to do is the last, a part of one
    assert_same(resumed, run(name, config, objective=objective))


KILLED = """
import sys, time, torch
from pathlib import Path
sys.path.insert(0, sys.argv[1])
torch.set_num_threads(1)
import test_numerical as tests
def slowly(progress):
    print(progress.step, flush=True)
    time.sleep(0.2)
tests.run(checkpoint=Path(sys.argv[2]), on_progress=slowly)
"""


def test_killed_by_sigkill_and_rerun(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    command = [sys.executable, "-c", KILLED, str(Path(__file__).parent), str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while int(process.stdout.readline()) < 48:
        pass
    time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert 48 <= checkpoint.load(path)["step"] < CONFIG.steps
    assert_same(run(checkpoint=path), run())


def test_a_finished_run_returns_at_once(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    first = run(checkpoint=path)
    again = run(checkpoint=path, on_progress=interrupt_at(0))
    assert_same(first, again)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"config": replace(CONFIG, steps=101)}, "config.steps is 100 there, 101 here"),
        ({"config": replace(CONFIG, hidden=(9,))}, r"config.hidden is \[8\] there, \[9\] here"),
        ({"seeds": [3, 5]}, r"seeds is \[3, 4\] there, \[3, 5\] here"),
        ({"name": "relic"}, "method is infonce there, relic here"),
        ({"objective": methods.get("infonce").objective(tau=0.5)}, "objective.tau is 1.0 there"),
        (
            {"worlds": [ContentStyle.draw(replace(WORLD, p_change=0.5), seed=s) for s in SEEDS]},
            "worlds.0.p_change is 1.0 there, 0.5 here",
        ),
    ],
)
def test_another_runs_checkpoint_is_refused_and_kept(
    tmp_path: Path, change: dict, message: str
) -> None:
    path = tmp_path / "run.pt"
    with pytest.raises(Interruption):
        run(checkpoint=path, on_progress=interrupt_at(1))
    before = path.read_bytes()
    with pytest.raises(InputError, match=message):
        run(checkpoint=path, **change)
    assert path.read_bytes() == before


def test_a_checkpoint_belongs_to_the_tasks_that_it_was_trained_on(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    with pytest.raises(Interruption):
        run("supcon", checkpoint=path, on_progress=interrupt_at(1))
    for scale, cells, message in (
        (1.0, 4, "tasks.0.cells is 8 there, 4 here"),
        (2.0, 8, r"tasks.0.ladder.content_cov is torch.float64 \(5, 5\)"),
    ):
        tasks = [ContentTasks(scale * torch.eye(5).double()).task(cells)] * 2
        with pytest.raises(InputError, match=message):
            run("supcon", checkpoint=path, tasks=tasks)


def test_how_often_it_is_saved_may_change(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    with pytest.raises(Interruption):
        run(checkpoint=path, on_progress=interrupt_at(1))
    run(checkpoint=path, config=replace(CONFIG, checkpoint_every_seconds=60.0))


def test_divergence_names_replica_step_term_and_checkpoint(tmp_path: Path) -> None:
    worlds = [ContentStyle.draw(WORLD, seed=seed) for seed in SEEDS]
    worlds[1] = replace(worlds[1], offset=torch.full((5,), math.nan, dtype=torch.float64))
    with pytest.raises(DivergedError, match=r"replica 1 \(seed 4\): loss.* step 0.*No check") as it:
        run(worlds=worlds, checkpoint=tmp_path / "run.pt")
    assert (it.value.replica, it.value.step, "loss" in it.value.terms) == (1, 0, True)
    assert not (tmp_path / "run.pt").exists()


def test_divergence_late_keeps_the_last_good_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.pt"
    rates = lambda self, step: 1e-3 if step < 40 else 1e30  # noqa: E731
    monkeypatch.setattr(NumericalTraining, "learning_rate_at", rates)
    with pytest.raises(DivergedError, match=r"at step 4\d\. The last good checkpoint is .*run\.pt"):
        run(checkpoint=path)
    saved = checkpoint.load(path)
    assert saved["step"] == 32
    assert all(p.isfinite().all() for p in saved["training"]["encoder"].values())


def test_history_and_progress_tell_of_every_replica() -> None:
    seen: list[Progress] = []
    trained = run("relic", on_progress=seen.append)
    assert [p.step for p in seen] == [16, 32, 48, 64, 80, 96, 100]
    assert seen[-1].terms.keys() == {"loss", "contrastive", "invariance"}
    assert len(seen[-1].terms["loss"]) == 2
    assert seen[-1].steps_per_second > 0
    history = trained.history
    assert history.step.max() == 100
    assert set(history.replica) == {0, 1}
    wide = history.pivot(index=["step", "replica"], columns="term", values="value")
    assert (wide.loss - wide.contrastive - wide.invariance).abs().max() < 1e-5
    assert len(wide) == 2 * math.ceil(100 / 7)


@pytest.mark.parametrize("name", methods.names(takes_groups=None))
def test_every_method_lowers_its_loss(name: str) -> None:
    config = replace(CONFIG, steps=300, batch_size=128, log_every=20)
    loss = run(name, config).history.query("term == 'loss'").pivot(index="step", columns="replica")
    assert (loss.value.iloc[-1] < loss.value.iloc[0]).all()


def linear_r2(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    x = torch.cat([x, torch.ones(len(x), 1)], dim=1)
    residual = y - x @ torch.linalg.lstsq(x, y).solution
    return 1 - residual.var(0) / y.var(0)


def represented(trained: Trained, sample: Sample) -> torch.Tensor:
    with torch.no_grad():
        return trained.encoder.replica(0)(sample.x)


def test_infonce_finds_content_and_drops_style() -> None:
    # A tenth of the quick study's work: .80 and .07 here, .64 and .17 in a harder world. An encoder
    # that keeps everything, or nothing, scores alike on both.
    config = NumericalTraining(steps=600, batch_size=256, hidden=(64, 64))
    world = ContentStyle.draw(ContentStyleConfig(mixing_candidates=1000), seed=0)
    method = methods.get("infonce")
    trained = train([world], method, method.objective(), config, seeds=[0], n_outputs=5)
    sample = world.sample(2000, generator=torch.Generator().manual_seed(0))
    f = represented(trained, sample)
    assert linear_r2(f, sample.content).mean() > 0.6
    assert linear_r2(f, sample.style).mean() < 0.2


def test_supcon_finds_what_its_task_depends_on_and_drops_the_rest() -> None:
    # The task is the sign of one content coordinate: R2 .71 of it, .03 to .18 of the other nine.
    # With five times the steps and a larger encoder, .76 and at most .05.
    config = NumericalTraining(steps=400, batch_size=256, hidden=(64, 64))
    world = ContentStyle.draw(ContentStyleConfig(mixing_candidates=1000), seed=0)
    method, tasks = methods.get("supcon"), [ContentTasks(world.content_cov).task(2)]
    trained = train(
        [world], method, method.objective(), config, seeds=[0], n_outputs=2, tasks=tasks
    )
    sample = world.sample(2000, generator=torch.Generator().manual_seed(0))
    f = represented(trained, sample)
    r2 = linear_r2(f, torch.cat([sample.content, sample.style], dim=1))
    assert r2[0] > 0.5
    assert r2[1:].max() < 0.3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"batch_size": 1}, "batch_size must be at least 2, got 1"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0.0"),
        ({"learning_rate": math.nan}, "learning_rate must be above 0, got nan"),
        ({"warmup": 1.5}, "warmup must be at least 0 and at most 1, got 1.5"),
        ({"schedule": "cosine"}, "did you mean 'warmup_cosine'"),
        ({"precision": "float16"}, "precision 'float16'"),
    ],
)
def test_values_out_of_range_are_refused(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(CONFIG, **change)


def test_arguments_that_do_not_fit_are_refused() -> None:
    worlds = [ContentStyle.draw(WORLD, seed=0)]
    wider = ContentStyle.draw(replace(WORLD, n_style=6), seed=0)
    for options, message in (
        ({"worlds": []}, "no worlds"),
        ({"worlds": worlds}, "2 seeds for 1 worlds"),
        ({"worlds": [*worlds, wider]}, r"\[10, 11\]"),
        ({"config": replace(CONFIG, cuda_graph=True)}, "CUDA graph on cpu"),
        ({"name": "supcon", "tasks": None}, "no tasks: InfoNCE with groups as positives"),
        ({"tasks": [ContentTasks(torch.eye(5)).task(2)] * 2}, "2 tasks, but InfoNCE without"),
        ({"name": "supcon", "tasks": [ContentTasks(torch.eye(5)).task(2)]}, "1 tasks for 2 worlds"),
    ):
        with pytest.raises(InputError, match=message):
            run(**options)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("infonce", {}),
        ("relic_t", {}),
        ("relic", {"rho": 0.01}),
        ("supcon", {}),
        ("relic", {"positives": "group_mass"}),
    ],
)
def test_a_cuda_graph_trains_the_same(name: str, options: dict) -> None:
    objective = methods.get(name).objective(**options)
    eager = run(name, objective=objective, device="cuda")
    graphed = run(name, replace(CONFIG, cuda_graph=True), objective=objective, device="cuda")
    for p, q in zip(eager.encoder.parameters(), graphed.encoder.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-2, atol=1e-3)
