"""One training step at the paper's size against the straightforward version, both in one run.

    python benchmarks/training_step.py                      # about 2 minutes on one core
    python benchmarks/training_step.py --precision bf16
    python benchmarks/training_step.py --device cuda --precision tf32 --cuda-graph
    python benchmarks/training_step.py --paper-slice 60 --device cuda

Batch 6144, encoder 10-100-500-500-500-500-100-5 (853,705 parameters), negative squared L2, tau = 1,
negatives from a third batch, Adam, one thread. The reference is what one writes down first: three
forward passes, all n x n differences in 5 dimensions by broadcasting, autograd, Adam.

Each side lives in a process of its own; steps alternate between them. Time is the median over
repeats; memory is the process's peak minus its peak after imports and a first tiny step (on a GPU:
what torch allocated at most). On a shared machine read the ratio of CPU seconds. Losses and
gradients of both sides on the same weights and data are compared. Writes
results/training_step[_cuda][_precision].json.

`--paper-slice SECONDS` trains 4 settings x 3 seeds together for that long, as the paper preset
does, and extrapolates to 300,000 steps; the slice and the estimate are printed apart.
"""

import argparse
import contextlib
import multiprocessing
import os
import resource
import statistics
import time
from itertools import pairwise
from multiprocessing.connection import Connection
from typing import Any

import torch
from _results import write_result
from torch import Tensor, nn

BATCH, WIDTHS = 6144, [10, 100, 500, 500, 500, 500, 100, 5]
STEPS, METHODS = 300_000, 2


class Straightforward:
    """The reference: nothing fused, nothing batched, nothing recomputed."""

    def __init__(self, device: str, options: argparse.Namespace) -> None:
        layers: list[nn.Module] = []
        for d_in, d_out in pairwise(WIDTHS):
            layers += [nn.Linear(d_in, d_out), nn.LeakyReLU(0.01)]
        self.encoder = nn.Sequential(*layers[:-1]).to(device)
        self.optimizer = torch.optim.Adam(self.encoder.parameters(), lr=1e-4)

    def loss(self, batches: list[Tensor]) -> Tensor:
        anchors, positives, negatives = (self.encoder(x) for x in batches)
        positive = -(anchors - positives).square().sum(-1)
        negative = -(anchors.unsqueeze(1) - negatives.unsqueeze(0)).square().sum(-1)
        logits = torch.cat([positive.unsqueeze(1), negative], dim=1)
        return (torch.logsumexp(logits, dim=1) - positive).mean()

    def step(self, batches: list[Tensor]) -> float:
        loss = self.loss(batches)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def load(self, weights: list[Tensor]) -> None:
        with torch.no_grad():
            for mine, given in zip(self.encoder.parameters(), weights, strict=True):
                mine.copy_(given)

    def gradients(self) -> list[Tensor]:
        return [p.grad for p in self.encoder.parameters() if p.grad is not None]


