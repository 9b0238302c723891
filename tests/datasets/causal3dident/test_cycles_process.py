"""Blender as a process: found, started, asked and ended; with stand-ins that are no Blender."""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from causal_ssl.datasets.causal3dident.mesh import Mesh
from causal_ssl.datasets.causal3dident.rendering.blender import VARIABLE, RenderError, find
from causal_ssl.datasets.causal3dident.rendering.cycles import CyclesRenderer
from causal_ssl.datasets.causal3dident.rendering.renderer import RenderSettings
from causal_ssl.datasets.causal3dident.scene import Scene
from causal_ssl.errors import InputError

SIZE = 8
FRAMES = Scene().frames(np.zeros((3, 10)))
CLASSES = np.zeros(3, np.int64)

PREAMBLE = f"""#!{sys.executable} -S
import json, os, sys, time
if "--version" in sys.argv:
    print("Blender 4.5.0")
    sys.exit()
folder = sys.argv[-1]
print("Read prefs", flush=True)
def greet(**more):
    print("causal-ssl", json.dumps(dict(pid=os.getpid(), folder=folder, **more)), flush=True)
"""


def stand_in(folder: Path, body: str, preamble: str = PREAMBLE) -> Path:
    """An executable that claims to be a Blender and runs a script."""
    program = folder / "blender"
    program.write_text(preamble + body)
    program.chmod(0o755)
    return program


def renderer(program: Any, samples: int = 16) -> CyclesRenderer:
    triangle = np.eye(3, dtype=np.float32)
    mesh = Mesh(triangle, np.array([[0, 1, 2]], np.int32), triangle)
    return CyclesRenderer({0: mesh}, RenderSettings(SIZE, samples=samples), blender=program)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


ANSWERING = """
greet(told=json.load(open(folder + "/scene.json")))
for count, line in enumerate(sys.stdin):
    sys.stdout.buffer.write(bytes([count]) * (8 * 8 * 3))
    sys.stdout.flush()
"""


def test_each_frame_is_answered_by_its_image_whatever_is_said_first(tmp_path: Path) -> None:
    with renderer(stand_in(tmp_path, ANSWERING)) as opened:
        images = list(opened.render(CLASSES, FRAMES))
        more = next(opened.render(CLASSES, FRAMES))
    assert [image.shape for image in images] == [(SIZE, SIZE, 3)] * 3
    assert [image.max() for image in [*images, more]] == [0, 1, 2, 3]


@pytest.mark.parametrize(("samples", "quality"), [(16, "FAST"), (512, "HIGH")])
def test_the_published_samples_are_denoised_by_blenders_own_settings(
    tmp_path: Path, samples: int, quality: str
) -> None:
    with renderer(stand_in(tmp_path, ANSWERING), samples) as opened:
        settings = opened.versions["told"]["settings"]
    assert (settings["samples"], settings["denoising_quality"]) == (samples, quality)


def test_closing_ends_the_process_and_removes_its_folder(tmp_path: Path) -> None:
    opened = renderer(stand_in(tmp_path, ANSWERING))
    pid, folder = opened.versions["pid"], opened.versions["folder"]
    assert alive(pid)
    assert Path(folder, "meshes.npz").is_file()
    opened.close()
    opened.close()
    assert not alive(pid)
    assert not Path(folder).exists()
    with pytest.raises(RenderError, match="closed"):
        next(opened.render(CLASSES, FRAMES))


def test_an_interrupt_ends_the_process(tmp_path: Path) -> None:
    opened = renderer(stand_in(tmp_path, "greet(); sys.stdin.readline(); time.sleep(600)"))
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            next(opened.render(CLASSES, FRAMES))
        assert not alive(opened.versions["pid"])
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        opened.close()


DEATHS = {
    "an exit": ("print('out of ideas', file=sys.stderr); sys.exit(3)", "ended with status 3"),
    "a signal": ("print('out of ideas', file=sys.stderr); os.kill(os.getpid(), 9)", "SIGKILL"),
    "half an image": (
        "print('out of ideas', file=sys.stderr); print('x', flush=True); sys.exit(0)",
        "ended with status 0",
    ),
}


