"""The history holds window means as floats, and survives a checkpoint."""

import numpy as np
import pytest

from causal_ssl.errors import InputError
from causal_ssl.training.history import History

VALUES = np.arange(7 * 2 * 3, dtype=float).reshape(7, 2, 3)  # steps, terms, replicas


def filled(*sizes: int) -> History:
    history = History(every=3, total=7)
    for part in np.split(VALUES, np.cumsum(sizes)):
        history.add(["loss", "contrastive"], part)
    return history


def test_values_are_means_of_windows_and_the_last_may_be_short() -> None:
    frame = filled().frame()
    assert list(frame.columns) == ["step", "replica", "term", "value"]
    assert frame.step.unique().tolist() == [3, 6, 7]
    one = frame[(frame.replica == 2) & (frame.term == "contrastive")].value
    expected = [VALUES[:3, 1, 2].mean(), VALUES[3:6, 1, 2].mean(), VALUES[6, 1, 2]]
    assert one.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("sizes", [(2,), (3, 1), (1, 1, 4)])
def test_how_steps_come_in_chunks_does_not_matter(sizes: tuple[int, ...]) -> None:
    assert filled(*sizes).frame().equals(filled().frame())


def test_continues_in_the_middle_of_a_window() -> None:
    first, second = History(every=3, total=7), History(every=3, total=7)
    first.add(["loss", "contrastive"], VALUES[:5])
    second.load_state_dict(first.state_dict())
    second.add(["loss", "contrastive"], VALUES[5:])
    assert second.frame().equals(filled().frame())


def test_an_empty_history_is_an_empty_table() -> None:
    frame = History(every=3, total=7).frame()
    assert frame.empty
    assert list(frame.columns) == ["step", "replica", "term", "value"]


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(InputError, match="log_every must be at least 1, got 0"):
        History(every=0, total=7)
