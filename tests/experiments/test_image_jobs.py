"""A job of a study of image encoders: trained once, named where it diverges, swept up after."""

import json
from pathlib import Path

import pytest
import torch

from causal_ssl.experiments import cells
from causal_ssl.experiments.image_study import jobs as image_jobs
from causal_ssl.experiments.image_study.config import RANDOM, ImageCell, ImageStudy
from causal_ssl.experiments.workers import TaskError
from causal_ssl.models.image_encoders import EncoderConfig
from causal_ssl.models.weights import load_encoder
from causal_ssl.training.images import ImageTraining

TRAINING = ImageTraining(
    steps=2, batch_size=4, method="infonce", encoder=EncoderConfig("conv4", n_outputs=4)
)
CELL = ImageCell("infonce", 1)


def twice(batch, generator):
    views = [batch / 255 + torch.rand(batch.shape, generator=generator) for _ in range(2)]
    return [view / 2 for view in views], None


def nothing(batch, generator):
    return [torch.full(batch.shape, torch.nan)] * 2, None


def train(root: Path, views, said: list):
    images = torch.arange(8 * 3 * 16 * 16).reshape(8, 3, 16, 16).remainder(251).to(torch.uint8)
    config = ImageStudy(device="cpu")
    return image_jobs.train(root, config, CELL, TRAINING, images, views, report=said.append)


def test_a_job_leaves_its_rows_its_encoder_and_its_logs_and_is_done_once(tmp_path):
    said = []
    for _ in range(2):
        image_jobs.run(
            tmp_path,
            CELL,
            said.append,
            make=lambda: train(tmp_path, twice, said),
            score=lambda encoder: [{"value": sum(p.numel() for p in encoder.parameters())}],
        )
    found = json.loads(cells.path(tmp_path, CELL.name).read_text())
    kept = load_encoder(tmp_path / "encoders" / f"{CELL.name}.pt")
    assert found["rows"] == [{"value": sum(p.numel() for p in kept.parameters())}]
    assert found["cell"] == {"method": "infonce", "seed": 1}
    assert set(found["metrics"]) == {"step", "metric", "value"}
    assert [state.phase for state in said].count("scoring") == 1
    assert (said[0].name, said[-2].step, said[-2].steps) == (CELL.name, 2, 2)
    assert not (tmp_path / "training" / CELL.name).exists()


def test_diverged_training_names_its_cell_and_leaves_it_unfinished(tmp_path):
    with pytest.raises(TaskError, match="training diverged") as failure:
        train(tmp_path, nothing, [])
    assert failure.value.about == CELL.name
    assert cells.unfinished(tmp_path, CELL.cell_names) == [CELL.name]
    assert not (tmp_path / "encoders").exists()


def test_a_sweep_removes_the_folders_of_finished_cells_alone(tmp_path):
    finished, begun = ImageCell("relic", 0), ImageCell(RANDOM, 0)
    for cell in (finished, begun):
        (tmp_path / "training" / cell.name).mkdir(parents=True)
    cells.finish(tmp_path, finished.name, {})
    image_jobs.sweep(tmp_path, [finished, begun])
    assert [path.name for path in (tmp_path / "training").iterdir()] == [begun.name]
