"""Is this installation whole? Versions, devices, and the optional parts with how to get each."""

import importlib
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from causal_ssl.experiments import environment

Status = Literal["ok", "missing", "broken"]


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's answer.

    Attributes:
        part: what was looked at.
        status: "missing" is an optional part that is not there, "broken" a core part that fails.
        detail: version, or what is wrong.
        remedy: the command that mends it; empty where there is nothing to mend.
    """

    part: str
    status: Status
    detail: str
    remedy: str = ""


CORE = ("numpy", "scipy", "pandas", "sklearn", "networkx", "matplotlib", "seaborn", "pyro", "rich")
IMAGES = "pip install 'causal-ssl[images]'"
OPTIONAL = {
    "causallearn": ("kernel test of conditional independence", "pip install 'causal-ssl[kci]'"),
    "lightning": ("training encoders of images", IMAGES),
    "tensorboard": ("loss curves in a browser", IMAGES),
    "PIL": ("image files", IMAGES),
    "moderngl": ("the raster renderer", IMAGES),
    "skimage": ("shapes from code", IMAGES),
    "trimesh": ("meshes of your own", IMAGES),
    "fast_simplification": ("meshes with fewer triangles", IMAGES),
    "ray": ("rendering on a Ray cluster", "pip install 'causal-ssl[cluster]'"),
    "dask": ("rendering on a Dask cluster", "pip install 'causal-ssl[cluster]'"),
}
PAIR = "pip install --force-reinstall torch torchvision --constraint constraints.txt"


def examine() -> Iterator[Finding]:
    """Look at every part, one finding at a time; slow imports happen on the way."""
    yield Finding("python", "ok", platform.python_version())
    yield from (_imports(name) for name in CORE)
    yield _imports("torch", PAIR)
    yield _pair()
    yield from _devices()
    yield from (_optional(name, *about) for name, about in OPTIONAL.items())
    yield from _renderers()


def _imports(name: str, remedy: str = "pip install --editable .") -> Finding:
    try:
        module = importlib.import_module(name)
    except Exception as error:
        return Finding(name, "broken", f"{type(error).__name__}: {error}", remedy)
    return Finding(name, "ok", getattr(module, "__version__", "present"))


def _pair() -> Finding:
    """torchvision's compiled operators load only beside the torch they were built for."""
    try:
        import torch

        torchvision = importlib.import_module("torchvision")
        torchvision.ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)
    except Exception as error:
        first = str(error).splitlines()[0] if str(error) else ""
        detail = f"does not match torch ({type(error).__name__}: {first})"
        return Finding("torchvision", "broken", detail, PAIR)
    return Finding("torchvision", "ok", f"{torchvision.__version__}, matches torch")


def _devices() -> Iterator[Finding]:
    yield Finding("cpu", "ok", f"{environment.processor()}, {os.cpu_count()} cores")
    try:
        import torch
    except Exception:
        return
    yield Finding("threads", "ok", f"{torch.get_num_threads()} torch threads in one process")
    if not torch.cuda.is_available():
        remedy = "nothing to do without an NVIDIA GPU; --device cpu is the default then"
        yield Finding("cuda", "missing", "no usable CUDA device", remedy)
        return
    for index in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(index)
        memory = f"{found.total_memory / 2**30:.0f} GiB"
        yield Finding(f"cuda:{index}", "ok", f"{found.name}, {memory}, CUDA {torch.version.cuda}")


def _optional(name: str, purpose: str, remedy: str) -> Finding:
    if find_spec(name) is None:
        return Finding(name, "missing", purpose, remedy)
    return Finding(name, "ok", f"{environment.version(name) or 'present'}: {purpose}")


def _renderers() -> Iterator[Finding]:
    """What can render: OpenGL without a window, and Blender."""
    from causal_ssl.datasets.causal3dident.rendering import blender, raster
    from causal_ssl.errors import InputError

    reason = raster.available()
    if reason is None:
        yield Finding("raster renderer", "ok", "opens an EGL context")
    else:
        yield Finding("raster renderer", "missing", reason, "apt-get install libegl1 libgl1")
    try:
        yield Finding("cycles renderer", "ok", f"runs {blender.find()}")
    except InputError as error:
        yield Finding("cycles renderer", "missing", str(error), "make cycles")
