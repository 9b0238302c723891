"""JPEG files to batches of a working size: the candidate decoders, and the packed copy.

    python benchmarks/decoding.py                      # some 5 minutes, one thread
    python benchmarks/decoding.py --n 32 --repeats 3 --files 20000 --dry

The images are pieces of scikit-learn's two sample photographs, as JPEGs (quality 90, 4:2:0) of
500 x 375 pixels, ImageNet's usual shape, and of 1600 x 1200. Every side makes (n, size, size, 3)
uint8 of the same files, which the system has in memory; each repeat times all sides, in an order of
its own, so that a busy machine slows them alike and none has always the same one before it. CPU
seconds stand beside wall seconds for the same reason.
TorchCodec and simplejpeg are not among the requirements: without them their sides are left out.
`listing` is how long a tree of --files empty files in 1000 class folders takes to list (ImageNet
has 1,281,167). Writes results/decoding.json.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Side = Callable[[], Any]
One = Callable[[Path], Any]
ROWS = (("500 x 375 to 256", 500, 256), ("500 x 375 to 128", 500, 128), ("1600 x 1200", 1600, 256))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=64, help="images of a batch")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument(
        "--files", type=int, default=128_000, help="files to list, of 1,281,167 in ImageNet"
    )
    parser.add_argument("--dry", action="store_true", help="print, write nothing")
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    result: dict[str, Any] = {"n": options.n, "repeats": options.repeats, "rows": {}}
    for title, width, size in ROWS:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            result["rows"][title] = row = measured(root, width, size, options.n, options.repeats)
        print(f"{title} ({row['kilobytes']:.0f} kB each)")
        for side, figures in row["sides"].items():
            rate, cpu = figures["images_per_second"], figures["images_per_cpu_second"]
            apart = figures["largest_difference"]
            print(f"  {side:<22} {rate:>8,.0f} /s {cpu:>8,.0f} /CPU s   apart {apart}")
    with tempfile.TemporaryDirectory() as folder:
        result["listing"] = listing(Path(folder), options.files)
    print("listing", result["listing"])
    if not options.dry:
        from _results import write_result

        print(f"written to {write_result('decoding', result)}")


def measured(root: Path, width: int, size: int, n: int, repeats: int) -> dict[str, Any]:
    """Median rates of each side, and its largest difference from the first one's output."""
    import numpy as np

    photographs(root / "images", width, n)
    rng = np.random.default_rng(2)
    sides = sides_on(root, size)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    outputs = {name: side().astype(int) for name, side in sides.items()}  # warms up, too
    reference = next(iter(outputs.values()))
    for _ in range(repeats):
        for name in rng.permutation(list(sides)):
            wall, cpu = time.perf_counter(), time.process_time()
            sides[name]()
            taken = time.perf_counter() - wall, time.process_time() - cpu
            seconds[name].append(taken)
    sizes = [path.stat().st_size for path in (root / "images").rglob("*.JPEG")]
    return {
        "kilobytes": statistics.mean(sizes) / 1000,
        "sides": {
            name: {
                "images_per_second": n / statistics.median(wall for wall, _ in taken),
                "images_per_cpu_second": n / statistics.median(cpu for _, cpu in taken),
                "largest_difference": int(np.abs(outputs[name] - reference).max()),
            }
            for name, taken in seconds.items()
        },
    }


def photographs(folder: Path, width: int, n: int) -> None:
    """Write FOLDER/CLASS/NAME.JPEG: n pieces of two photographs, 4 : 3."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(0)
    for number in range(n):
        image = Image.fromarray(load_sample_images().images[number % 2])
        if width > 500:
            scale = 1.25 * width / image.width
            image = image.resize((int(image.width * scale), int(image.height * scale)))
        height = width * 3 // 4
        left = int(rng.integers(image.width - width + 1))
        top = int(rng.integers(image.height - height + 1))
        path = folder / f"class_{number % 2}" / f"{number}.JPEG"
        path.parent.mkdir(parents=True, exist_ok=True)
        piece = image.crop((left, top, left + width, top + height))
        piece.save(path, quality=90, subsampling="4:2:0")


def sides_on(root: Path, size: int) -> dict[str, Side]:
    """Name -> what makes the batch."""
    import numpy as np

    from causal_ssl.datasets.images.folders import ImageFolder
    from causal_ssl.datasets.images.packing import open_packed, pack

    images = ImageFolder(root / "images", size=size)
    packed = open_packed(pack(images, root / "packed", size, workers=1))
    everything = np.random.default_rng(1).permutation(len(images))
    paths = [images.path(index) for index in everything]

    def ours() -> Any:
        return images.batch(everything)["image"].permute(0, 2, 3, 1).numpy()

    def from_packed() -> Any:
        return packed.batch(everything)["image"].permute(0, 2, 3, 1).numpy()

    def batch_by(one: One) -> Side:
        return lambda: np.stack([one(path) for path in paths])

    others = {name: batch_by(one) for name, one in candidates(size).items()}
    return {"ours": ours, **others, "packed copy": from_packed}


def candidates(size: int) -> dict[str, One]:
    """Name -> what makes (size, size, 3) uint8 of one file."""
    import numpy as np
    import torch
    from PIL import Image

    from causal_ssl.datasets.images.decoding import resized

    def pillow(path: Path, *, draft: bool = False) -> Any:
        with Image.open(path) as image:
            if draft:
                image.draft("RGB", (size, size))
            small = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
            return np.asarray(small)

    def by_torch(pixels: Any) -> Any:
        image = torch.from_numpy(pixels).permute(2, 0, 1)
        return resized(image, size).permute(1, 2, 0).numpy()

    def pillow_torch(path: Path) -> Any:
        with Image.open(path) as image:
            return by_torch(np.array(image.convert("RGB")))

    found = {
        "Pillow": pillow,
        "Pillow, draft": lambda path: pillow(path, draft=True),
        "Pillow, torch resizes": pillow_torch,
    }
    if find_spec("simplejpeg"):
        import simplejpeg

        found["simplejpeg"] = lambda path: by_torch(simplejpeg.decode_jpeg(path.read_bytes()))
    if find_spec("torchcodec"):
        from torchcodec.decoders import decode_jpeg

        def torchcodec(path: Path) -> Any:
            encoded = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
            return resized(decode_jpeg(encoded, mode="RGB"), size).permute(1, 2, 0).numpy()

        found["TorchCodec"] = torchcodec
    return found


def listing(root: Path, files: int) -> dict[str, float]:
    """Seconds to list a tree of empty files, and to pickle what comes of it."""
    import pickle

    from causal_ssl.datasets.images.listing import list_images

    for number in range(1000):
        folder = root / f"n{number:08}"
        folder.mkdir()
        for image in range(number, files, 1000):
            (folder / f"{folder.name}_{image}.JPEG").touch()
    began = time.perf_counter()
    found = list_images(root)
    listed = time.perf_counter()
    content = pickle.dumps(found)
    return {
        "files": len(found),
        "seconds": listed - began,
        "pickled_megabytes": len(content) / 1e6,
        "pickle_seconds": time.perf_counter() - listed,
    }


if __name__ == "__main__":
    main()
