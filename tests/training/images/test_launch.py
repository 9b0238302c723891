"""How many processes train, by what a launcher says."""

from collections.abc import Callable
from pathlib import Path

import pytest

from causal_ssl.errors import InputError
from causal_ssl.training.images import fit
from causal_ssl.training.images.launch import Launch, is_first_process, launch_of


def torchrun(rank: int, ranks: int, nodes: int) -> dict[str, str]:
    return {
        "TORCHELASTIC_RUN_ID": "none",
        "RANK": str(rank),
        "LOCAL_RANK": str(rank % (ranks // nodes)),
        "WORLD_SIZE": str(ranks),
        "GROUP_WORLD_SIZE": str(nodes),
    }


def srun(rank: int, ranks: int, nodes: int) -> dict[str, str]:
    return {
        "SLURM_STEP_ID": "0",
        "SLURM_PROCID": str(rank),
        "SLURM_NTASKS": str(ranks),
        "SLURM_NNODES": str(nodes),
    }


@pytest.mark.parametrize(("launcher", "by"), [(torchrun, "torchrun"), (srun, "srun")])
def test_a_launcher_has_the_word(launcher, by: str) -> None:
    started = Launch(devices=4, nodes=2, by=by)
    for devices, nodes in ((1, 1), (4, 2), (4, 1)):
        assert launch_of(devices, nodes, launcher(5, 8, 2)) == started
    with pytest.raises(InputError, match=rf"devices = 3, but {by} has started 4 processes on each"):
        launch_of(3, 2, launcher(5, 8, 2))
    with pytest.raises(InputError, match=r"nodes = 8, but .* leave nodes out"):
        launch_of(4, 8, launcher(5, 8, 2))
    with pytest.raises(InputError, match="7 processes on 2 nodes: start as many on each"):
        launch_of(1, 1, launcher(1, 7, 2))


@pytest.mark.parametrize("launcher", [torchrun, srun])
def test_the_first_of_a_launchers_processes(launcher) -> None:
    assert [is_first_process(launcher(rank, 4, 2)) for rank in range(4)] == [True] + [False] * 3


def test_without_a_launcher_what_was_asked_for() -> None:
    assert launch_of(2, 3, {}) == Launch(devices=2, nodes=3, by=None)
    # a shell in an allocation of eight tasks, and one that srun has opened
    allocation = {"SLURM_NTASKS": "8", "SLURM_NNODES": "2"}
    assert launch_of(2, 1, allocation) == Launch(devices=2, nodes=1, by=None)
    assert launch_of(2, 1, srun(0, 1, 1)) == Launch(devices=2, nodes=1, by=None)
    with pytest.raises(InputError, match="devices must be at least 1"):
        launch_of(0, 1, {})


def test_the_first_of_the_processes_that_the_first_one_starts() -> None:
    for node, local, first in (("0", "0", True), ("0", "1", False), ("1", "0", False)):
        assert is_first_process({"NODE_RANK": node, "LOCAL_RANK": local}) == first


def test_only_the_first_process_writes_before_training_begins(
    run: Callable[..., object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others could be there before the first has made the directory its own."""

    def began(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fit, "_advance", began)
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(KeyboardInterrupt):
        run("other")
    assert not list(tmp_path.rglob("*.*"))
    monkeypatch.delenv("LOCAL_RANK")
    with pytest.raises(KeyboardInterrupt):
        run("first")
    assert (tmp_path / "first" / "training.json").exists()
