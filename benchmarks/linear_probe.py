"""Linear probe: 30 learning rates in one pass against one rate, and against 30 runs in sequence.

    python benchmarks/linear_probe.py                     # 50,000 x 2048 cached features
    python benchmarks/linear_probe.py --epochs 1 --sequence-steps 2

Of one process and one thread, CPU seconds, since the machine may be shared. With 10 classes: whole
`linear_probe` calls, of 30 rates (chosen on a held-out tenth; with and without the refit on all)
and of one; checks and the accuracy on 10,000 test samples included. Those cost a short training
more than a long one and flatter the ratio, so that of a further epoch stands beside it. With 1000
classes: as many minibatches as --sequence-steps by all 30 as one training, and by 30 trainings one
after the other, each with its own read of the features; beside it, torch.optim.SGD on
torch.nn.Linear, 30 times.
The features themselves cost more: ResNet-50's of 32 images of 224 pixels are timed, and what 30
rates of 80 epochs add to the features of 50,000 images and one rate is extrapolated.
Random features: the time does not depend on what they say. Writes results/linear_probe.json.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from _results import write_result
from torch import Tensor, nn

from causal_ssl.analysis._linear_heads import Member
from causal_ssl.analysis._linear_run import Run, Samples
from causal_ssl.analysis.linear_probe import LinearSettings, linear_probe
from causal_ssl.models.image_encoders import image_encoder

N, N_TEST, D, RATES, BATCH = 50_000, 10_000, 2048, 30, 1024
GRID = tuple(float(rate) for rate in np.geomspace(1e-3, 1.0, RATES))


def seconds(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def torch_alone(x: Tensor, labels: Tensor, n_classes: int, steps: int, rate: float) -> None:
    """One classifier as one writes it with torch, on minibatches drawn at random."""
    head = nn.Linear(D, n_classes)
    sgd = torch.optim.SGD(head.parameters(), rate, momentum=0.9, nesterov=True)
    order = torch.randperm(N)
    for step in range(steps):
        rows = order[step * BATCH : (step + 1) * BATCH]
        sgd.zero_grad()
        nn.functional.cross_entropy(head(x[rows]), labels[rows]).backward()
        sgd.step()


def few_classes(x: Tensor, labels: Tensor, epochs: int, repeats: int) -> dict[str, Any]:
    """Whole probes, 10 classes, of so many epochs and of three times as many."""
    test, test_labels = x[:N_TEST], labels[:N_TEST]

    def probe(rates: tuple[float, ...], refit: bool, epochs: int) -> float:
        settings = LinearSettings(rates, epochs=(epochs,), batch_sizes=(BATCH,))
        return seconds(lambda: linear_probe(x, labels, test, test_labels, settings, refit=refit))

    def by_torch(epochs: int) -> float:
        return seconds(lambda: [torch_alone(x, labels, 10, N // BATCH, 0.1) for _ in range(epochs)])

    by_torch(1)  # an optimiser's first step imports much of torch
    sides = {
        f"{name}, {n} epochs": partial(call, epochs=n)
        for n in (epochs, 3 * epochs)
        for name, call in {
            "one": partial(probe, (0.1,), False),
            "grid": partial(probe, GRID, False),
            "grid_and_refit": partial(probe, GRID, True),
            "torch_training_alone": by_torch,
        }.items()
    }
    took = compared(sides, repeats)
    short, long = (
        {
            name: statistics.median(took[f"{name}, {n} epochs"])
            for name in ("one", "grid", "grid_and_refit", "torch_training_alone")
        }
        for n in (epochs, 3 * epochs)
    )
    # What a further epoch costs: the ratio of long trainings, without checks and tests.
    further = {name: (long[name] - short[name]) / (2 * epochs) for name in short}
    return {
        "classes": 10,
        "cpu_seconds": took,
        "cpu_seconds_per_further_epoch": further,
        "aim": 5,
        **{
            f"{name}_to_one": {
                f"{epochs} epochs": round(short[name] / short["one"], 2),
                f"{3 * epochs} epochs": round(long[name] / long["one"], 2),
                "per further epoch": round(further[name] / further["one"], 2),
            }
            for name in ("grid", "grid_and_refit")
        },
    }


def many_classes(x: Tensor, labels: Tensor, steps: int, repeats: int) -> dict[str, Any]:
    """Trainings alone, 1000 classes, a few minibatches."""
    rows = torch.arange(steps * BATCH)
    train = Samples("features", x, labels, torch.arange(N))
    run = Run(train, None, LinearSettings(GRID), 1000, 0, x.device, x.dtype)
    members = [Member(rate, 0.0, 1, BATCH) for rate in GRID]
    sides = {
        "grid": lambda: seconds(lambda: run.fit(members, rows)),
        "sequence": lambda: seconds(lambda: [run.fit([member], rows) for member in members]),
        "torch_sequence": lambda: seconds(
            lambda: [torch_alone(x, labels, 1000, steps, rate) for rate in GRID]
        ),
    }
    took = compared(sides, repeats)
    median = {side: statistics.median(values) for side, values in took.items()}
    return {
        "classes": 1000,
        "steps": steps,
        "cpu_seconds": took,
        "grid_to_sequence": round(median["grid"] / median["sequence"], 3),
        "grid_to_torch_sequence": round(median["grid"] / median["torch_sequence"], 3),
        "aim": 1,
    }


def extraction() -> float:
    """CPU seconds an image of a ResNet-50 at 224 pixels, median of three."""
    network = image_encoder("resnet50", seed=0).eval()
    images = torch.rand(32, 3, 224, 224)
    with torch.inference_mode():
        return statistics.median(seconds(lambda: network(images)) / 32 for _ in range(3))


def with_extraction(few: dict[str, Any], epochs: int, an_image: float) -> dict[str, Any]:
    """What the grid adds where features are computed too, of a training of 80 epochs."""
    probes = {
        side: statistics.median(few["cpu_seconds"][f"{side}, {epochs} epochs"])
        + (80 - epochs) * few["cpu_seconds_per_further_epoch"][side]
        for side in ("one", "grid", "grid_and_refit")
    }
    features = N * an_image
    return {
        "network": "resnet50 at 224 pixels",
        "cpu_seconds_an_image": round(an_image, 4),
        "extrapolated_cpu_seconds": {"features": round(features)}
        | {side: round(value) for side, value in probes.items()},
        "grid_and_refit_to_one": round(
            (features + probes["grid_and_refit"]) / (features + probes["one"]), 3
        ),
        "aim": 1.5,
    }


def compared(sides: dict[str, Callable[[], float]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each repeat of each side, the sides taking turns."""
    took: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(repeats):
        for side, call in sides.items():
            took[side].append(round(call(), 3))
            print(f"{side}: {took[side][-1]} s", flush=True)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=3, help="of the probes of 10 classes")
    parser.add_argument("--sequence-steps", type=int, default=2, help="with 1000 classes")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N, D, generator=generator).relu_()
    few = few_classes(x, torch.arange(N) % 10, options.epochs, options.repeats)
    many = many_classes(x, torch.arange(N) % 1000, options.sequence_steps, options.repeats)
    result = {
        "what": f"{N} x {D} float32 features, {RATES} learning rates, batch {BATCH}",
        "few_classes": few,
        "many_classes": many,
        "with_features_10_classes": with_extraction(few, options.epochs, extraction()),
    }
    print(result)
    print(write_result("linear_probe", result))


if __name__ == "__main__":
    main()
