"""The quick invariance study as a command: worlds, encoders, measures, tests and report.

    python benchmarks/invariance.py                # once: about five minutes
    python benchmarks/invariance.py --repeats 3

The aim is six minutes on two cores. Writes results/invariance.json.
"""

import argparse
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

AIM_SECONDS = 360.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()

    from _results import write_result
    from _study import timed_study

    load = os.getloadavg()[0]
    found = timed_study("invariance", "quick", repeats=options.repeats, aim_seconds=AIM_SECONDS)
    print(found)
    print(f"written to {write_result('invariance', {'quick_study': found, 'load_before': load})}")


if __name__ == "__main__":
    main()
