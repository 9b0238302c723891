"""OpenGL without a window: a context through EGL, and programs from the shaders' files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib import import_module, resources
from importlib.util import find_spec
from typing import Any

import numpy as np

from causal_ssl.datasets.causal3dident.scene import Scene
from causal_ssl.errors import InputError

VERSION = 330
REMEDY = (
    "pip install 'causal-ssl[images]' and the system's EGL and OpenGL libraries (Debian, Ubuntu: "
    "apt-get install libegl1 libgl1), or choose the backend cycles"
)


@cache
def available() -> str | None:
    """Why the raster backend does not work here; None where it does.

    Opens a context and releases it; a process asks once.
    """
    try:
        open_context().release()
    except InputError as error:
        return str(error)
    return None


def open_context(device: int = 0) -> Any:
    """A `moderngl.Context` of its own, which is current from now on.

    Args:
        device: which of EGL's devices; GPUs come before software.

    Raises:
        InputError: moderngl is missing, or no context opens; says what to install.
    """
    try:
        import moderngl
    except ImportError as error:
        raise InputError(f"the raster backend needs moderngl ({error}): {REMEDY}") from error
    _load_triton_first()
    options: dict[str, Any] = {"backend": "egl", "device_index": device}
    try:
        return moderngl.create_context(VERSION, standalone=True, **options)
    except Exception as error:  # the loaders raise plain exceptions of their own
        raise InputError(
            f"the raster backend can not open an EGL context on device {device} ({error}): {REMEDY}"
        ) from error


def _load_triton_first() -> None:
    """Load the LLVM inside torch's compiler before the one that Mesa draws with.

    The other way round the process is killed (segmentation fault) once something imports Triton,
    as torchvision does.
    """
    if find_spec("triton") is not None:
        import_module("triton._C.libtriton")


def program(context: Any, vertex: Sequence[str], fragment: Sequence[str], constants: str) -> Any:
    """A `moderngl.Program` from files in `shaders/`.

    Args:
        context: see `open_context`.
        vertex: names of the vertex shader's files; a file uses what stands in those before it.
        fragment: of the fragment shader's.
        constants: GLSL that precedes them, see `as_constants`.
    """
    return context.program(
        vertex_shader=_source(vertex, constants), fragment_shader=_source(fragment, constants)
    )


def as_constants(scene: Scene, others: Mapping[str, float]) -> str:
    """GLSL of the numbers of lamps, material and others, under their names in capitals.

    Constants and not uniforms: the compiler computes with them.

    Examples:
        >>> lines = as_constants(Scene(), {"tiles": 80}).splitlines()
        >>> lines[0], lines[-1]
        ('const float SUN_STRENGTH = 0.5;', 'const int TILES = 80;')
    """
    numbers = {**_floats(scene.lamps), **_floats(scene.material), **others}
    lines = [
        f"const {type(value).__name__} {name.upper()} = {value!r};"
        for name, value in numbers.items()
    ]
    return "\n".join(lines) + "\n"


def assign(program: Any, **values: object) -> None:
    """Set uniforms of a program: numbers, vectors, matrices, or arrays of them."""
    for name, value in values.items():
        array, uniform = np.asarray(value, dtype=np.float32), program[name]
        if uniform.dimension in (9, 16):  # of a matrix; OpenGL's are stored by columns
            array = array.swapaxes(-1, -2)
        uniform.write(array.tobytes())


def _floats(numbers: Any) -> dict[str, float]:
    return {name: float(value) for name, value in asdict(numbers).items()}


def _source(names: Sequence[str], constants: str) -> str:
    folder = resources.files("causal_ssl.datasets.causal3dident.rendering") / "shaders"
    files = [(folder / f"{name}.glsl").read_text(encoding="utf-8") for name in names]
    return "\n".join([f"#version {VERSION} core", constants, *files])
