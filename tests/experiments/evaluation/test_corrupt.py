"""An evaluation that a corrupt image stopped goes on without it, and says how."""

import shutil
from pathlib import Path

import pytest
from helpers import call, evaluation


def test_without_a_corrupt_image_it_is_another_evaluation_that_keeps_features(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    root, run = tmp_path / "data", tmp_path / "run"
    shutil.copytree(imagenet, root)
    next((root / "val" / "n03000684").iterdir()).write_bytes(b"broken")

    def knn(out: Path, *more: str) -> tuple[int, str, str]:
        return call(capsys, evaluation("knn", checkpoint, root, out, "--k", "9", *more))

    status, _, err = knn(run)
    assert (status, "`--on-corrupt skip` skips those listed" in err) == (2, True)
    (finished,) = (run / "features").glob("train-*.npy")
    written = finished.stat().st_mtime_ns
    status, out, _ = call(capsys, ["data", "check", str(root)])
    assert status == 1
    assert "`--on-corrupt skip` leaves them out, of `causal-ssl pretrain`, `causal-ssl eval" in out
    status, _, err = knn(run, "--on-corrupt", "skip")
    assert status == 2
    assert (
        "run holds an evaluation of another val images (images that --on-corrupt skip leaves out "
        f"are none of them): name another --out, and --features {run / 'features'} to keep what is "
        "computed"
    ) in err
    kept = ["--on-corrupt", "skip", "--features", str(run / "features")]
    status, out, _ = knn(tmp_path / "other", *kept)
    assert (status, "1 unreadable image of val left out" in out) == (0, True)
    assert [path.stat().st_mtime_ns for path in (run / "features").glob("train-*.npy")] == [written]


def test_a_run_none_of_whose_images_is_left_out_is_continued_with_skip(
    capsys: pytest.CaptureFixture[str], imagenet: Path, checkpoint: Path, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(imagenet, root)
    (root / "unreadable.txt").write_text("")
    arguments = evaluation("knn", checkpoint, root, tmp_path / "run", "--k", "9")
    assert call(capsys, arguments)[0] == 0
    before = (tmp_path / "run" / "table.csv").read_bytes()
    assert call(capsys, [*arguments, "--on-corrupt", "skip"])[0] == 0
    assert (tmp_path / "run" / "table.csv").read_bytes() == before
