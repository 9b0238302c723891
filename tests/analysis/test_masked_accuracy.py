"""Restricted answers against loops over images, intervals against published examples."""

import numpy as np
import pytest
import torch

from causal_ssl.analysis.masked_accuracy import accuracy, accuracy_gap, hits
from causal_ssl.errors import InputError
from causal_ssl.randomness import generator_for

N, C = 60, 12
LOGITS = torch.randn(N, C, generator=generator_for("masked logits"))
MASK = torch.tensor([index % 3 != 1 for index in range(C)])
INSIDE = MASK.nonzero()[:, 0]
ONE = INSIDE[torch.randint(len(INSIDE), (N,), generator=generator_for("masked answers"))]
SEVERAL = torch.stack([ONE, INSIDE[(ONE + 3) % len(INSIDE)], torch.full((N,), -1)], dim=1)


def by_loop(answers: torch.Tensor, k: int, mask: torch.Tensor) -> list[bool]:
    found = []
    for logits, right in zip(LOGITS.tolist(), answers.tolist(), strict=True):
        order = sorted((c for c in range(C) if mask[c]), key=lambda c: -logits[c])
        found.append(bool(set(order[:k]) & set(right if isinstance(right, list) else [right])))
    return found


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("answers", [ONE, SEVERAL])
def test_only_the_masks_classes_compete(answers: torch.Tensor, k: int) -> None:
    masked = hits(LOGITS, answers, mask=MASK, k=k)
    assert masked.tolist() == by_loop(answers, k, MASK)
    free = hits(LOGITS.numpy(), answers.numpy(), k=k)
    assert free.tolist() == by_loop(answers, k, torch.ones(C, dtype=torch.bool))
    assert masked.sum() > free.sum()  # fewer rivals, and every right answer stays


def test_the_interval_is_wilsons() -> None:
    # Newcombe (1998), Statistics in Medicine 17:857, table I, method 3: 81/263 and 15/148.
    for found, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)):
        share = accuracy(np.arange(n) < found)
        assert share.value == found / n
        assert (share.low, share.high) == (
            pytest.approx(low, abs=5e-5),
            pytest.approx(high, abs=5e-5),
        )


def test_a_gap_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    draws = [(rng.random(300) < 0.7, rng.random(200) < 0.5) for _ in range(400)]
    gaps = [accuracy_gap(*pair) for pair in draws]
    covered = np.mean([gap.low <= 0.2 <= gap.high for gap in gaps])
    assert 0.95 - 3 * np.sqrt(0.95 * 0.05 / 400) <= covered <= 0.95 + 3 * np.sqrt(0.05 / 400)
    assert all(gap.value == gap.clean.value - gap.shifted.value for gap in gaps)


def test_an_answer_that_does_not_compete_is_no_answer() -> None:
    outside = ONE.clone()
    outside[7] = 1
    with pytest.raises(InputError, match="image 7 has the answer 1, which is not among the 8"):
        hits(LOGITS, outside, mask=MASK)
    with pytest.raises(InputError, match="image 7 has the answer 12, which is not among the 12"):
        hits(LOGITS, torch.where(torch.arange(N) == 7, C, ONE))
    with pytest.raises(InputError, match="image 0 has no answer"):
        hits(LOGITS, torch.full((N, 2), -1))


def test_bad_input_is_named() -> None:
    broken = LOGITS.clone()
    broken[3, 0] = float("nan")
    with pytest.raises(InputError, match="NaN in row 3"):
        hits(broken, ONE, mask=MASK)
    broken[:, 0], broken[:, 1] = LOGITS[:, 0], float("nan")  # does not compete
    assert (hits(broken, ONE, mask=MASK) == hits(LOGITS, ONE, mask=MASK)).all()
    with pytest.raises(InputError, match="k must be at least 1 and at most 8, got 9"):
        hits(LOGITS, ONE, mask=MASK, k=9)
    with pytest.raises(InputError, match=r"logits \(60, 12\) and answers \(59,\)"):
        hits(LOGITS, ONE[1:])
    with pytest.raises(InputError, match=r"mask \(11,\) of torch.bool"):
        hits(LOGITS, ONE, mask=MASK[1:])
    with pytest.raises(InputError, match=r"answers are of torch\.float32"):
        hits(LOGITS, ONE.float())
    with pytest.raises(InputError, match="images must be at least 1"):
        accuracy(np.array([], bool))
