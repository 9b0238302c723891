"""A checkpoint is refused by any run but its own, and leaves nothing beside it."""

from pathlib import Path

import pytest
import torch

from causal_ssl import files
from causal_ssl.datasets.tasks import ContentTasks
from causal_ssl.errors import InputError
from causal_ssl.objectives import ReLIC
from causal_ssl.training import checkpoint


def test_what_a_killed_writer_left_is_gone_with_the_next_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "new" / "run.pt"
    checkpoint.save(path, {"step": 1})
    path.with_name(f"{files.PARTIAL}run.pt-0a1b").write_text("half")
    assert checkpoint.load(path) == {"step": 1}
    checkpoint.save(path, {"step": 2})
    assert checkpoint.load(path) == {"step": 2}
    assert [p.name for p in path.parent.iterdir()] == ["run.pt"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    path.write_bytes(b"half a file")
    with pytest.raises(InputError, match=r"run\.pt: not a checkpoint.*delete it to start"):
        checkpoint.load(path)


def test_another_run_is_refused_with_what_differs(tmp_path: Path) -> None:
    saved = {"seeds": [0, 1], "config": {"steps": 10, "batch_size": 8}}
    wanted = {"seeds": [0, 2], "config": {"steps": 20, "batch_size": 8}}
    checkpoint.check_same_run(saved, saved, tmp_path)
    with pytest.raises(InputError) as refusal:
        checkpoint.check_same_run(saved, wanted, tmp_path)
    message = str(refusal.value)
    assert "seeds is [0, 1] there, [0, 2] here" in message
    assert "config.steps is 10 there, 20 here" in message
    assert "batch_size" not in message


def test_objectives_are_described_by_their_options() -> None:
    relic = ReLIC("neg_squared_l2", alpha=0.5)
    assert checkpoint.describe(relic) == checkpoint.describe(ReLIC("neg_squared_l2", alpha=0.5))
    for other in (
        ReLIC("neg_squared_l2", alpha=0.6),
        ReLIC("neg_l3", alpha=0.5),
        ReLIC("neg_squared_l2", alpha=0.5, divergence="js"),
        ReLIC("neg_squared_l2", alpha=0.5, direction="forward"),
    ):
        assert checkpoint.describe(relic) != checkpoint.describe(other)
    other = ReLIC("neg_squared_l2", alpha=0.5, positives="group_mass")
    assert checkpoint.describe(relic) != checkpoint.describe(other)
    constrained = ReLIC("neg_squared_l2", rho=0.1)
    before = checkpoint.describe(constrained)
    constrained([torch.randn(2, 8, 3), torch.randn(2, 8, 3)])
    assert checkpoint.describe(constrained) == before


def test_tensors_are_described_by_what_they_hold() -> None:
    tasks = [
        ContentTasks(scale * torch.eye(2)).task(cells) for scale, cells in ((1, 4), (1, 8), (2, 4))
    ]
    described = [checkpoint.describe(task) for task in tasks]
    assert described[0] == checkpoint.describe(ContentTasks(torch.eye(2)).task(4))
    assert described[0] != described[1]
    assert described[0] != described[2]
    assert described[0]["cells"] == 4
    kinds = [torch.ones(4), torch.ones(4).double(), torch.ones(2, 2), torch.ones(4).bfloat16()]
    assert len({checkpoint.describe(tensor) for tensor in kinds}) == 4
