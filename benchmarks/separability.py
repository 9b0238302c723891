"""F_LDA of a large representation: seconds and peak memory of the process, all of it counted.

    python benchmarks/separability.py                     # 50,000 x 2048 float32, 1000 classes
    python benchmarks/separability.py --n 10000 --classes 10
    python benchmarks/separability.py --repeats 1 --threads 1

Each repeat is a process of its own, so that its peak is its own: Python, libraries, the
representation itself (0.41 GB) and every temporary. It makes the representation, Gaussian classes
of equal expected size, and then the moments, both forms' matrices and the summary. The aim is a
peak of at most 2 GB. A few classes are held against the double sum over pairs. CPU seconds stand
beside wall seconds because the machine may be shared. Writes results/separability.json.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

AIM_GB = 2.0


def workload(n: int, d: int, classes: int) -> tuple[Any, Any]:
    """A float32 representation (n, d) and labels (n,): unit Gaussians about Gaussian means."""
    import numpy as np

    random = np.random.default_rng(0)
    labels = random.integers(classes, size=n)
    means = random.standard_normal((classes, d), dtype=np.float32)
    representation = random.standard_normal((n, d), dtype=np.float32)
    for rows in np.array_split(np.arange(n), 64):  # in place: no second (n, d) array
        representation[rows] += 0.1 * means[labels[rows]]
    return representation, labels


def double_sum(x: Any, labels: Any, first: int, second: int) -> float:
    """F_LDA of the paper for one pair of classes, from its definition in float64."""
    import numpy as np
    from scipy.spatial.distance import pdist

    own, other = (x[labels == k].astype(np.float64) for k in (first, second))
    return float(((own.mean(0) - other.mean(0)) ** 2).sum() / (2 * pdist(own, "sqeuclidean").sum()))


def measure(n: int, d: int, classes: int) -> None:
    """One repeat: wall and CPU seconds, peak before and after, largest relative error."""
    from causal_ssl.analysis.separability import separability

    representation, labels = workload(n, d, classes)
    before = peak_gb()
    start, cpu_start = time.perf_counter(), time.process_time()
    found = separability(representation, labels)
    paper = found.f_lda("paper")
    found.f_lda("size_normalised")
    found.summary()
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    peak = peak_gb()
    pairs = [(0, 1), (1, 0), (classes - 1, classes // 2)]
    errors = [
        abs(paper[pair] / double_sum(representation, labels, *pair) - 1)
        for pair in pairs
        if pair[0] != pair[1]
    ]
    print(seconds, cpu, before, peak, max(errors))


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=50_000, help="samples")
    parser.add_argument("--d", type=int, default=2048, help="dimensions of the representation")
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    size = (options.n, options.d, options.classes)
    if options.worker:
        measure(*size)
        return
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    from _results import write_result

    command = [sys.executable, __file__, "--worker", f"--n={options.n}", f"--d={options.d}"]
    command.append(f"--classes={options.classes}")
    repeats = [
        [float(word) for word in subprocess.check_output(command, text=True).split()]
        for _ in range(options.repeats)
    ]
    seconds, cpu, before, peak, errors = zip(*repeats, strict=True)
    result = {
        "n": options.n,
        "d": options.d,
        "classes": options.classes,
        "seconds": statistics.median(seconds),
        "seconds_all": list(seconds),
        "cpu_seconds": statistics.median(cpu),
        "representation_gb": 4 * options.n * options.d / 1e9,
        "peak_memory_gb": max(peak),
        "peak_memory_before_gb": max(before),
        "aim_gb": AIM_GB,
        "max_relative_error": max(errors),
    }
    for key, value in result.items():
        print(f"{key:>22}  {value}")
    suffix = "" if size == (50_000, 2048, 1000) else "_{}_{}_{}".format(*size)
    print(f"written to {write_result(f'separability{suffix}', result)}")


if __name__ == "__main__":
    main()
