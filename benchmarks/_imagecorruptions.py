"""The `imagecorruptions` package in an interpreter of its own; run by `corruptions.py` alone.

    PYTHON _imagecorruptions.py IMAGES.npy OUTPUT.npy

IMAGES (n, h, w, 3) uint8. Each line of standard input, "name severity seed", corrupts them one by
one into OUTPUT and answers with the seconds it took.
"""

import inspect
import json
import sys
import time
from importlib.metadata import version

import numpy as np


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # the package prints
    from imagecorruptions import corrupt, corruptions

    if "multichannel" not in inspect.signature(corruptions.gaussian).parameters:
        # scikit-image 0.20 dropped the name, not the meaning.
        gaussian = corruptions.gaussian

        def with_channels(image, sigma, *args, multichannel=False, **options):
            return gaussian(
                image, sigma, *args, channel_axis=-1 if multichannel else None, **options
            )

        corruptions.gaussian = with_channels
    packages = ("imagecorruptions", "numpy", "scipy", "scikit-image", "opencv-python", "pillow")
    print(json.dumps({name: version(name) for name in packages}), file=answers, flush=True)
    images = np.load(sys.argv[1])
    for line in sys.stdin:
        name, severity, seed = line.split()
        np.random.seed(int(seed))  # noqa: NPY002 - the package draws from it
        start = time.perf_counter()
        result = [corrupt(x, severity=int(severity), corruption_name=name) for x in images]
        seconds = time.perf_counter() - start
        np.save(sys.argv[2], np.stack(result))
        print(json.dumps(seconds), file=answers, flush=True)


if __name__ == "__main__":
    main()
