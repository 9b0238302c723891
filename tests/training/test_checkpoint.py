"""A checkpoint is whole, holds no code, and is refused by any run but its own."""

from pathlib import Path

import pytest
import torch
from torch import nn

from causal_ssl.errors import InputError
from causal_ssl.objectives import ReLIC
from causal_ssl.training import checkpoint


def test_round_trip_is_exact(tmp_path: Path) -> None:
    state = {"step": 3, "name": "x", "values": [1.5, None], "tensor": torch.randn(4).double()}
    path = tmp_path / "new" / "run.pt"
    checkpoint.save(path, state)
    loaded = checkpoint.load(path)
    assert torch.equal(loaded.pop("tensor"), state.pop("tensor"))
    assert loaded == state
    assert [p.name for p in path.parent.iterdir()] == ["run.pt"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    checkpoint.save(path, {"step": 1})
    with pytest.raises(Exception, match="pickle"):
        checkpoint.save(path, {"step": 2, "code": lambda: None})
    assert checkpoint.load(path) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


@pytest.mark.parametrize("damage", [b"", b"half a file", None])
def test_a_damaged_file_is_named(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "run.pt"
    checkpoint.save(path, {"step": 1, "x": torch.zeros(100)})
    path.write_bytes(path.read_bytes()[:300] if damage is None else damage)
    with pytest.raises(InputError, match=r"run\.pt.*delete it"):
        checkpoint.load(path)


def test_code_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "run.pt"
    torch.save(nn.Linear(2, 2), path)
    with pytest.raises(InputError, match=r"run\.pt"):
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
    constrained = ReLIC("neg_squared_l2", rho=0.1)
    before = checkpoint.describe(constrained)
    constrained([torch.randn(2, 8, 3), torch.randn(2, 8, 3)])
    assert checkpoint.describe(constrained) == before
