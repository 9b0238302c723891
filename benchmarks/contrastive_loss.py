"""NT-Xent beside lightly's, and what ReLIC's invariance term costs: forward and backward pass.

    python benchmarks/contrastive_loss.py                 # about a minute on one core
    python benchmarks/contrastive_loss.py --threads 2

Needs lightly on the path. Two views of 4096 samples, 128 coordinates, float32, cosine, temperature
0.1, on the CPU. Sides:

    lightly         its NTXentLoss
    nt_xent         InfoNCE(negatives="both_views")
    contrastive     both directions of InfoNCE: ReLIC without its invariance term
    relic           ReLIC
    contrastive_t   the same two with a target network, whose outputs have no gradient
    relic_t

All sides take turns; ratios are medians over the turns of that turn's ratio. On a shared machine
read those of CPU seconds. Memory is the highest resident memory of three passes, each side in a
process of its own, above what was resident before the first (a tiny pass has loaded the code).
Losses and gradients are held against each other. Writes results/contrastive_loss.json.
"""

import argparse
import gc
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

N, D, TAU = 4096, 128, 0.1
RATIOS = {
    "lightly_over_nt_xent": ("lightly", "nt_xent"),
    "relic_over_contrastive": ("relic", "contrastive"),
    "relic_t_over_contrastive_t": ("relic_t", "contrastive_t"),
}
Loss = Callable[[Tensor, Tensor], Tensor]


def views(n: int) -> list[Tensor]:
    """Two related views, and the target network's outputs for them."""
    generator = torch.Generator().manual_seed(0)
    samples, *noise = torch.randn(5, n, D, generator=generator)
    return [samples + part for part in noise]


def make(side: str, target: list[Tensor]) -> Loss:
    """The side's loss of two views."""
    if side == "lightly":
        from lightly.loss import NTXentLoss

        return NTXentLoss(temperature=TAU)
    from causal_ssl.objectives import InfoNCE, ReLIC

    if side == "nt_xent":
        both_views = InfoNCE("cosine", tau=TAU, negatives="both_views")
        return lambda u, v: both_views([u, v])["loss"]
    invariant = side.startswith("relic")
    objective = ReLIC("cosine", tau=TAU) if invariant else symmetric()
    candidates = target if side.endswith("_t") else None
    return lambda u, v: objective([u, v], candidates)["loss"]


def symmetric() -> Any:
    from causal_ssl.objectives import InfoNCE

    return InfoNCE("cosine", tau=TAU, symmetric=True)


SIDES = ("lightly", "nt_xent", "contrastive", "relic", "contrastive_t", "relic_t")


def one_pass(loss: Loss, online: list[Tensor]) -> tuple[float, float, Tensor, list[Tensor]]:
    """Wall and CPU seconds, the loss, and the gradients."""
    leaves = [view.clone().requires_grad_() for view in online]
    start, start_cpu = time.perf_counter(), time.process_time()
    value = loss(*leaves)
    gradients = torch.autograd.grad(value, leaves)
    seconds = time.perf_counter() - start, time.process_time() - start_cpu
    return *seconds, value.detach(), list(gradients)


def peak(side: str) -> int:
    """Bytes resident at most in three passes, above those before; in a fresh process."""
    tiny, online = views(8), views(N)
    one_pass(make(side, tiny[2:]), tiny[:2])
    loss = make(side, online[2:])
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the highest so far is forgotten
    before = _resident("VmRSS")
    for _ in range(3):
        one_pass(loss, online[:2])
    return _resident("VmHWM") - before


def _resident(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def peaks(threads: int) -> dict[str, float]:
    """Megabytes of each side."""
    found = {}
    for side in SIDES:
        command = [sys.executable, __file__, f"--peak={side}", f"--threads={threads}"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found[side] = round(int(done.stdout) / 1e6, 1)
        print(f"{side:>14} {found[side]:8.1f} MB", flush=True)
    return found


def compare(repeats: int) -> dict[str, Any]:
    """Times of all sides, taking turns, and whether they agree."""
    online = views(N)
    losses = {side: make(side, online[2:]) for side in SIDES}
    first = {side: one_pass(loss, online[:2])[2:] for side, loss in losses.items()}
    turns: list[dict[str, tuple[float, float]]] = []
    for turn in range(repeats):
        turns.append({side: one_pass(loss, online[:2])[:2] for side, loss in losses.items()})
        took = "  ".join(f"{side} {seconds[1]:.3f}" for side, seconds in turns[-1].items())
        print(f"{turn + 1}/{repeats} CPU seconds: {took}", flush=True)
    wall, cpu = (
        {side: statistics.median(turn[side][kind] for turn in turns) for side in SIDES}
        for kind in (0, 1)
    )
    return {
        "seconds": wall,
        "cpu_seconds": cpu,
        "ratios": {name: _median_ratio(turns, *pair, 0) for name, pair in RATIOS.items()},
        "cpu_ratios": {name: _median_ratio(turns, *pair, 1) for name, pair in RATIOS.items()},
        "all_seconds": turns,
        "loss_difference": _difference([first["nt_xent"][0]], [first["lightly"][0]]),
        "gradient_difference": _difference(first["nt_xent"][1], first["lightly"][1]),
    }


def _median_ratio(turns: list[dict[str, Any]], above: str, below: str, kind: int) -> float:
    return round(statistics.median(turn[above][kind] / turn[below][kind] for turn in turns), 3)


def _difference(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """Largest |ours - theirs| / |theirs| of the tensors, in the 2-norm."""
    return max(float((a - b).norm() / b.norm()) for a, b in zip(ours, theirs, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--peak", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.peak:
        print(peak(options.peak))
        return
    from _results import write_result

    load = os.getloadavg()[0]
    memory = peaks(options.threads)
    result = {
        "what": "loss and gradient of two views, 4096 samples, 128 coordinates, float32, tau 0.1",
        "threads": options.threads,
        "repeats": options.repeats,
        **compare(options.repeats),
        "peak_mb": memory,
        "memory_share_of_lightly": round(memory["nt_xent"] / memory["lightly"], 3),
        "load_average_before": load,
    }
    for name, value in result.items():
        if name != "all_seconds":
            print(f"{name}: {value}")
    suffix = "" if options.threads == 1 else f"_{options.threads}threads"
    print(write_result(f"contrastive_loss{suffix}", result))


if __name__ == "__main__":
    main()
