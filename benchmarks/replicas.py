"""How to group R trainings on a CPU: together in one process, one after another, or two processes.

    python benchmarks/replicas.py                # about 3 minutes on two cores
    python benchmarks/replicas.py --batch 64

The quick study's step: encoder 10-128-128-128-5, batch 256, fresh samples through the causal model,
InfoNCE and Adam. First milliseconds per step for R = 1, 2, 4, 8 replicas on one and on two threads,
their products one replica after another and batched (`baddbmm`); then the throughput of the
groupings that fill two cores. The kinds alternate within a repeat; medians, with CPU time beside
wall time because the machine may be shared. Writes results/replicas.json.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from typing import Any

WIDTHS = [10, 128, 128, 128, 5]
REPLICAS = (1, 2, 4, 8)


def timed(replicas: int, steps: int, batch: int, batched: bool) -> tuple[float, float]:
    """Wall and CPU milliseconds per step of `replicas` trained together, after a warm-up."""
    from causal_ssl.models.mlp import ReplicatedMLP
    from causal_ssl.objectives import InfoNCE
    from causal_ssl.training.step import TrainingStep
    from causal_ssl.training.stream import ViewStream

    encoder = ReplicatedMLP(WIDTHS, replicas=replicas)
    if not batched:
        encoder._batched = encoder._one_by_one  # type: ignore[method-assign]
    step = TrainingStep(encoder, InfoNCE("neg_squared_l2"), batch_size=batch)
    stream = ViewStream(
        [_world()] * replicas, list(range(replicas)), batch_size=batch, negatives=False
    )
    stream.chunk(0)
    for x in stream.chunk(0)[:10]:
        step(x, learning_rate=1e-3)
    wall, cpu, done, chunk = time.perf_counter(), time.process_time(), 0, 1
    while done < steps:
        for x in stream.chunk(chunk)[: steps - done]:
            step(x, learning_rate=1e-3)
            done += 1
        chunk += 1
    per_step = 1e3 / steps
    return (time.perf_counter() - wall) * per_step, (time.process_time() - cpu) * per_step


def _world() -> Any:
    from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig

    return ContentStyle.draw(ContentStyleConfig(mixing_candidates=100), seed=0)


def milliseconds_per_step(options: argparse.Namespace) -> list[dict[str, Any]]:
    """R and threads against ms per step, alternating."""
    import torch

    kinds = [
        (threads, replicas, batched)
        for threads in options.threads
        for replicas in REPLICAS
        for batched in (False, True)
    ]
    times: dict[Any, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for _ in range(options.repeats):
        for threads, replicas, batched in kinds:
            torch.set_num_threads(threads)
            steps = max(20, options.steps // replicas)
            times[threads, replicas, batched].append(timed(replicas, steps, options.batch, batched))
    rows = []
    for (threads, replicas, batched), measured in times.items():
        wall, cpu = (statistics.median(values) for values in zip(*measured, strict=True))
        row = {
            "threads": threads,
            "replicas": replicas,
            "products": "baddbmm" if batched else "one by one",
            "ms_per_step": round(wall, 3),
            "ms_per_step_and_replica": round(wall / replicas, 3),
            "cpu_ms_per_step_and_replica": round(cpu / replicas, 3),
        }
        print(row, flush=True)
        rows.append(row)
    return rows


GROUPINGS = {
    # name: (processes, threads of each, replicas together in each, trained in turn in each)
    "one process, 1 thread, 4 in turn": (1, 1, 1, 4),
    "one process, 2 threads, 4 in turn": (1, 2, 1, 4),
    "one process, 1 thread, 4 together": (1, 1, 4, 1),
    "one process, 2 threads, 4 together": (1, 2, 4, 1),
    "two processes, 1 thread, 4 in turn": (2, 1, 1, 4),
    "two processes, 1 thread, 2 together": (2, 1, 2, 1),
    "two processes, 1 thread, 4 together": (2, 1, 4, 1),
}


def throughput(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Steps of single replicas per second, grouped in different ways."""
    rates: dict[str, list[tuple[float, float]]] = {name: [] for name in GROUPINGS}
    for _ in range(options.repeats):
        for name, grouping in GROUPINGS.items():
            rates[name].append(_rate(*grouping, options))
    rows = []
    for name, values in rates.items():
        rate, cpu = (statistics.median(kind) for kind in zip(*values, strict=True))
        row = {"grouping": name, "replica_steps_per_second": round(rate)}
        rows.append(row | {"cpu_ms_per_step_and_replica": round(cpu, 3)})
        print(rows[-1], flush=True)
    return rows


def _rate(
    processes: int, threads: int, together: int, in_turn: int, options: argparse.Namespace
) -> tuple[float, float]:
    command = [sys.executable, __file__, "--worker", str(threads), str(together), str(in_turn)]
    command += ["--batch", str(options.batch), "--steps", str(options.steps)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    children = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(processes)
    ]
    for child in children:  # imports and warm-up are over
        child.stdout.readline()  # type: ignore[union-attr]
    start = time.perf_counter()
    for child in children:
        child.stdin.write("go\n")  # type: ignore[union-attr]
        child.stdin.flush()  # type: ignore[union-attr]
    cpu = statistics.mean(float(child.stdout.readline()) for child in children)  # type: ignore[union-attr]
    seconds = time.perf_counter() - start
    for child in children:
        child.communicate()
    return processes * together * in_turn * options.steps / seconds, cpu


def work(threads: int, together: int, in_turn: int, options: argparse.Namespace) -> None:
    """A process of a grouping: warm up, wait for the word, train."""
    import torch

    torch.set_num_threads(threads)
    timed(together, 5, options.batch, batched=True)
    print("ready", flush=True)
    sys.stdin.readline()
    cpu = [timed(together, options.steps, options.batch, batched=True)[1] for _ in range(in_turn)]
    print(statistics.mean(cpu) / together, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=400, help="steps of a replica and measurement")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="to time steps on")
    parser.add_argument("--worker", type=int, nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(*options.worker, options)
        return
    from _results import write_result

    result = {
        "what": f"training steps of encoder {WIDTHS}, batch {options.batch}, InfoNCE",
        "batch": options.batch,
        "repeats": options.repeats,
        "load_average_before": os.getloadavg()[0],
        "groupings": throughput(options),
        "steps": milliseconds_per_step(options),
    }
    name = "replicas" if options.batch == 256 else f"replicas_{options.batch}"
    print(write_result(name, result))


if __name__ == "__main__":
    main()
