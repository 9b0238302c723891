"""A study as a command, timed from process start to report."""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def timed_study(name: str, preset: str, *, repeats: int, aim_seconds: float) -> dict[str, Any]:
    """Wall and CPU seconds of `causal-ssl study NAME --preset PRESET`, one process a core.

    CPU seconds, of all its processes, stand beside wall seconds because the machine may be shared.
    """
    seconds, cpu = zip(*(_once(name, preset) for _ in range(repeats)), strict=True)
    return {
        "preset": preset,
        "seconds": statistics.median(seconds),
        "seconds_all": list(seconds),
        "cpu_seconds": statistics.median(cpu),
        "aim_seconds": aim_seconds,
    }


def _once(name: str, preset: str) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-m", "causal_ssl", "study", name, "--preset", preset]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        subprocess.run([*command, "--out", str(out)], check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert (out / "report.html").is_file()
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return seconds, cpu
