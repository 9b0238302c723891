"""Nearest neighbours of ImageNet's size, streamed from a memory map, in little memory.

    python benchmarks/knn_stream.py                       # writes 10.5 GB to a temporary folder
    python benchmarks/knn_stream.py --bank 100000 --rows 64 256

The bank is of random float32 features, 1,281,167 x 2048 (ImageNet's training images through a
ResNet-50), rows of length 1, and 50,000 test rows. Of these a slice is scored against the whole
bank, for four k at two temperatures, and beside it as one writes it with torch: the similarities of
a batch to the whole bank, topk, votes, for a single setting. Each side is a process of its own, on
one thread, which says the most memory that it held (VmHWM: pages of mapped files count).

From two slices comes the time of a row and of what is done once; 50,000 rows are extrapolated from
them, not run. How much memory 50,000 rows need is measured, against the first of the bank's pieces.
Random features: the time does not depend on what they say. Writes results/knn_stream.json.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _results import write_result
from numpy.lib.format import open_memmap

from causal_ssl.analysis.knn import knn_accuracies

N_BANK, N_TEST, D, CLASSES = 1_281_167, 50_000, 2048, 1000
SETTINGS = [(k, temperature) for k in (10, 20, 100, 200) for temperature in (0.1, 0.07)]
PLAIN = 200, 0.1
PIECES = 16_384
"""Of the bank, where all test rows are measured: two of the pieces that it is read in."""
PLAIN_BATCH = 256
NOTE = "hours are extrapolated; wall seconds are of a machine that may be shared, CPU seconds not"


def write_features(path: Path, n: int, seed: int) -> None:
    """(n, D) random rows of length 1, some at a time."""
    rows = open_memmap(path, mode="w+", dtype=np.float32, shape=(n, D))
    random = np.random.default_rng(seed)
    for start in range(0, n, 8192):
        part = random.standard_normal((min(8192, n - start), D), dtype=np.float32)
        rows[start : start + 8192] = part / np.linalg.norm(part, axis=1, keepdims=True)
    rows.flush()


def memory() -> dict[str, float]:
    """VmHWM, RssAnon, RssFile of this process, in GB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {
        name: round(int(fields[name].split()[0]) * 1024 / 1e9, 3)
        for name in ("VmHWM", "RssAnon", "RssFile")
    }


def most_anonymous(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call returns, and the most RssAnon of samples taken while it ran."""
    seen, stop = [0.0], threading.Event()

    def sample() -> None:
        while not stop.wait(0.05):
            seen.append(memory()["RssAnon"])

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        return call(), max(seen)
    finally:
        stop.set()
        thread.join()


def streamed(bank: Any, labels: Any, test: Any, truth: Any) -> float:
    found = knn_accuracies(bank, labels, test, truth, settings=SETTINGS)
    return found[SETTINGS.index(PLAIN)].top1


def plain(bank: Any, labels: Any, test: Any, truth: Any) -> float:
    """One setting, a batch of test rows against the whole bank."""
    k, temperature = PLAIN
    whole = torch.from_numpy(bank)
    right = 0
    for start in range(0, len(test), PLAIN_BATCH):
        batch = torch.from_numpy(np.array(test[start : start + PLAIN_BATCH]))
        values, index = (batch @ whole.T).topk(k, dim=1)
        votes = torch.zeros(len(batch), CLASSES)
        votes.scatter_add_(1, labels[index], (values / temperature).exp())
        right += int((votes.argmax(dim=1) == truth[start : start + PLAIN_BATCH]).sum())
    return right / len(test)


def child(side: str, folder: Path, rows: int, bank_rows: int) -> None:
    """Measure one side, and print what was found as JSON."""
    torch.set_num_threads(1)
    bank = np.load(folder / "bank.npy", mmap_mode="c" if side == "plain" else "r")[:bank_rows]
    test = np.load(folder / "test.npy", mmap_mode="r")[:rows]
    labels, truth = torch.arange(len(bank)) % CLASSES, torch.arange(len(test)) % CLASSES
    before, wall, cpu = memory(), time.perf_counter(), time.process_time()
    call = {"streamed": streamed, "plain": plain}[side]
    top1, anonymous = most_anonymous(lambda: call(bank, labels, test, truth))
    found = {
        "test_rows": len(test),
        "bank_rows": len(bank),
        "wall_seconds": round(time.perf_counter() - wall, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "top1": top1,
        "peak_resident_gb": memory()["VmHWM"],
        "peak_anonymous_gb": anonymous,
        "resident_before_gb": round(before["RssAnon"] + before["RssFile"], 3),
    }
    print(json.dumps(found))


def measured(side: str, folder: Path, rows: int, bank_rows: int) -> dict[str, Any]:
    """One side in a process of its own."""
    words = ["--child", side, "--folder", str(folder), "--rows", str(rows)]
    words += ["--bank", str(bank_rows)]
    done = subprocess.run(
        [sys.executable, __file__, *words], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(side, found, flush=True)
    return found


def extrapolated(short: dict[str, Any], long: dict[str, Any]) -> dict[str, float]:
    """CPU seconds of a test row, of what is done once, and of all test rows: a straight line."""
    rows = long["test_rows"] - short["test_rows"]
    slope = (long["cpu_seconds"] - short["cpu_seconds"]) / rows
    once = long["cpu_seconds"] - slope * long["test_rows"]
    return {
        "cpu_seconds_a_row": round(slope, 4),
        "cpu_seconds_once": round(once, 1),
        f"extrapolated_cpu_hours_of_{N_TEST}_rows": round((once + slope * N_TEST) / 3600, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bank", type=int, default=N_BANK, help="rows of the bank")
    parser.add_argument("--rows", type=int, nargs="+", default=[256, 1024], help="two slices")
    parser.add_argument("--folder", type=Path, help="where to write; a temporary one if left out")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.folder, options.rows[0], options.bank)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder, needed = Path(made), 4 * D * (options.bank + N_TEST)
        if (free := shutil.disk_usage(folder).free) < 1.1 * needed:
            parser.error(f"{folder} has {free / 1e9:.1f} GB free, {needed / 1e9:.1f} are needed")
        write_features(folder / "bank.npy", options.bank, 0)
        write_features(folder / "test.npy", N_TEST, 1)
        short, long = sorted(options.rows)
        sides = {
            side: [measured(side, folder, rows, options.bank) for rows in (short, long)]
            for side in ("streamed", "plain")
        }
        all_rows = measured("streamed", folder, N_TEST, min(PIECES, options.bank))
    result = {
        "what": f"{options.bank} x {D} float32 bank from a memory map; a slice of {N_TEST} rows",
        "settings": {
            side: [f"k={k} T={temperature:g}" for k, temperature in settings]
            for side, settings in (("streamed", SETTINGS), ("plain", [PLAIN]))
        },
        "bank_gb": round(4 * D * options.bank / 1e9, 2),
        **{side: {"slices": runs, **extrapolated(*runs)} for side, runs in sides.items()},
        "all_test_rows_against_two_pieces": all_rows,
        "aim_peak_resident_gb": 8,
        "threads_of_each_side": 1,
        "note": NOTE,
    }
    print(json.dumps(result, indent=2))
    print(write_result("knn_stream", result))


if __name__ == "__main__":
    main()
