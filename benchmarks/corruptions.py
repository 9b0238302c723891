"""Batched corruptions beside the published reference image by image, and how far they agree.

    python benchmarks/corruptions.py --reference /path/to/reference/bin/python

The reference, the `imagecorruptions` package, needs old packages and so an environment of its own
(Python 3.11): pip install --only-binary :all: imagecorruptions "numpy==1.23.5" "scipy<1.11"
"scikit-image==0.20.0" "numba<0.59" "opencv-python-headless<4.9" "setuptools<70".

Both sides get the same 8 photographs of 224 x 224 (windows of scikit-learn's two), one thread
each, and take turns, so that a busy machine slows them alike. Agreement: where nothing is random,
the mean and the largest difference in levels and the share of values more than one level apart;
where it is, mean and deviation of the values and their mean distance to the original on either
side. What differs by definition: frost (made textures) and elastic (there simplified from the
published program, which is followed here). Writes results/corruptions.json.
"""

import argparse
import json
import os
import statistics
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", required=True, help="interpreter with imagecorruptions")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of corruptions; nothing is written")
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    import torch

    torch.set_num_threads(1)
    from _results import write_result

    from causal_ssl.datasets.corruptions import CORRUPTIONS

    images = photographs()
    with TemporaryDirectory() as folder:
        reference = Reference(options.reference, images, Path(folder))
        rows = {
            name: [compared(reference, images, name, s, options.repeats) for s in range(1, 6)]
            for name in options.only or CORRUPTIONS
        }
        reference.close()
    for name, severities in rows.items():
        ours = statistics.mean(row["ours_ms"] for row in severities)
        theirs = statistics.mean(row["reference_ms"] for row in severities)
        apart = " ".join(f"{row['mean_difference']:.2f}" for row in severities)
        print(f"{name:<18} {ours:7.2f} ms, reference {theirs:8.2f}; apart {apart}")
    if not options.only:
        result = {"n": len(images), "size": 224, "repeats": options.repeats, "rows": rows}
        result["reference"] = reference.versions
        print(f"written to {write_result('corruptions', result)}")


def photographs() -> Any:
    """(8, 3, 224, 224) uint8: four windows of each of two photographs at 480 x 320.

    Channels last in memory, as decoders give them and as the reference takes them.
    """
    import numpy as np
    import torch
    from PIL import Image
    from sklearn.datasets import load_sample_images

    windows = []
    for photo in load_sample_images().images:
        small = np.asarray(Image.fromarray(photo).resize((480, 320), Image.Resampling.LANCZOS))
        corners = [(0, 0), (96, 80), (40, 160), (96, 256)]
        windows += [small[y : y + 224, x : x + 224] for y, x in corners]
    return torch.from_numpy(np.stack(windows)).permute(0, 3, 1, 2)


class Reference:
    """The other interpreter, with the same images."""

    def __init__(self, python: str, images: Any, folder: Path) -> None:
        import numpy as np

        self.output = folder / "output.npy"
        np.save(folder / "images.npy", images.permute(0, 2, 3, 1).numpy())
        worker = Path(__file__).with_name("_imagecorruptions.py")
        self.process = subprocess.Popen(
            [python, str(worker), str(folder / "images.npy"), str(self.output)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.versions = self._answer()

    def _answer(self) -> Any:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the reference interpreter ended: does it have imagecorruptions?")
        return json.loads(line)

    def seconds(self, name: str, severity: int, seed: int) -> float:
        self.process.stdin.write(f"{name} {severity} {seed}\n")
        self.process.stdin.flush()
        return self._answer()

    def images(self) -> Any:
        import numpy as np
        import torch

        return torch.from_numpy(np.load(self.output)).permute(0, 3, 1, 2)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compared(reference: Reference, images: Any, name: str, severity: int, repeats: int) -> Any:
    """Medians of milliseconds an image, and agreement, at one severity."""
    import torch

    from causal_ssl.datasets.corruptions import CORRUPTIONS, corrupt

    corrupt(images, name, severity, seeds=torch.arange(len(images)))  # warms up
    own, other, ours, theirs = [], [], [], []
    for repeat in range(repeats):
        seeds = torch.arange(len(images)) + len(images) * repeat
        start = time.perf_counter()
        ours.append(corrupt(images, name, severity, seeds=seeds))
        own.append(time.perf_counter() - start)
        other.append(reference.seconds(name, severity, repeat))
        theirs.append(reference.images())
    a, b, clean = (
        torch.cat(ours).float(),
        torch.cat(theirs).float(),
        images.repeat(repeats, 1, 1, 1),
    )
    apart = (a - b).abs()
    row = {
        "ours_ms": 1e3 * statistics.median(own) / len(images),
        "reference_ms": 1e3 * statistics.median(other) / len(images),
        "mean_difference": float(apart.mean()),
    }
    if not CORRUPTIONS[name].random:
        return row | {
            "largest_difference": float(apart.max()),
            "share_above_one_level": float((apart > 1).float().mean()),
        }
    for side, x in (("ours", a), ("reference", b)):
        row[side] = {
            "mean": float(x.mean()),
            "deviation": float(x.std()),
            "distance_to_original": float((x - clean).abs().mean()),
        }
    return row


if __name__ == "__main__":
    main()