class Ours:
    """The trainer's step."""

    def __init__(self, device: str, options: argparse.Namespace) -> None:
        from causal_ssl.models.mlp import ReplicatedMLP
        from causal_ssl.objectives import InfoNCE
        from causal_ssl.training.cuda_graph import GraphedStep
        from causal_ssl.training.step import TrainingStep, matmul_precision

        self._precision = matmul_precision(options.precision, torch.device(device))
        self._precision.__enter__()
        self.training = TrainingStep(
            ReplicatedMLP(WIDTHS, replicas=1).to(device),
            InfoNCE("neg_squared_l2", negatives="separate"),
            batch_size=BATCH,
            precision=options.precision,
            capturable=options.cuda_graph,
        )
        self.advance: Any = self.training
        if options.cuda_graph:
            self.advance = GraphedStep(self.training, torch.randn(1, 3 * BATCH, 10, device=device))

    def step(self, batches: list[Tensor]) -> float:
        x = torch.cat(batches).unsqueeze(0)
        return self.advance(x, learning_rate=1e-4)[0].item()

    def load(self, weights: list[Tensor]) -> None:
        encoder = self.training.encoder
        with torch.no_grad():
            for k, given in enumerate(weights):
                [encoder.weights, encoder.biases][k % 2][k // 2].copy_(given.unsqueeze(0))

    def gradients(self) -> list[Tensor]:
        encoder = self.training.encoder
        pairs = zip(encoder.weights, encoder.biases, strict=True)
        return [p.grad[0] for pair in pairs for p in pair if p.grad is not None]


SIDES = {"reference": Straightforward, "ours": Ours}


def serve(side: str, options: argparse.Namespace, parent: Connection) -> None:
    """A side's process: one step per message, weights and gradients on the first."""
    torch.set_num_threads(options.threads)
    device = options.device
    _load_lazy_modules(device)
    before = _peak_bytes(device)
    trained = SIDES[side](device, options)
    for weights, batches in iter(parent.recv, None):
        batches = [x.to(device) for x in batches]
        if weights is not None:
            trained.load(weights)
        start, start_cpu = time.perf_counter(), time.process_time()
        loss = trained.step(batches)
        seconds = time.perf_counter() - start, time.process_time() - start_cpu
        gradients = None
        if weights is not None and not options.cuda_graph:
            gradients = [g.cpu().double() for g in trained.gradients()]
        parent.send((seconds, loss, gradients))
    parent.send(_peak_bytes(device) - before)


def _load_lazy_modules(device: str) -> None:
    # An optimiser's first step imports much of torch: not memory of the step.
    import causal_ssl.training.numerical  # noqa: F401

    tiny = nn.Linear(2, 2, device=device)
    tiny(torch.zeros(1, 2, device=device)).sum().backward()
    torch.optim.Adam(tiny.parameters()).step()


def _peak_bytes(device: str) -> int:
    if device == "cuda":
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def compare(options: argparse.Namespace) -> dict[str, Any]:
    """Alternate steps of the two sides; their times, peaks, and whether they agree."""
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    load = os.getloadavg()[0]
    context = multiprocessing.get_context("spawn")
    sides: dict[str, Connection] = {}
    for side in SIDES:
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(side, options, theirs), daemon=True).start()
        sides[side] = ours
    torch.manual_seed(0)
    weights = [p.detach() for p in Straightforward("cpu", options).encoder.parameters()]
    seconds: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    first: dict[str, Any] = {}
    for repeat in range(1 + options.repeats):
        x = torch.randn(BATCH, 10)
        batches = [x, x + 0.3 * torch.randn(BATCH, 10), torch.randn(BATCH, 10)]
        for side, connection in sides.items():
            connection.send((weights if repeat == 0 else None, batches))
            took, loss, gradients = connection.recv()
            if repeat == 0:
                first[side] = loss, gradients
            else:  # the first step allocates and warms up
                seconds[side].append(took)
            print(
                f"{repeat}/{options.repeats} {side:>9} {took[0]:7.3f} s  loss {loss:.6f}",
                flush=True,
            )
    peaks = {}
    for side, connection in sides.items():
        connection.send(None)
        peaks[side] = connection.recv()
    return summary(seconds, peaks, first, options) | {"load_average_before": load}


def summary(
    seconds: dict[str, list[tuple[float, float]]],
    peaks: dict[str, int],
    first: dict[str, Any],
    options: argparse.Namespace,
) -> dict[str, Any]:
    """The figures that are kept."""
    wall, cpu = (
        {
            side: statistics.median(times[kind] for times in values)
            for side, values in seconds.items()
        }
        for kind in (0, 1)
    )
    (loss, gradients), (reference_loss, reference) = first["ours"], first["reference"]
    return {
        "what": "one training step, batch 6144, 853,705 parameters, three batches, squared L2",
        "device": options.device,
        "threads": options.threads,
        "precision": options.precision,
        "cuda_graph": options.cuda_graph,
        "repeats": options.repeats,
        "n_parameters": sum((a + 1) * b for a, b in pairwise(WIDTHS)),
        "seconds": wall,
        "cpu_seconds": cpu,
        "all_seconds": seconds,
        "peak_mb": {side: round(peak / 1e6, 1) for side, peak in peaks.items()},
        "speed_up": round(wall["reference"] / wall["ours"], 2),
        "speed_up_cpu_seconds": round(cpu["reference"] / cpu["ours"], 2),
        "memory_share": round(peaks["ours"] / peaks["reference"], 3),
        "loss_difference": abs(loss - reference_loss) / abs(reference_loss),
        "gradient_difference": _difference(gradients, reference),
    }


