"""`causal-ssl render`: options as flags, errors of one line, sets that are really rendered."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import call
from rich.console import Console

from causal_ssl.datasets.causal3dident.images import read
from causal_ssl.datasets.causal3dident.layout import albums, changes
from causal_ssl.datasets.causal3dident.packed import open_packed
from causal_ssl.datasets.causal3dident.presets import PRESETS
from causal_ssl.datasets.causal3dident.rendering import choose
from causal_ssl.datasets.causal3dident.rendering.raster_gl import available
from causal_ssl.datasets.causal3dident.scaleout import BACKENDS
from causal_ssl.datasets.space import Stopped
from causal_ssl.experiments.causal3dident import render
from causal_ssl.experiments.watching import Lines, watching


def test_names_in_help_are_those_that_there_are() -> None:
    assert set(render.MODELS) == set(PRESETS)
    assert render.BACKENDS == choose.BACKENDS
    assert render.PARALLEL == BACKENDS


def test_help_shows_every_option_and_does_not_wait_for_torch() -> None:
    program = (
        "import sys; from causal_ssl import cli\n"
        "try: cli.main(['render', 'causal3dident', '--help'])\n"
        "except SystemExit: pass\n"
        "assert not {'torch', 'pandas', 'matplotlib', 'joblib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    options = ["n-train", "size", "backend", "counterfactuals", "propagate", "backend-parallel"]
    for option in options:
        assert f"--{option} " in done.stdout


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("causal3dident --n-train 0 --n-test 0", "no images: ask for some"),
        ("causal3dident --size 5000", "size must be at most 4096, got 5000"),
        ("causal3dident --backend vray", "unknown backend 'vray'"),
        ("causal3dident --backend-parallel rey", "unknown backend_parallel 'rey': did you mean"),
        ("causal3dident --workers many", "workers must be auto or a number from 1, got 'many'"),
        ("causal3dident --workers 0", "workers must be auto or a number from 1, got '0'"),
        ("causal3dident --packed 300", "packed = 300 pixels of images of size = 224"),
        ("causal3dident --counterfactuals 2", "2 counterfactuals of each of 0 changes"),
        ("causal3dident --counterfactuals 1 --change hue", "unknown change 'hue': did you mean"),
        ("causal3dident --change hues", "0 counterfactuals of each of 1 changes"),
        ("causal3dident --object-scale 0", "object_scale must be above 0, got 0"),
        ("causal3dident --n-train 5 --meshes nowhere", "nowhere"),
        ("causal3dident --n-tain 3", "unknown option --n-tain: did you mean --n-train?"),
        ("causal3d", "unknown set 'causal3d': did you mean 'causal3dident'?"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_made(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = call(capsys, ["render", *command.split()])
    assert (status, out) == (2, "")
    assert says in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(available() is not None, reason=f"no raster backend: {available()}")
def test_a_set_is_rendered_and_then_complete(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = tmp_path / "set"
    command = (
        "causal3dident --n-train 14 --n-test 0 --size 64 --object-scale 3 --backend auto"
        f" --workers 1 --seed 1 --counterfactuals 1 --change hues --packed 32 --out {root}"
    )
    status, out, err = call(capsys, ["render", *command.split()])
    assert (status, err) == (0, "")
    assert re.search(r"rendering: 28 of 28, [\d.]+ images/s", out)
    assert f"rendered: {root} (28 images)" in " ".join(out.split())
    factual, views = albums(root, "train"), albums(root, "train", change="hues")
    assert sum(map(len, factual)) == 14
    assert changes(root, "train") == ("hues",)
    pictures = [read(path) for album in factual for path in album.paths()]
    others = [read(path) for album in views for path in album.paths()]
    assert all(picture.shape == (64, 64, 3) for picture in pictures)
    assert len({picture.tobytes() for picture in pictures + others}) == 28
    assert open_packed(root, "train", 32, change="hues").shape == (14, 1, 32, 32, 3)
    manifest = json.loads((root / "manifest.json").read_text())
    assert manifest["settings"]["backend"] == "raster"
    assert manifest["scene"]["object_scale"] == 3.0

    status, out, _ = call(capsys, ["render", *command.split()])
    assert status == 0
    assert out.startswith("complete already")
    status, _, err = call(capsys, ["render", *command.replace("--seed 1", "--seed 2").split()])
    assert status == 2
    assert "settings.seed: 1 there, 2 asked" in err


def test_an_end_from_outside_says_how_to_continue(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_: object) -> None:
        raise Stopped("the disk is full")

    monkeypatch.setattr(render, "run", stopped)
    status, _, err = call(capsys, ["render", "causal3dident", "--out", "set"])
    assert status == 1
    assert err == (
        "causal-ssl render causal3dident: the disk is full\n"
        "what is finished is kept: repeat the command to continue\n"
    )


def test_progress_is_a_first_and_a_last_line_where_nobody_watches(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file, watching(Console(file=file, width=80)) as shown:
        assert type(shown) is Lines
        shown.begin("rendering", 96, 32)
        for _ in range(2):
            shown.advance(32)
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[0] == "rendering: 96 images, 32 finished before"
    assert re.fullmatch(r"rendering: 96 of 96, [\d,.]+ images/s", lines[1])


def test_progress_is_a_bar_with_images_per_second_on_a_terminal(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        console = Console(file=file, width=120, force_terminal=True, color_system=None)
        with watching(console) as shown:
            shown.begin("rendering", 64, 0)
            shown.advance(64)
    assert re.search(r"64 of 64 .*images/s", (tmp_path / "log").read_text())
