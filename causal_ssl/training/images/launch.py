"""How many processes train together, and who starts them: a launcher's environment has the word."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from causal_ssl.errors import InputError, in_range


@dataclass(frozen=True)
class Launch:
    """The processes of a run.

    Attributes:
        devices: processes on each node.
        nodes: nodes.
        by: who starts them: "torchrun", "srun", or None: the first of them starts the others.
    """

    devices: int
    nodes: int
    by: Literal["torchrun", "srun"] | None = None

    @property
    def ranks(self) -> int:
        """Processes in all."""
        return self.devices * self.nodes


def launch_of(devices: int, nodes: int, environment: Mapping[str, str] = os.environ) -> Launch:
    """The processes that a launcher has started; without one, what was asked for.

    Args:
        devices: processes on each node.
        nodes: nodes; both may stay 1 where a launcher knows better.
        environment: where `torchrun` and Slurm's `srun` say what they have started. An `srun` of a
            single task, which a shell in an allocation is, counts as none.

    Raises:
        InputError: numbers below 1, others than were started, or nodes with unequal numbers of
            processes.

    Examples:
        >>> launch_of(1, 1, {})
        Launch(devices=1, nodes=1, by=None)
        >>> launch_of(1, 1, {"SLURM_STEP_ID": "0", "SLURM_NTASKS": "8", "SLURM_NNODES": "2"})
        Launch(devices=4, nodes=2, by='srun')
    """
    asked = Launch(in_range("devices", devices, at_least=1), in_range("nodes", nodes, at_least=1))
    started = _started(environment)
    if started is None:
        return asked
    for name in ("devices", "nodes"):
        wanted, there = getattr(asked, name), getattr(started, name)
        if wanted not in (1, there):
            raise InputError(
                f"{name} = {wanted}, but {started.by} has started {started.devices} processes on "
                f"each of {started.nodes} nodes: leave {name} out"
            )
    return started


def is_first_process(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this is the process that speaks for all; before, while and after they train.

    Examples:
        >>> is_first_process({}), is_first_process({"LOCAL_RANK": "1"})
        (True, False)
    """
    started = _started(environment)
    if started is None:  # the first process tells those that it starts
        ranks = [environment.get(name, "0") for name in ("NODE_RANK", "LOCAL_RANK")]
    else:
        ranks = [environment["RANK" if started.by == "torchrun" else "SLURM_PROCID"]]
    return all(rank == "0" for rank in ranks)


def _started(environment: Mapping[str, str]) -> Launch | None:
    if "TORCHELASTIC_RUN_ID" in environment:
        return _even("torchrun", environment["WORLD_SIZE"], environment["GROUP_WORLD_SIZE"])
    tasks = environment.get("SLURM_NTASKS", "1")
    if "SLURM_STEP_ID" in environment and tasks != "1":
        return _even("srun", tasks, environment["SLURM_NNODES"])
    return None


def _even(by: Literal["torchrun", "srun"], ranks: str, nodes: str) -> Launch:
    devices, left = divmod(int(ranks), int(nodes))
    if left:
        raise InputError(
            f"{by} has started {ranks} processes on {nodes} nodes: start as many on each node"
        )
    return Launch(devices, int(nodes), by)