def _difference(ours: list[Tensor] | None, reference: list[Tensor] | None) -> float | None:
    """Largest over the layers' tensors of |ours - reference| / |reference|, in the 2-norm.

    Without the last bias, whose gradient is 0: distances do not see it.
    """
    if ours is None or reference is None:
        return None
    pairs = list(zip(ours, reference, strict=True))[:-1]
    return max(float((a - b).norm() / b.norm()) for a, b in pairs)


class _Enough(Exception):
    pass


def paper_slice(options: argparse.Namespace) -> dict[str, Any]:
    """Time a slice of the paper preset, half of it each method, 12 replicas trained together."""
    slices = {
        "infonce": _slice("infonce", {"negatives": "separate"}, options),
        "relic": _slice("relic", {}, options),
    }
    hours = sum(part["seconds"] / part["steps"] for part in slices.values()) * STEPS / 3600
    for name, part in slices.items():
        print(f"slice:    {name}, {part['steps']} steps of 12 replicas in {part['seconds']:.1f} s")
    print(f"estimate: {STEPS} steps of both methods at that rate: {hours:.2f} h")
    return {
        "device": options.device,
        "precision": options.precision,
        "cuda_graph": options.cuda_graph,
        "replicas": 12,
        "slices": slices,
        "estimate": {"steps": STEPS, "hours": hours},
    }


def _slice(name: str, overrides: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Steps and seconds of the trainer after its first chunk, sampling included."""
    from causal_ssl import methods
    from causal_ssl.training.numerical import NumericalTraining, Progress, train

    config = NumericalTraining(
        steps=STEPS,
        batch_size=BATCH,
        hidden=tuple(WIDTHS[1:-1]),
        learning_rate=1e-4,
        schedule="constant",
        precision=options.precision,
        cuda_graph=options.cuda_graph,
    )
    marks: list[tuple[int, float]] = []

    def on_progress(progress: Progress) -> None:
        marks.append((progress.step, time.perf_counter()))
        if len(marks) > 1 and marks[-1][1] - marks[0][1] >= options.paper_slice / 2:
            raise _Enough

    worlds, seeds = _paper_worlds()
    method = methods.get(name)
    objective = method.objective(**overrides)
    with contextlib.suppress(_Enough):
        train(
            worlds,
            method,
            objective,
            config,
            seeds=seeds,
            n_outputs=WIDTHS[-1],
            device=options.device,
            on_progress=on_progress,
        )
    return {"steps": marks[-1][0] - marks[0][0], "seconds": marks[-1][1] - marks[0][1]}


def _paper_worlds() -> tuple[list[Any], list[int]]:
    """Four settings x three seeds."""
    from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig

    configs = [
        ContentStyleConfig(p_change=p, statistical=statistical, causal=causal)
        for p, statistical, causal in (
            (1.0, False, False),
            (0.75, False, False),
            (0.75, True, False),
            (0.75, True, True),
        )
    ]
    pairs = [(config, seed) for config in configs for seed in range(3)]
    worlds = [ContentStyle.draw(config, seed=seed) for config, seed in pairs]
    return worlds, [seed for _, seed in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="float32", choices=["float32", "tf32", "bf16"])
    parser.add_argument("--cuda-graph", action="store_true", help="replay a recorded step (CUDA)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--paper-slice", type=float, metavar="SECONDS", default=None)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    suffix = ("_cuda" if options.device == "cuda" else "") + (
        "" if options.precision == "float32" else f"_{options.precision}"
    )
    if options.paper_slice is not None:
        print(write_result(f"paper_slice{suffix}", paper_slice(options)))
        return
    result = compare(options)
    for name, value in result.items():
        print(f"{name}: {value}")
    print(write_result(f"training_step{suffix}", result))


if __name__ == "__main__":
    main()
