"""The same work on processes of this machine, on a Ray cluster and on Dask's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_rendering import recipe, render, tree

from causal_ssl.datasets.causal3dident.scaleout import BACKENDS, Pool
from causal_ssl.errors import InputError

SMALL = recipe(60, 10, views=1)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set drawn in this process."""
    root = tmp_path_factory.mktemp("alone") / "set"
    render(root, SMALL)
    return root


def square(number: int) -> int:
    if number < 0:
        raise ArithmeticError(f"{number} is negative")
    return number**2


def test_results_come_with_the_index_of_their_task() -> None:
    with Pool(workers=1, tasks=200) as pool:
        results = list(pool.run(square, [(number,) for number in range(200)]))
    assert sorted(results) == [(number, number**2) for number in range(200)]


def test_what_a_task_raises_is_raised_here() -> None:
    with Pool(workers=1, tasks=2) as pool, pytest.raises(ArithmeticError, match="-3 is negative"):
        list(pool.run(square, [(1,), (-3,)]))


def test_no_more_processes_than_tasks() -> None:
    with Pool(workers=5, tasks=1) as pool:
        assert pool.workers == 1


def test_an_unknown_backend_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown parallel backend 'rey': did you mean 'ray'"):
        Pool("rey", workers=1, tasks=1)
    assert BACKENDS == ("loky", "ray", "dask")


@pytest.mark.parametrize("backend", ["ray", "dask"])
def test_a_backend_that_is_missing_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setitem(sys.modules, backend, None)
    says = rf"backend {backend} is not installed: pip install 'causal-ssl\[cluster\]'"
    with pytest.raises(InputError, match=says), Pool(backend, workers=1, tasks=1):
        pass


def test_a_dask_cluster_draws_the_same_bytes(tmp_path: Path, alone: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="dask is not installed")
    # Its workers are threads of this process: those in processes take ten seconds to start.
    local = distributed.LocalCluster(n_workers=2, processes=False, dashboard_address=None)
    with local, distributed.Client(local):
        assert render(tmp_path / "set", SMALL, workers=2, parallel="dask").drawn == 140
    assert tree(tmp_path / "set") == tree(alone)


RAY = """
import sys
import ray
from fake_rendering import recipe, render

if __name__ == "__main__":
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        _node_ip_address="127.0.0.1",
    )
    render(sys.argv[1], recipe(60, 10, views=1), workers=2, parallel="ray")
    ray.shutdown()
"""


def test_a_ray_cluster_of_two_processes_draws_the_same_bytes(tmp_path: Path, alone: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed")
    command = [sys.executable, "-c", RAY, str(tmp_path / "set")]
    quiet = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=quiet)
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "set") == tree(alone)
