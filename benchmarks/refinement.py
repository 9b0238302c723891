"""Refinement test, meet and join on millions of samples: seconds and peak memory of the process.

    python benchmarks/refinement.py                       # 10 million samples, about 3 minutes
    python benchmarks/refinement.py --n 100000 --repeats 1

Labels are what a user has: unnumbered, in any order. The refinement test is `is_refinement` from
two label arrays to the answer, numbering both of them, in the worst case, where it holds. Meet and
join take two partitions that do not refine each other, made from labels as well. The kinds:

- few: 1000 integer classes against 10; meet and join of 1000 against 1000
- instances: each sample a class of its own, shuffled, against 10; meet and join of pairs {0, 1},
  {2, 3}, ... against pairs {1, 2}, {3, 4}, ..., so that the meet is finest and the join trivial
- ids: as instances, but called by random 64-bit integers, which need a hash table
- strings: as few, on a tenth of the samples, called by words

Each figure is from a process of its own, so that its peak is its own: Python, libraries, the labels
and every temporary. The aim for a refinement test is 1 GB and a few seconds. Importing torch, which
none of this needs, adds `torch_gb`. CPU seconds stand beside wall seconds because the machine may
be shared. Writes results/refinement.json.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

KINDS = ("few", "instances", "ids", "strings")
OPERATIONS = ("refinement", "meet", "join")
AIM_GB = 1.0


def workload(kind: str, operation: str, n: int) -> tuple[Any, Any]:
    """Two label arrays (n,); for "refinement" the first refines the second."""
    import numpy as np

    random = np.random.default_rng(0)
    if kind in ("few", "strings"):
        a = random.integers(1000, size=n)
        b = a // 100 if operation == "refinement" else random.integers(1000, size=n)
        if kind == "strings":
            words = np.array([f"class {k}" for k in range(1000)], dtype=object)
            a, b = words[a], words[b]
        return a, b
    a = random.permutation(n)
    if operation == "refinement":
        b = a // -(-n // 10)
    else:
        a, b = a // 2, (a + 1) // 2
    if kind == "ids":
        a *= 0x9E3779B97F4A7C15 - 2**64  # odd, so that no two are mapped to one
    return a, b


def measure(kind: str, operation: str, n: int) -> None:
    """Wall and CPU seconds, peak before and after."""
    from causal_ssl.analysis.refinement import Partition, is_refinement

    a, b = workload(kind, operation, n)
    before = peak_gb()
    start, cpu_start = time.perf_counter(), time.process_time()
    if operation == "refinement":
        assert is_refinement(a, b)
    elif operation == "meet":
        Partition(a).meet(Partition(b))
    else:
        Partition(a).join(Partition(b))
    print(time.perf_counter() - start, time.process_time() - cpu_start, before, peak_gb())


def peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def torch_gb() -> float:
    """What importing torch adds to a process that has the partitions already."""
    before = "import causal_ssl.analysis.refinement, resource as r"
    peak = "r.getrusage(r.RUSAGE_SELF).ru_maxrss"
    command = f"{before}; a = {peak}; import torch; print({peak} - a)"
    return int(subprocess.check_output([sys.executable, "-c", command])) * 1024 / 1e9


def row(kind: str, operation: str, n: int, repeats: int) -> dict[str, Any]:
    """The median time and largest peak of some processes that do the same."""
    n = n // 10 if kind == "strings" else n
    command = [sys.executable, __file__, f"--n={n}", "--worker", kind, operation]
    measured = [
        [float(word) for word in subprocess.check_output(command, text=True).split()]
        for _ in range(repeats)
    ]
    seconds, cpu, before, peak = zip(*measured, strict=True)
    figures = {
        "kind": kind,
        "operation": operation,
        "n": n,
        "seconds": round(statistics.median(seconds), 3),
        "seconds_all": [round(value, 3) for value in seconds],
        "cpu_seconds": round(statistics.median(cpu), 3),
        "peak_memory_gb": round(max(peak), 3),
        "peak_memory_before_gb": round(max(before), 3),
    }
    print("  ".join(str(value) for value in figures.values()), flush=True)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--n", type=int, default=10_000_000, help="samples")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        measure(*options.worker, options.n)
        return
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    kinds = [(kind, operation) for operation in OPERATIONS for kind in KINDS]
    result = {
        "what": "refinement test, meet and join, from label arrays to the answer",
        "repeats": options.repeats,
        "aim_gb": AIM_GB,
        "torch_gb": round(torch_gb(), 3),
        "load_average_before": os.getloadavg()[0],
        "rows": [row(*kind, options.n, options.repeats) for kind in kinds],
    }
    # Only now: a child's peak starts from that of the parent, which would have torch in it.
    from _results import write_result

    name = "refinement" if options.n == 10_000_000 else f"refinement_{options.n}"
    print(f"written to {write_result(name, result)}")


if __name__ == "__main__":
    main()
