"""The weighted vote against scikit-learn's, against a loop, and in pieces of any size."""

import math
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import top_k_accuracy_score
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from causal_ssl.analysis.knn import KnnAccuracy, knn_accuracies, knn_accuracy
from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for

N_BANK, N_TEST, D, N_CLASSES = 400, 150, 12, 8


def clusters(n: int, *key: str) -> tuple[Tensor, Tensor]:
    """Features around eight overlapping centres, of very different lengths, and their classes."""
    centres = torch.randn(N_CLASSES, D, generator=generator_for("centres"), dtype=torch.float64)
    generator = generator_for("clusters", *key)
    labels = torch.randint(N_CLASSES, (n,), generator=generator)
    noise = torch.randn(n, D, generator=generator, dtype=torch.float64)
    lengths = torch.rand(n, 1, generator=generator, dtype=torch.float64) * 10 + 0.1
    return (centres[labels] + 1.5 * noise) * lengths, labels


BANK, BANK_LABELS = clusters(N_BANK, "bank")
TEST, TEST_LABELS = clusters(N_TEST, "test")


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.1), (20, 0.1), (200, 0.07), (N_BANK, 1.0)])
def test_it_is_scikit_learns_weighted_vote(k: int, temperature: float) -> None:
    classifier = KNeighborsClassifier(
        k,
        metric="cosine",
        algorithm="brute",
        weights=lambda distance: np.exp((1 - distance) / temperature),
    ).fit(BANK.numpy(), BANK_LABELS.numpy())
    expected = classifier.score(TEST.numpy(), TEST_LABELS.numpy())
    found = knn_accuracy(
        BANK, BANK_LABELS, TEST, TEST_LABELS, k=k, temperature=temperature, bank_chunk=128
    )
    assert found.top1 == expected
    assert 2 / N_CLASSES < found.top1 < found.top5 or k == 1
    if k >= 200:  # every class has votes: no ties
        scores = classifier.predict_proba(TEST.numpy())
        expected = top_k_accuracy_score(TEST_LABELS.numpy(), scores, k=5)
        assert found.top5 == expected


def by_loop(k: int, temperature: float, bank: Tensor = BANK, test: Tensor = TEST) -> KnnAccuracy:
    """Of equal neighbours the first, of equal votes the class that the bank names first."""
    named = {c: place for place, c in reversed(list(enumerate(BANK_LABELS.tolist())))}
    first = fifth = 0
    for feature, truth in zip(test, TEST_LABELS.tolist(), strict=True):
        similarity = torch.nn.functional.cosine_similarity(bank, feature[None])
        votes: defaultdict[int, float] = defaultdict(float)
        for i in similarity.argsort(descending=True, stable=True)[:k].tolist():
            votes[int(BANK_LABELS[i])] += math.exp(float(similarity[i]) / temperature)
        ranked = sorted(votes, key=lambda c: (-votes[c], named[c]))
        first += ranked[0] == truth
        fifth += truth in ranked[:5]
    return KnnAccuracy(first / len(test), fifth / len(test))


@pytest.mark.parametrize("k", [1, 3, 30])
def test_it_is_what_a_loop_counts(k: int) -> None:
    found = knn_accuracy(BANK, BANK_LABELS, TEST, TEST_LABELS, k=k, temperature=0.1)
    assert found == by_loop(k, 0.1)


@pytest.mark.parametrize(("bank_chunk", "test_chunk"), [(1, 150), (7, 11), (399, 149), (400, 1)])
def test_pieces_do_not_matter(bank_chunk: int, test_chunk: int) -> None:
    data = (BANK, BANK_LABELS, TEST, TEST_LABELS)
    pieces = knn_accuracy(*data, k=50, bank_chunk=bank_chunk, test_chunk=test_chunk)
    assert pieces == knn_accuracy(*data, k=50)


SETTINGS = [(k, temperature) for k in (7, 1, 50, N_BANK) for temperature in (0.1, 1.0)]


@pytest.mark.parametrize("bank_chunk", [23, 400])
def test_settings_together_are_each_alone(bank_chunk: int) -> None:
    data = (BANK, BANK_LABELS, TEST, TEST_LABELS)
    together = knn_accuracies(*data, settings=SETTINGS, bank_chunk=bank_chunk)
    assert together == [
        knn_accuracy(*data, k=k, temperature=temperature) for k, temperature in SETTINGS
    ]
    assert len(set(together)) > 4


def corners(features: Tensor) -> Tensor:
    """The nearest of the corners (±1, ±1, ±1, ±1): similarities are exact, and mostly ties."""
    return features[:, :4].sign()


@pytest.mark.parametrize(("bank_chunk", "test_chunk"), [(1, 150), (7, 11), (64, 40), (400, 150)])
def test_of_equal_neighbours_the_first_of_the_bank_vote(bank_chunk: int, test_chunk: int) -> None:
    bank, test = corners(BANK), corners(TEST)
    assert len(bank.unique(dim=0)) == 16
    found = knn_accuracies(
        bank,
        BANK_LABELS,
        test,
        TEST_LABELS,
        settings=[(k, 1.0) for k in (1, 5, 40, 130)],
        bank_chunk=bank_chunk,
        test_chunk=test_chunk,
    )
    assert found == [by_loop(k, 1.0, bank, test) for k in (1, 5, 40, 130)]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux says what is resident")
