"""Logs that survive interruptions, and what a person sees."""

import io
from pathlib import Path

import pytest
import torch
from rich.console import Console

from causal_ssl.training.images.metrics import MetricFile, Window, read_metrics
from causal_ssl.training.images.progress import ImageProgress, progress_shown


def test_half_a_row_and_later_rows_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    log = MetricFile(path, step=0)
    for step in (5, 10, 15):
        log.append(step, {"loss": 1 / step, "rate": 0.1})
    whole = path.read_text()
    path.write_text(whole + "20,lo")
    MetricFile(path, step=15)
    assert path.read_text() == whole
    MetricFile(path, step=12)
    frame = read_metrics(path)
    assert frame.step.tolist() == [5, 5, 10, 10]
    assert frame.value.tolist() == [1 / 5, 0.1, 1 / 10, 0.1]  # to the last digit
    MetricFile(path, step=0)
    assert read_metrics(path).empty


def test_a_window_continues() -> None:
    values = torch.tensor([0.1, 0.7, 0.3, 1e9], dtype=torch.float32)
    whole, first, second = Window(), Window(), Window()
    for value in values:
        whole.add({"loss": value})
    for value in values[:3]:
        first.add({"loss": value})
    second.load_state_dict(first.state_dict())
    second.add({"loss": values[3]})
    assert second.means() == whole.means() == {"loss": values.double().mean().item()}


def test_the_first_step_that_is_not_finite_is_found() -> None:
    window = Window()
    assert window.first_non_finite() is None
    for loss, norm in ((1.0, 2.0), (1.0, torch.inf), (torch.nan, torch.nan)):
        window.add({"loss": torch.tensor(loss), "norm": torch.tensor(norm)})
    assert window.first_non_finite() == (1, ["norm"])


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown(terminal: bool) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=160)
    with progress_shown("relic", console) as shown:
        shown(ImageProgress(10, 2000))
        shown(ImageProgress(2000, 2000, 0.12345, 1234.5))
    assert "step 2,000 of 2,000, loss 0.1235, 1,234 images/s" in text.getvalue()
    assert ("relic" in text.getvalue()) == terminal  # the bar's title
    assert "step 10 of" not in text.getvalue()  # neither redrawn nor a minute ago
