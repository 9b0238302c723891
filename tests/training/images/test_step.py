"""A step, part by part: predictor, target network, queue, micro-batches."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from causal_ssl import methods
from causal_ssl.errors import InputError
from causal_ssl.methods import Method, Optimiser, registry
from causal_ssl.models import image_encoders
from causal_ssl.models.heads import Head
from causal_ssl.models.image_encoders import EncoderConfig, image_encoder
from causal_ssl.objectives import Bilinear, Bootstrap, CrossEntropy, InfoNCE
from causal_ssl.randomness import generator_for, global_randomness_from
from causal_ssl.training.images import ImageTraining, TrainedImages
from causal_ssl.training.images.batches import StepBatches
from causal_ssl.training.images.queue import UNGROUPED, OutputQueue
from causal_ssl.training.optimisers import make_optimiser

Run = Callable[..., TrainedImages]

SEED, STEPS, BATCH = 3, 4, 8
QUEUE = {"similarity": "cosine", "negatives": "separate", "tau": 0.5}


@pytest.fixture(autouse=True)
def test_methods(monkeypatch: pytest.MonkeyPatch) -> None:
    """Methods that differ in what training must bring."""
    for name, objective, target, defaults in (
        ("bootstrap", Bootstrap, True, {}),
        ("untargeted", Bootstrap, False, {}),
        ("queued", InfoNCE, True, QUEUE),
        ("queued_alone", InfoNCE, False, QUEUE),
        ("queued_groups", InfoNCE, True, QUEUE | {"positives": "group_mass"}),
        ("classes", CrossEntropy, False, {}),
    ):
        method = Method(name, name, "", "", objective, defaults, target=target)
        monkeypatch.setitem(registry._METHODS, name, method)


def config(**changes) -> ImageTraining:
    defaults = {"encoder": EncoderConfig("conv4", n_outputs=4), "log_every": 1}
    return ImageTraining(**{"steps": STEPS, "batch_size": BATCH, **defaults, **changes})


def by_brightness(batch: Tensor) -> Tensor:
    return (batch.float().mean((1, 2, 3)) > 128).int()


def transcribed(config: ImageTraining, images: Tensor, views: Callable, groups: Callable | None):
    """Encoder and losses of the steps that the config says, written down without the trainer."""
    method = methods.get(config.method)
    encoder = image_encoder(config.encoder, seed=SEED)
    target = image_encoder(config.encoder, seed=SEED) if method.target else None
    d = config.encoder.n_outputs
    predictor = nn.Identity()
    if config.predictor is not None:
        with global_randomness_from(generator_for(SEED, "predictor")):
            predictor = config.predictor.make(d, d)
    first = torch.randn(config.queue, d, generator=generator_for(SEED, "queue"))
    past, past_groups = list(first / first.norm(dim=1, keepdim=True)), [UNGROUPED] * config.queue
    objective = config.make_objective()
    named = [*encoder.named_parameters(), *predictor.named_parameters()]
    optimiser = make_optimiser(config.optimiser, named)
    batches = StepBatches(images, batch_size=config.batch_size, seed=SEED)
    losses = []
    for step in range(config.steps):
        optimiser.zero_grad()
        new, new_groups, loss = [], [], 0.0
        for micro, part in enumerate(batches[step].chunk(config.accumulate)):
            seen, _ = views(part, generator_for(SEED, "views", step, micro))
            arguments = {"online": [predictor(encoder(view).final) for view in seen]}
            if target is not None:
                with torch.no_grad():
                    arguments["target"] = [target(view).final for view in seen]
            if groups is not None:
                arguments["groups"] = groups(part).long()
            if config.queue:
                arguments["negatives"] = torch.stack(past)
                new += list(arguments.get("target", arguments["online"])[-1].detach())
            if config.queue and groups is not None:
                arguments["negative_groups"] = torch.tensor(past_groups)
                new_groups += groups(part).tolist()
            terms = objective(**arguments)
            (terms["loss"] / config.accumulate).backward()
            loss += terms["loss"].item() / config.accumulate
        optimiser.step()
        past = (past + new)[-config.queue :]
        past_groups = (past_groups + new_groups)[-config.queue :]
        if target is not None:
            decay = config.target_decay_at(step + 1)
            for mine, theirs in zip(target.parameters(), encoder.parameters(), strict=True):
                mine.data = decay * mine.data + (1 - decay) * theirs.data
        losses.append(loss)
    return encoder, losses


def one_view(batch: Tensor, generator: torch.Generator):
    return [batch / 255 + 0.1 * torch.rand(batch.shape, generator=generator)], None


@pytest.mark.parametrize(
    ("changes", "groups"),
    [
        ({"method": "bootstrap", "predictor": Head((6,), batch_norm=True)}, None),
        ({"method": "relic_t", "target_decay": 0.5, "target_schedule": "constant"}, None),
        ({"method": "queued", "queue": 12}, None),  # which the batch does not divide
        ({"method": "queued", "queue": 5}, None),  # smaller than a batch
        ({"method": "queued_alone", "queue": 12, "accumulate": 2}, None),
        ({"method": "queued_groups", "queue": 12, "accumulate": 4}, by_brightness),
        (
            {"method": "classes", "optimiser": Optimiser("lars", 0.05, weight_decay=0.1)},
            by_brightness,
        ),
        ({"method": "infonce", "accumulate": 2, "optimiser": Optimiser("adam", 0.05)}, None),
    ],
)
def test_steps_are_as_transcribed(
    run: Run, images: Tensor, views: Callable, changes: dict, groups: Callable | None
) -> None:
    views = one_view if changes["method"] == "classes" else views
    sgd = {"optimiser": Optimiser("sgd", 0.05, weight_decay=1e-3), "target_decay": 0.9}
    wanted = config(**(sgd | changes))
    trained = run(config=wanted, views=views, groups=groups)
    encoder, losses = transcribed(wanted, images, views, groups)
    logged = trained.metrics[trained.metrics.metric == "loss"].value
    assert logged.tolist() == pytest.approx(losses, rel=1e-4)
    for a, b in zip(trained.encoder.parameters(), encoder.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("method", "seen"), [("queued", 1), ("relic_t", 2)])
def test_the_encoder_sees_the_views_that_are_anchors(
    run: Run, views: Callable, method: str, seen: int
) -> None:
    trained = run(config=config(method=method, queue=12 if method == "queued" else 0), views=views)
    norms = [m for m in trained.encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {int(norm.num_batches_tracked) for norm in norms} == {seen * STEPS}


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("accumulate", [1, 2, 4])
def test_micro_batches_and_ranks_share_one_batch(ranks: int, accumulate: int) -> None:
    whole = StepBatches(torch.arange(20), batch_size=8, seed=0)
    shares = [
        StepBatches(
            torch.arange(20), batch_size=8, seed=0, rank=r, ranks=ranks, accumulate=accumulate
        )
        for r in range(ranks)
    ]
    for step in range(5):
        items = range(accumulate * step, accumulate * (step + 1))
        assert torch.equal(whole[step], torch.cat([s[i] for i in items for s in shares]))
        places = [s.place(i) for i in items for s in shares]
        assert places == [(step, k) for k in range(ranks * accumulate)]


def test_accumulation_without_contrast_and_batch_statistics_changes_nothing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trunk(config: EncoderConfig) -> tuple[nn.Module, int]:
        return nn.Sequential(nn.Conv2d(3, 4, 4, stride=4), nn.Flatten()), 64

    def plain(batch: Tensor, generator: torch.Generator):
        return [batch / 255], None

    monkeypatch.setitem(image_encoders.TRUNKS, "conv4", trunk)
    whole, parts = (
        run(
            f"accumulate{number}",
            config=config(method="classes", optimiser=Optimiser("sgd", 0.1), accumulate=number),
            views=plain,
            groups=by_brightness,
        )
        for number in (1, 4)
    )
    for a, b in zip(whole.encoder.parameters(), parts.encoder.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    for metric in ("loss", "gradient_norm"):
        ours, theirs = (t.metrics[t.metrics.metric == metric].value for t in (whole, parts))
        assert ours.tolist() == pytest.approx(theirs.tolist(), rel=1e-5)


def test_the_weights_of_a_similarity_are_trained_too(run: Run, tmp_path: Path) -> None:
    similarity = Bilinear(4)
    run(config=config(objective={"similarity": similarity}, optimiser=Optimiser("adam", 0.01)))
    path = tmp_path / "run" / "checkpoints" / "step-000000004.ckpt"
    saved = torch.load(path, weights_only=True)["state_dict"]["objective.similarity.weight"]
    assert torch.equal(similarity.weight, torch.eye(4))  # the config's own is as it was
    assert (saved - torch.eye(4)).abs().max() > 0.02  # up to 0.01 a step, of which there are 4


def test_target_and_schedule_go_by_optimiser_steps() -> None:
    cosine = config(method="relic_t", target_decay=0.9, accumulate=2)
    assert [cosine.target_decay_at(k) for k in (0, STEPS)] == [0.9, 1.0]
    constant = config(method="relic_t", target_decay=0.9, target_schedule="constant")
    assert [constant.target_decay_at(k) for k in (0, STEPS)] == [0.9, 0.9]


def test_the_queue_is_a_ring() -> None:
    queue = OutputQueue(5, 2, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(queue.outputs.norm(dim=1), torch.ones(5))
    assert (queue.groups == UNGROUPED).all()
    seen = torch.arange(24.0).view(12, 2)
    for first, last in ((0, 3), (3, 4), (4, 12), (12, 12)):
        queue.put(seen[first:last], groups=torch.arange(first, last))
        held = queue.outputs[queue.groups.argsort()][-min(last, 5) :]
        assert torch.equal(held, seen[max(0, last - 5) : last])


def test_compiled_it_trains_under_the_same_names(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called = []

    def compile_in_place(module: nn.Module) -> None:
        """What torch's does, without the compiler, which takes minutes."""

        def call(*args):
            called.append(module)
            return module._call_impl(*args)

        module._compiled_call_impl = call

    monkeypatch.setattr(nn.Module, "compile", compile_in_place)
    states = []
    for name in ("plain", "compiled"):
        run(name, config=config(method="relic_t", steps=2, compile=name == "compiled"))
        path = tmp_path / name / "checkpoints" / "step-000000002.ckpt"
        states.append(torch.load(path, weights_only=True)["state_dict"])
    assert len(called) == 8  # two steps, two views, online and target
    assert len(set(called)) == 2
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[1][key], tensor) for key, tensor in states[0].items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "untargeted"}, "untargeted has no target network, and its objective collapses"),
        ({"method": "queued"}, "draws none, give it a queue"),
        ({"method": "infonce", "queue": 8}, "queue = 8, but infonce takes no negatives"),
        ({"queue": -1}, "queue must be at least 0"),
        ({"accumulate": 0}, "accumulate must be at least 1"),
        ({"accumulate": 8}, "8 in 8 micro-batches: each needs 2 samples, give at least 16"),
        ({"target_schedule": "cosin"}, "did you mean 'cosine'"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        config(**changes)


def test_a_batch_that_micro_batches_and_devices_do_not_divide(run: Run) -> None:
    with pytest.raises(InputError, match="8 on 2 devices in 3 micro-batches: give a multiple of 6"):
        run(config=config(accumulate=3), devices=2)
