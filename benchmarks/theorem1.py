"""Theorem 1 on finite models: models checked a second, and the whole quick study.

    python benchmarks/theorem1.py                  # 300 models a setting; the study, three times
    python benchmarks/theorem1.py --models 100 --repeats 1

Models: drawn, every law enumerated, all comparisons made, in one process on one thread. Study:
`causal-ssl study theorem1 --preset quick` as a command, from process start to report, with one
process a core. The aim is 60 s on two cores. CPU seconds, of all its processes, stand beside wall
seconds because the machine may be shared. Writes results/theorem1.json.
"""

import argparse
import os
import statistics
import time
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

AIM_SECONDS = 60.0


def check_models(models: int, repeats: int) -> dict[str, dict[str, float]]:
    """Milliseconds a model in each setting, medians over repeats."""
    from causal_ssl.analysis.theorem1 import check_models as check
    from causal_ssl.analysis.theorem1_settings import SETTINGS

    found = {}
    for setting in SETTINGS:
        check(setting, range(10))  # what is done once a process
        wall, cpu = [], []
        for repeat in range(repeats):
            start, cpu_start = time.perf_counter(), time.process_time()
            check(setting, range(repeat * models, (repeat + 1) * models))
            wall.append((time.perf_counter() - start) / models * 1e3)
            cpu.append((time.process_time() - cpu_start) / models * 1e3)
        found[setting] = {"wall_ms": statistics.median(wall), "cpu_ms": statistics.median(cpu)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=300, help="models a setting and repeat")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()

    from _results import write_result
    from _study import timed_study

    from causal_ssl.experiments.catalogue import from_preset

    load = os.getloadavg()[0]
    by_setting = check_models(options.models, options.repeats)
    quick = from_preset("theorem1", "quick")
    mean = {
        key: statistics.fmean(s[key] for s in by_setting.values()) for key in ("wall_ms", "cpu_ms")
    }
    result: dict[str, Any] = {
        "check_models": by_setting,
        "models_per_second": 1e3 / mean["wall_ms"],
        "models_per_cpu_second": 1e3 / mean["cpu_ms"],
        "quick_study": {
            "models": quick.models * len(quick.settings),
            **timed_study("theorem1", "quick", repeats=options.repeats, aim_seconds=AIM_SECONDS),
        },
        "load_before": load,
    }
    for key, value in result.items():
        print(f"{key:>22}  {value}")
    print(f"written to {write_result('theorem1', result)}")


if __name__ == "__main__":
    main()
