"""The benchmark of pretraining runs, small, on a CPU; no figure of it is looked at for its size."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SMALL = (
    "--device cpu --encoder conv4 --size 28 --batch 4 --precision float32 --steps 2 --turns 2 "
    "--files 6 --workers 0 --methods simclr"
)


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("resnet50_pretraining")


def test_files_are_repeated(
    benchmark: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "PHOTOGRAPHS", 4)
    benchmark.photographs(tmp_path, 7)
    contents = [path.read_bytes() for path in sorted(tmp_path.glob("*/*.JPEG"))]
    assert len(contents) == 7
    assert len(set(contents)) == 4


def test_sides_are_compared_turn_by_turn(benchmark: ModuleType) -> None:
    options = benchmark.parsed(SMALL.split())
    ours = {"images_per_second": [1.0, 10.0, 30.0, 12.0], "peak_gigabytes": [0.0] * 4}
    theirs = {"images_per_second": [1.0, 5.0, 10.0, 3.0], "peak_gigabytes": [0.0] * 4}
    found = benchmark.compared(ours, theirs, options)
    assert found["ours_by_theirs_in_turns"] == [1, 2, 3, 4]
    assert found["ours_by_theirs"] == 3  # of the last three: the first is warming up
    assert found["images_per_second"] == 5


def test_a_small_run(
    benchmark: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(benchmark, "find_spec", lambda name: None)
    options = benchmark.parsed(SMALL.split())
    benchmark.photographs(tmp_path / "images", options.files)
    found = benchmark.measured("simclr", tmp_path, options, peers=True)
    assert "lightly is not installed" in capsys.readouterr().out
    assert found["peers"] == {}
    compute, files = found["on_device"], found["from_files"]
    assert len(compute["turns"]) == 2
    # The row in which batches read ahead may be used up is not among those that count.
    assert len(files["turns"]) == 3
    assert files["images_per_second"] == pytest.approx(sum(files["turns"][1:]) / 2)
    ratio = files["images_per_second"] / compute["images_per_second"]
    assert found["files_by_compute"] == pytest.approx(ratio)
    assert 0 < files["data_share"] < 1


def test_lightly_learns(benchmark: ModuleType) -> None:
    pytest.importorskip("lightly")
    from _lightly_simclr import LightlySimCLR

    options = benchmark.parsed(SMALL.split())
    import torch

    views = [torch.rand(4, 3, 28, 28, generator=torch.Generator().manual_seed(k)) for k in (0, 1)]
    side = LightlySimCLR(lambda step, generator: views, options, same_settings=False)
    losses = [side.step().item() for _ in range(20)]
    assert losses[-1] < losses[0]
    assert side.turn(2) > 0


def test_too_few_files_are_refused(benchmark: ModuleType) -> None:
    with pytest.raises(SystemExit):
        benchmark.parsed([*SMALL.split(), "--files", "3"])
