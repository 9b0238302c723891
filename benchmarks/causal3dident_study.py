"""The quick Causal3DIdent study as a command, its rendering included.

    python benchmarks/causal3dident_study.py

The aim is 20 minutes on two cores. Writes results/causal3dident_study.json.
"""

import argparse
import os

AIM_SECONDS = 1200.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()

    from _results import write_result
    from _study import timed_study

    load = os.getloadavg()[0]
    found = timed_study("causal3dident", "quick", repeats=options.repeats, aim_seconds=AIM_SECONDS)
    print(found)
    result = {"quick_study": found, "load_before": load}
    print(f"written to {write_result('causal3dident_study', result)}")


if __name__ == "__main__":
    main()
