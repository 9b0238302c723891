"""What paths and options tell is refused before an encoder is read and images are listed."""

from pathlib import Path

import pytest
from helpers import call, evaluation

from causal_ssl.experiments.run_directory import RunDirectory


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("knn", ["--out", "file"], "--out file is a file: name a directory"),
        ("finetune", ["--out", "file/run"], "--out file/run: file is a file: name another"),
        ("knn", ["--out", "other"], "other holds a run of evaluate linear: name another --out"),
        ("linear", ["--out", "other"], "other holds a run with another config (rates: "),
        ("invariance", ["--features", "file"], "--features file is a file: name a directory"),
        ("knn", ["--features", "file/x"], "--features file/x: file is a file: name another"),
        ("semi", ["--subset", "gone.txt"], "the list gone.txt cannot be read (No such file"),
        ("linear", ["--choose-on", "imagenet-c"], "give --suite-root, or --choose-on held-out"),
        (
            "linear",
            ["--choose-on", "imagenet-c", "--suite-root", "gone"],
            "gone is not a folder: name the one that test sets are unpacked in",
        ),
    ],
)
def test_it_is_refused_though_the_encoder_is_not_there_either(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    change: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    with RunDirectory("other").claim("evaluation-linear", {"rates": [9.0]}):
        pass
    before = sorted(tmp_path.rglob("*"))
    arguments = evaluation(name, Path("gone.pt"), Path("gone"), Path("run"), *change)
    status, _, err = call(capsys, arguments)
    assert (status, len(err.splitlines())) == (2, 1)
    assert says in err
    assert sorted(tmp_path.rglob("*")) == before