def test_pages_of_a_memory_map_are_given_back(tmp_path: Path) -> None:
    np.save(tmp_path / "bank.npy", torch.randn(20_000, 512, generator=generator_for(0)).numpy())
    bank = np.load(tmp_path / "bank.npy", mmap_mode="r")
    knn_accuracy(bank, [0, 1] * 10_000, torch.ones(1, 512), [0], k=5, bank_chunk=1000)
    lines = Path("/proc/self/smaps").read_text().splitlines()
    own = next(i for i, line in enumerate(lines) if line.endswith("bank.npy"))
    resident = next(line for line in lines[own:] if line.startswith("Rss:"))
    assert int(resident.split()[1]) * 1024 < bank.nbytes / 8


def test_arrays_memory_maps_and_other_types_give_the_same(tmp_path: Path) -> None:
    np.save(tmp_path / "bank.npy", BANK.half().numpy())
    bank = np.load(tmp_path / "bank.npy", mmap_mode="r")
    expected = knn_accuracy(BANK.half(), BANK_LABELS, TEST, TEST_LABELS, k=50)
    assert knn_accuracy(bank, BANK_LABELS.numpy(), TEST.numpy(), TEST_LABELS, k=50) == expected
    names = np.array([f"class {i}" for i in range(N_CLASSES)])
    named = knn_accuracy(
        bank, names[BANK_LABELS.numpy()], TEST, names[TEST_LABELS.numpy()].tolist(), k=50
    )
    assert named == expected


def test_the_bank_is_read_once_and_nothing_is_read_whole() -> None:
    class Watched:
        """Features that remember which rows were read."""

        def __init__(self, features: Tensor) -> None:
            self.features, self.shape, self.ndim = features, features.shape, 2
            self.dtype, self.reads = features.dtype, []  # type: ignore[var-annotated]

        def __len__(self) -> int:
            return len(self.features)

        def __getitem__(self, rows: slice) -> Any:
            self.reads.append(len(self.features[rows]))
            return self.features[rows].numpy()

    bank, test = Watched(BANK), Watched(TEST)
    found = knn_accuracy(bank, BANK_LABELS, test, TEST_LABELS, k=50, bank_chunk=90, test_chunk=40)  # type: ignore[arg-type]
    assert found == knn_accuracy(BANK, BANK_LABELS, TEST, TEST_LABELS, k=50)
    assert bank.reads == [90, 90, 90, 90, 40]
    assert test.reads == [40, 40, 40, 30] * 5


def test_random_features_are_at_chance() -> None:
    n, generator = 4000, generator_for("chance")
    features, labels = torch.randn(2 * n, 8, generator=generator), torch.arange(2 * n) % 10
    found = knn_accuracy(features[:n], labels[:n], features[n:], labels[n:])
    # Five standard errors of a proportion.
    assert abs(found.top1 - 0.1) < 5 * math.sqrt(0.1 * 0.9 / n)
    assert abs(found.top5 - 0.5) < 5 * math.sqrt(0.5 * 0.5 / n)


def test_equal_votes_go_to_the_class_named_first_and_none_wins_without_votes() -> None:
    bank = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    here = torch.tensor([[2.0, 0.0]])
    assert knn_accuracy(bank, ["b", "a", "c"], here, ["b"], k=2) == KnnAccuracy(1.0, 1.0)
    assert knn_accuracy(bank, ["b", "a", "c"], here, ["a"], k=2) == KnnAccuracy(0.0, 1.0)
    assert knn_accuracy(bank, ["b", "a", "c"], here, ["c"], k=2) == KnnAccuracy(0.0, 0.0)
    assert knn_accuracy(bank, ["b", "a", "c"], here, ["d"], k=3) == KnnAccuracy(0.0, 0.0)


def test_low_temperatures_do_not_overflow() -> None:
    nearest = knn_accuracy(BANK, BANK_LABELS, TEST, TEST_LABELS, k=1)
    cold = knn_accuracy(BANK.float(), BANK_LABELS, TEST, TEST_LABELS, k=50, temperature=1e-5)
    assert cold.top1 == nearest.top1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d | {"k": 401}, "k = 401 neighbours among 400"),
        (lambda d: d | {"k": 0}, "k must be at least 1"),
        (lambda d: d | {"temperature": 0.0}, "temperature must be above 0"),
        (lambda d: d | {"bank_chunk": 0}, "bank_chunk must be at least 1"),
        (lambda d: d | {"test_features": TEST[:, :5]}, "12 columns and test features 5"),
        (lambda d: d | {"test_features": TEST[0]}, "test_features of shape \\(12,\\)"),
        (lambda d: d | {"test_features": TEST[:0]}, "neither 0"),
        (lambda d: d | {"train_labels": BANK_LABELS[:-1]}, "expected \\(400,\\), one a feature"),
        (lambda d: d | {"train_labels": [None] + ["a"] * 399}, "sample 0 has the label None"),
        (lambda d: d | {"test_labels": TEST_LABELS[:, None]}, "expected \\(150,\\)"),
        (
            lambda d: d | {"train_features": BANK.index_fill(0, torch.tensor(317), math.nan)},
            "train_features has NaN or infinity in row 317",
        ),
        (
            lambda d: d | {"test_features": TEST.index_fill(0, torch.tensor(9), math.inf)},
            "test_features has NaN or infinity in row 9",
        ),
    ],
)
def test_what_is_refused(change: Callable[[dict[str, Any]], dict[str, Any]], message: str) -> None:
    data = {
        "train_features": BANK,
        "train_labels": BANK_LABELS,
        "test_features": TEST,
        "test_labels": TEST_LABELS,
    }
    with pytest.raises(InputError, match=message):
        knn_accuracy(**change(data | {"k": 10, "bank_chunk": 90}))


def test_no_setting_is_refused() -> None:
    with pytest.raises(InputError, match="no setting: give at least one pair"):
        knn_accuracies(BANK, BANK_LABELS, TEST, TEST_LABELS, settings=[])
