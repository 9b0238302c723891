"""Linear probes against torch's SGD one by one, and what may decide which of them is reported."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor, nn

from causal_ssl import files
from causal_ssl.analysis._linear_heads import Heads, Member, _softmax_but_last, rate_factor
from causal_ssl.analysis.linear_probe import (
    LINEAR_SETTINGS,
    Choice,
    LinearProbe,
    LinearSettings,
    _edge,
    held_out_split,
    linear_probe,
)
from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for

N, N_TEST, D, C = 240, 120, 6, 7
SETTINGS = LinearSettings((0.01, 0.3, 2.0), epochs=(4,), batch_sizes=(32,))


def clusters(n: int, *key: str) -> tuple[Tensor, Tensor]:
    """Features about seven overlapping centres, and their classes."""
    centres = torch.randn(C, D, generator=generator_for("centres"), dtype=torch.float64)
    generator = generator_for("clusters", *key)
    labels = torch.arange(n) % C
    return centres[labels] + torch.randn(n, D, generator=generator, dtype=torch.float64), labels


X, Y = clusters(N, "train")
X_TEST, Y_TEST = clusters(N_TEST, "test")


def by_torch(
    member: Member, batches: list[Tensor], *, nesterov: bool, schedule: str, dtype: torch.dtype
) -> nn.Linear:
    """One classifier, trained by torch.optim.SGD on those rows."""
    head = nn.Linear(D, C, dtype=dtype)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    sgd = torch.optim.SGD(
        head.parameters(),
        member.learning_rate,
        momentum=0.9,
        weight_decay=member.weight_decay,
        nesterov=nesterov,
    )
    for step, rows in enumerate(batches):
        if schedule == "cosine":
            share = 0.5 * (1 + math.cos(math.pi * step / len(batches)))
            sgd.param_groups[0]["lr"] = member.learning_rate * share
        sgd.zero_grad()
        nn.functional.cross_entropy(head(X[rows].to(dtype)), Y[rows]).backward()
        sgd.step()
    return head


@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("schedule", ["cosine", "constant"])
@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("n_steps", [1, 2, 7])
def test_members_are_what_torch_trains_one_by_one(
    nesterov: bool, schedule: str, dtype: torch.dtype, within: float, n_steps: int
) -> None:
    grid = [(0.01, 0.0), (0.1, 1e-2), (1.0, 0.0)]
    members = [Member(rate, decay, 1, 32) for rate, decay in grid]
    order = torch.randperm(N, generator=generator_for("order"))
    batches = list(order.split(32))[:n_steps]
    heads = Heads(
        members,
        C,
        D,
        len(batches),
        momentum=0.9,
        nesterov=nesterov,
        schedule=schedule,
        like=torch.empty(0, dtype=dtype),
    )
    for step, rows in enumerate(batches):
        heads.step(step, X[rows].to(dtype), Y[rows])
    for i, member in enumerate(members):
        alone = by_torch(member, batches, nesterov=nesterov, schedule=schedule, dtype=dtype)
        assert (heads.weights[i] - alone.weight).abs().max() < within
        assert (heads.biases[i] - alone.bias).abs().max() < within
    assert heads.weights[2].abs().max() > 10 * heads.weights[0].abs().max() > 0.001


def test_the_cosine_falls_from_one_to_zero() -> None:
    assert rate_factor(0, 10, "cosine") == 1
    assert rate_factor(5, 10, "cosine") == pytest.approx(0.5)
    assert rate_factor(10, 10, "cosine") == pytest.approx(0)
    assert {rate_factor(step, 10, "constant") for step in range(10)} == {1.0}


def probe(settings: LinearSettings = SETTINGS, **change: Any) -> LinearProbe:
    data = {
        "train_features": X,
        "train_labels": Y,
        "test_features": X_TEST,
        "test_labels": Y_TEST,
    }
    return linear_probe(**(data | {"settings": settings} | change))


def test_a_grid_gives_what_its_trainings_give_alone_whatever_their_epochs() -> None:
    grid = LinearSettings((0.1, 1.0), (0.0, 0.01), (2, 5), (16, 50))
    found = probe(grid, choose_on=[Choice(X[::2], Y[::2])])
    assert len(found.members) == 16
    for row in found.members.itertuples():
        one = LinearSettings(
            (row.learning_rate,), (row.weight_decay,), (row.epochs,), (row.batch_size,)
        )
        alone = probe(one, test_features=X[::2], test_labels=Y[::2])
        assert alone.top1.value == pytest.approx(row.choice_top1, abs=1e-6)
    assert found.members.choice_top1.nunique() > 4


def test_what_chooses_is_the_weighted_mean_of_accuracies() -> None:
    first, other = Choice(X[:40], Y[:40]), Choice(X_TEST, Y_TEST.roll(1), 3.0)
    together, one, two = (
        probe(choose_on=choice) for choice in ([first, other], [first], [replace(other, weight=1)])
    )
    expected = (one.members.choice_top1 + 3 * two.members.choice_top1) / 4
    assert together.members.choice_top1.tolist() == pytest.approx(expected.tolist())
    assert together.members.chosen.idxmax() == expected.idxmax()
    one_of_grid = LinearSettings((together.chosen.learning_rate,), epochs=(4,), batch_sizes=(32,))
    assert torch.allclose(together.weights, probe(one_of_grid).weights)  # of all training samples


def test_members_beyond_one_block_are_trained_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    together = probe()
    monkeypatch.setattr("causal_ssl.analysis._linear_run.BLOCK", 1)
    assert probe().members.equals(together.members)


def test_the_test_samples_do_not_choose() -> None:
    found = probe()
    shuffled = Y_TEST[torch.randperm(N_TEST, generator=generator_for("shuffled"))]
    other = probe(test_labels=shuffled)
    assert other.members.equals(found.members)
    assert torch.equal(other.weights, found.weights)
    assert other.top1.value < found.top1.value - 0.2


def test_the_best_on_the_held_out_slice_is_chosen_and_refitted_on_all() -> None:
    found = probe()
    best = found.members.loc[found.members.choice_top1.idxmax()]
    assert found.chosen.learning_rate == best.learning_rate
    assert found.members.chosen.sum() == 1
    alone = probe(LinearSettings((best.learning_rate,), epochs=(4,), batch_sizes=(32,)))
    assert torch.equal(found.weights, alone.weights)
    assert math.isnan(alone.members.choice_top1[0])
    kept = probe(refit=False)
    assert kept.members.equals(found.members)
    assert not torch.equal(kept.weights, found.weights)
    fit, _ = held_out_split(Y, 0.1, 0)
    one = LinearSettings((best.learning_rate,), epochs=(4,), batch_sizes=(32,))
    direct = linear_probe(X[fit], Y[fit], X_TEST, Y_TEST, one)
    assert torch.allclose(kept.weights, direct.weights)


def test_accuracies_and_intervals_are_counted_from_the_classifier_returned() -> None:
    noisy = X_TEST.roll(1, dims=1)  # of which the classifier knows little
    found = probe(test_features=noisy)
    logits = noisy @ found.weights.T + found.biases
    ranks = logits.argsort(dim=1, descending=True)
    for k, top in ((1, found.top1), (5, found.top5)):
        right = int((ranks[:, :k] == Y_TEST[:, None]).any(dim=1).sum())
        interval = binomtest(right, N_TEST).proportion_ci(method="wilson")
        expected = (right / N_TEST, interval.low, interval.high)
        assert (top.value, top.low, top.high) == pytest.approx(expected)
    assert 0 < found.top1.value < found.top5.value < 1


@pytest.mark.parametrize(
    ("rates", "chosen", "edge"),
    [
        ((0.1, 0.2, 0.3), 0.1, "lowest"),
        ((0.3, 0.1, 0.2), 0.2, None),
        ((0.3, 0.1, 0.2), 0.3, "highest"),
        ((0.3,), 0.3, None),
    ],
)
def test_the_edge_of_the_grid_is_told(
    rates: tuple[float, ...], chosen: float, edge: str | None
) -> None:
    assert _edge(Member(chosen, 0.0, 80, 1024), LinearSettings(rates)) == edge


def test_trainings_that_diverge_lose_and_leave_the_others_alone() -> None:
    grid = LinearSettings((0.3, 1e300), epochs=(4,), batch_sizes=(32,), weight_decays=(1.0,))
    found = probe(grid)
    assert found.members.diverged.tolist() == [False, True]
    assert found.chosen.learning_rate == 0.3
    alone = probe(LinearSettings((0.3,), (1.0,), (4,), (32,)))
    assert torch.equal(found.weights, alone.weights)
    with pytest.raises(InputError, match=r"all of 2 trainings diverged: .* lowest is 1e"):
        probe(LinearSettings((1e299, 1e300), (1.0,), (4,), (32,)))


def test_the_held_out_slice_has_of_each_class_its_share_and_follows_the_seed() -> None:
    labels = torch.tensor([0] * 1000 + [1] * 100 + [2] * 15)
    fit, rest = held_out_split(labels, 0.1, seed=0)
    assert torch.equal(torch.cat([fit, rest]).sort().values, torch.arange(1115))
    for count, share in zip(labels[rest].bincount().tolist(), (100, 10, 1.5), strict=True):
        assert abs(count - share) <= 1
    assert torch.equal(rest, held_out_split(labels, 0.1, seed=0)[1])
    assert not torch.equal(rest, held_out_split(labels, 0.1, seed=1)[1])


def test_arrays_memory_maps_and_named_classes_give_the_same(tmp_path: Path) -> None:
    expected = probe()
    np.save(tmp_path / "train.npy", X.numpy())
    mapped = np.load(tmp_path / "train.npy", mmap_mode="r")
    names = np.array(list("gabdecf"))
    found = probe(
        train_features=mapped,
        train_labels=names[Y.numpy()],
        test_features=X_TEST.numpy(),
        test_labels=names[Y_TEST.numpy()].tolist(),
    )
    assert found.classes.tolist() == sorted(names.tolist())
    order = torch.from_numpy(np.argsort(names))
    assert found.members.learning_rate.equals(expected.members.learning_rate)
    alone = {"settings": LinearSettings((0.3,), epochs=(4,), batch_sizes=(32,))}
    named = probe(
        train_features=mapped,
        train_labels=names[Y.numpy()],
        test_labels=names[Y_TEST.numpy()],
        **alone,
    )
    plain = probe(**alone)
    assert torch.allclose(named.weights, plain.weights[order])
    assert named.top1 == plain.top1


def test_each_epoch_trains_on_its_own_views() -> None:
    asked: list[int] = []

    def views(epoch: int) -> Tensor:
        asked.append(epoch)
        return X if epoch < 2 else -X

    one = LinearSettings((0.3,), epochs=(4,), batch_sizes=(32,))
    assert not torch.allclose(probe(one, views=views).weights, probe(one).weights)
    assert asked == [0, 1, 2, 3]
    assert torch.equal(probe(one, views=lambda epoch: X).weights, probe(one).weights)
    with pytest.raises(InputError, match="views of epoch 0 are of shape \\(5, 6\\)"):
        probe(one, views=lambda epoch: X[:5])


def test_all_batch_sizes_and_epochs_share_the_views_of_an_epoch() -> None:
    asked: list[int] = []

    def views(epoch: int) -> Tensor:
        asked.append(epoch)
        return X

    grid = LinearSettings((0.1, 1.0), epochs=(2, 3), batch_sizes=(16, 50))
    found = probe(grid, views=views, refit=False)
    assert asked == [0, 1, 2]
    assert found.members.equals(probe(grid, refit=False).members)


@pytest.mark.parametrize("at", [("grid", 1), ("grid", 4), ("refit", 1)])
def test_a_killed_training_continues_bit_for_bit(tmp_path: Path, at: tuple[str, int]) -> None:
    grid = LinearSettings((0.1, 1.0), (0.0, 0.01), (2, 4), (16, 50))
    asked: list[int] = []

    def views(epoch: int) -> Tensor:
        asked.append(epoch)
        return X + epoch / 10

    whole, told = probe(grid, views=views), []
    steps = list(asked)
    asked.clear()

    def stop(what: str, done: int, total: int) -> None:
        told.append((what, done, total))
        if (what, done) == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        probe(grid, views=views, keep=tmp_path, on_epoch=stop)
    assert told[:2] == [("grid", 0, 4), ("grid", 1, 4)]
    resumed = probe(grid, views=views, keep=tmp_path)
    assert asked == steps  # no epoch twice
    assert resumed.members.equals(whole.members)
    assert torch.equal(resumed.weights, whole.weights)
    assert torch.equal(resumed.biases, whole.biases)


@pytest.mark.parametrize(
    "change",
    [
        {"settings": LinearSettings((0.01, 0.3, 2.5), epochs=(4,), batch_sizes=(32,))},
        {"train_labels": Y.roll(1)},
        {"seed": 1},
        {"held_out": 0.2},
    ],
)
def test_what_is_kept_of_another_training_is_refused(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    probe(keep=tmp_path)
    with pytest.raises(InputError, match=r"grid\.pt is .* of other settings or samples: rem"):
        probe(keep=tmp_path, **change)


def test_a_damaged_file_of_a_training_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "grid.pt"
    file.write_bytes(b"no zip archive")
    with pytest.raises(InputError, match=r"grid\.pt: not a training of linear classifiers"):
        probe(keep=tmp_path)
    file.unlink()
    probe(keep=tmp_path)
    whole = files.load_tensors(file, what="", remedy="")
    (weights, *others) = whole["blocks"][0]
    for blocks in ([[weights[:, :1], *others]], [], None):
        files.save_tensors(
            file, whole | {"blocks": blocks} if blocks is not None else {"digest": whole["digest"]}
        )
        with pytest.raises(InputError, match=r"grid\.pt is a training .* that does not fit"):
            probe(keep=tmp_path)


def test_of_equals_the_first_is_chosen_whatever_chooses() -> None:
    """Rates of one step that change no sample's class."""
    choice = [Choice(X[k : k + 7], Y[k : k + 7], 0.1 + k) for k in range(20)]
    found = probe(
        LinearSettings((1e-3, 1.1e-3, 1.2e-3, 1.3e-3, 1.4e-3), epochs=(1,), batch_sizes=(240,)),
        choose_on=choice,
    )
    assert found.members.choice_top1.nunique() == 1
    assert found.chosen.learning_rate == 1e-3


