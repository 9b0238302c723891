"""The two renderers of Causal3DIdent in one run: CPU time, agreement, and Cycles' memory.

    python benchmarks/causal3dident.py                                    # about 15 minutes
    python benchmarks/causal3dident.py --each 1 --memory-images 200       # about 2 minutes

The same scenes, --each of every class with uniform latents, go through both, one thread each. CPU
seconds an image, which a busy machine stretches less than wall seconds, are those of this process
and its children, without starting up and without the first image of each class. Raster must take
15 times less CPU at 224 px than Cycles at 16 samples, 8 times less at 128 px; the images must agree
to a mean SSIM of 0.985 and a mean absolute error of 1/255. Cycles' memory is looked at every 100
of --memory-images images at 64 px. Writes results/causal3dident.json.
"""

import argparse
import json
import os
from typing import Any

import numpy as np
import psutil
from skimage.metrics import structural_similarity

from causal_ssl.datasets.causal3dident.latents import CLASSES, LATENTS
from causal_ssl.datasets.causal3dident.rendering.choose import open_renderer
from causal_ssl.datasets.causal3dident.rendering.renderer import RenderSettings
from causal_ssl.datasets.causal3dident.scene import Scene
from causal_ssl.datasets.causal3dident.shapes import meshes

RATIO_BARS = {224: 15.0, 128: 8.0}
SSIM_BAR, MAE_BAR = 0.985, 1.0
MEMORY_EVERY = 100


def worlds(count: int, seed: int) -> tuple[Any, Any]:
    """(count,) classes in turn, and their frames."""
    raw = np.random.default_rng(seed).uniform(-1, 1, (count, len(LATENTS)))
    return np.arange(count) % len(CLASSES), Scene().frames(raw)


def cpu_seconds() -> float:
    """Of this process and of its living children so far."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def rendered(backend: str, size: int, each: int, blender: str | None) -> dict[str, Any]:
    """Images, and what they cost."""
    classes, frames = worlds(each * len(CLASSES), seed=size)
    with open_renderer(backend, meshes(), RenderSettings(size), blender=blender) as renderer:
        list(renderer.render(*worlds(len(CLASSES), seed=0)))
        before = cpu_seconds()
        images = list(renderer.render(classes, frames))
        seconds = (cpu_seconds() - before) / len(images)
        return {
            "classes": classes,
            "images": images,
            "cpu_seconds": seconds,
            "versions": dict(renderer.versions),
        }


def compare(size: int, each: int, blender: str | None) -> dict[str, Any]:
    """Both backends at one size, measure by measure."""
    cycles, raster = (rendered(name, size, each, blender) for name in ("cycles", "raster"))
    pairs = list(zip(cycles["images"], raster["images"], strict=True))
    ssim = np.array([structural_similarity(a, b, channel_axis=2) for a, b in pairs])
    error = np.array([np.abs(a.astype(float) - b).mean() for a, b in pairs])
    of_class = {name: cycles["classes"] == index for index, name in enumerate(CLASSES)}
    ratio = cycles["cpu_seconds"] / raster["cpu_seconds"]
    return {
        "cpu_seconds_cycles": cycles["cpu_seconds"],
        "cpu_seconds_raster": raster["cpu_seconds"],
        "ratio": ratio,
        "ratio_bar": RATIO_BARS[size],
        "ssim": float(ssim.mean()),
        "ssim_lowest": float(ssim.min()),
        "ssim_of_class": {name: float(ssim[rows].mean()) for name, rows in of_class.items()},
        "mae_255": float(error.mean()),
        "mae_255_highest": float(error.max()),
        "mae_255_of_class": {name: float(error[rows].mean()) for name, rows in of_class.items()},
        "meets_the_bars": bool(
            ratio >= RATIO_BARS[size] and ssim.mean() >= SSIM_BAR and error.mean() <= MAE_BAR
        ),
        "versions": {"cycles": cycles["versions"], "raster": raster["versions"]},
    }


def memory(count: int, blender: str | None) -> dict[str, Any]:
    """Resident megabytes of Blender as it renders `count` images at 64 px."""
    megabytes = {}
    with open_renderer("cycles", meshes(), RenderSettings(64), blender=blender) as renderer:
        (process,) = psutil.Process().children()
        before = cpu_seconds()
        for done, _ in enumerate(renderer.render(*worlds(count, seed=64)), start=1):
            if done % MEMORY_EVERY == 0:
                megabytes[done] = process.memory_info().rss / 1e6
        seconds = (cpu_seconds() - before) / count
    growth = megabytes[max(megabytes)] - megabytes[min(megabytes)]
    return {
        "images": count,
        "cpu_seconds": seconds,
        "megabytes_growth": growth,
        "megabytes": megabytes,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=8, help="images of each class")
    parser.add_argument("--memory-images", type=int, default=2000, help="at least 200")
    parser.add_argument("--blender", help="a Blender, or a Python that has bpy")
    parser.add_argument("--dry", action="store_true", help="print, write nothing")
    options = parser.parse_args()
    os.environ["LP_NUM_THREADS"] = "1"  # of OpenGL in software, from its first context on
    result: dict[str, Any] = {"each": options.each, "load_before": os.getloadavg()[0]}
    for size in RATIO_BARS:
        result[f"{size}px"] = compare(size, options.each, options.blender)
        print(f"{size} px:", json.dumps(result[f"{size}px"], indent=2), flush=True)
    result["memory"] = memory(options.memory_images, options.blender)
    print("memory:", json.dumps(result["memory"], indent=2))
    if not options.dry:
        from _results import write_result

        print(f"written to {write_result('causal3dident', result)}")


if __name__ == "__main__":
    main()