@pytest.mark.parametrize("death", DEATHS)
def test_a_death_at_work_is_one_error_with_the_last_that_was_said(
    tmp_path: Path, death: str
) -> None:
    body, how = DEATHS[death]
    with (
        renderer(stand_in(tmp_path, f"greet(); sys.stdin.readline(); {body}")) as opened,
        pytest.raises(RenderError, match=rf"(?s){how}.*out of ideas"),
    ):
        next(opened.render(CLASSES, FRAMES))


def test_a_process_killed_between_images_is_an_error_too(tmp_path: Path) -> None:
    with renderer(stand_in(tmp_path, ANSWERING)) as opened:
        images = opened.render(CLASSES, FRAMES)
        next(images)
        os.kill(opened.versions["pid"], signal.SIGKILL)
        with pytest.raises(RenderError, match="SIGKILL"):
            next(images)


@pytest.mark.parametrize("body", ["raise OSError('no scene')", "print('no scene'); sys.exit(1)"])
def test_a_death_before_the_greeting_is_bad_input(tmp_path: Path, body: str) -> None:
    body = "os.dup2(2, 1)\n" + body
    with pytest.raises(InputError, match=r"(?s)ended with status 1.*no scene"):
        renderer(stand_in(tmp_path, body))


def test_what_a_worker_lacks_comes_with_the_remedy(tmp_path: Path) -> None:
    lacks = "print('causal-ssl', json.dumps({'error': 'libSM.so.6: not found', 'kind': 'import'}))"
    with pytest.raises(InputError, match=r"libSM\.so\.6: not found.*apt-get install libsm6"):
        renderer(stand_in(tmp_path, lacks))
    lacks = "print('causal-ssl', json.dumps({'error': 'no GPU', 'kind': 'device'}))"
    with pytest.raises(InputError, match=r"no GPU\. Ask for the CPU"):
        renderer(stand_in(tmp_path, lacks))


@pytest.mark.skipif(find_spec("bpy") is not None, reason="this Python has bpy")
def test_a_python_without_blender_is_told_what_to_install() -> None:
    with pytest.raises(InputError, match=r"No module named 'bpy'.*pip install 'bpy"):
        renderer(sys.executable)


def test_what_is_no_blender_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no program '/no/such/blender'"):
        renderer("/no/such/blender")
    with pytest.raises(InputError, match="no program"):
        renderer(tmp_path)
    with pytest.raises(InputError, match=r"neither a Blender nor a Python.*a shell"):
        renderer(stand_in(tmp_path, "echo a shell", preamble="#!/bin/sh\n"))
    with pytest.raises(InputError, match="does not run"):
        renderer(stand_in(tmp_path, "", preamble="#!/no/such/interpreter\n"))


def test_where_blender_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{find.__module__}.find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    with pytest.raises(InputError, match=r"no Blender found.*pip install 'bpy"):
        find()
    places = [tmp_path / "programs" / "blender", tmp_path / ".venv-bpy" / "bin" / "python"]
    for place in places:
        place.parent.mkdir(parents=True)
        place.symlink_to("/bin/true")
        assert Path(find()).absolute() == place
    monkeypatch.setenv(VARIABLE, "/bin/echo")
    assert find() == "/bin/echo"
    assert find("/bin/cat") == "/bin/cat"


def test_bad_requests_are_refused_before_anything_is_rendered(tmp_path: Path) -> None:
    with renderer(stand_in(tmp_path, ANSWERING)) as opened:
        with pytest.raises(InputError, match="no mesh for class 4"):
            opened.render(np.array([0, 4, 0]), FRAMES)
        with pytest.raises(InputError, match="expected \\(3,\\)"):
            opened.render(np.zeros(2, np.int64), FRAMES)