@pytest.mark.parametrize("kept", [(0.0, -50.0, -95.0, -1000.0), (90.0, -40.0, -45.0)])
def test_no_share_is_a_denormal_and_those_that_count_are_right(kept: tuple[float, ...]) -> None:
    """Where the greatest logit is the last class's, which is minus the others' sum, and not."""
    logits = torch.tensor(kept).expand(3, 2, -1)
    whole = torch.cat([logits, -logits.sum(dim=-1, keepdim=True)], dim=-1)
    shares = _softmax_but_last(logits.clone())
    assert (shares - whole.softmax(dim=-1)[..., :-1]).abs().max() < 1e-12
    assert shares.min() >= torch.finfo(torch.float32).tiny


def test_noise_is_told_at_chance() -> None:
    noise = torch.randn(3000, 4, generator=generator_for("noise"))
    labels = torch.arange(3000) % 10
    found = linear_probe(noise[:1500], labels[:1500], noise[1500:], labels[1500:], SETTINGS)
    # Five standard errors of a proportion.
    assert abs(found.top1.value - 0.1) < 5 * math.sqrt(0.1 * 0.9 / 1500)
    assert abs(found.top5.value - 0.5) < 5 * math.sqrt(0.5 * 0.5 / 1500)


def test_published_settings() -> None:
    relic = LINEAR_SETTINGS["relic"]
    assert (relic.epochs, relic.batch_sizes, relic.weight_decays) == ((80,), (1024,), (0.0,))
    assert (relic.momentum, relic.nesterov) == (0.9, True)
    assert len(LINEAR_SETTINGS["relic_robustness"].members()) == 4 * 6 * 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train_features": X.index_fill(0, torch.tensor(31), math.nan)}, "infinity in row 31"),
        ({"test_features": X_TEST.index_fill(0, torch.tensor(9), math.inf)}, "infinity in row 9"),
        ({"test_features": X_TEST[:, :3]}, "6 columns and test features 3"),
        ({"train_labels": torch.zeros(N)}, "all 240 training labels are 0.0: "),
        ({"train_labels": Y[:-1]}, "expected \\(240,\\), one a feature"),
        ({"train_labels": [None] + ["a"] * (N - 1)}, "sample 0 has the label None"),
        ({"test_labels": Y_TEST + 1}, "test_labels have the class 7, which is not among"),
        ({"choose_on": [Choice(X[:5, :3], Y[:5])]}, "6 columns and test features 3"),
        ({"choose_on": [Choice(X[:5] * math.nan, Y[:5])]}, "choose_on_features has NaN"),
        ({"choose_on": [Choice(X[:5], Y[:5], 0.0)]}, "the weight of a choice must be above 0"),
        ({"held_out": 1e-9}, "leaves none to choose on"),
        ({"held_out": 1.0}, "leaves none to train on"),
        ({"held_out": 0.0}, "held_out must be above 0"),
        ({"choose_on": [Choice(X[:5], Y[:5] + 9)]}, "choose_on_labels have the class 9"),
    ],
)
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        probe(**change)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LinearSettings(()), "learning_rates is empty"),
        (lambda: LinearSettings((0.1, 0.0)), "a learning rate must be above 0, got 0.0"),
        (lambda: LinearSettings((0.1,), (-1.0,)), "a weight decay must be at least 0"),
        (lambda: LinearSettings((0.1,), epochs=(0,)), "epochs must be at least 1"),
        (lambda: LinearSettings((0.1,), momentum=1.0), "momentum must be below 1"),
        (lambda: LinearSettings((0.1,), schedule="cosin"), "did you mean 'cosine'"),  # type: ignore[arg-type]
    ],
)
def test_settings_that_are_refused(make: Callable[[], LinearSettings], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()
