"""Images a second of ResNet-50 pretraining: on the device, from JPEG files, and beside lightly's.

    python benchmarks/resnet50_pretraining.py --compile                 # one GPU, some ten minutes
    python benchmarks/resnet50_pretraining.py --device cpu --encoder conv4 --size 64 --batch 16 \\
        --steps 2 --turns 2 --files 32 --workers 1 --precision float32      # that it runs

lightly is not among the requirements: pip install lightly (without it its sides are left out).

For each method of --methods, by the recipe and the preset of ResNet-50 on one GPU:

- `on_device`: the trainer's steps on images that lie on the device, at the working size, uint8:
  views, encoder, loss, gradient, optimiser. The compute bound.
- `from_files`: the same run on JPEG files of 500 x 375 pixels (`decoding.photographs`, each several
  times), by --workers processes. The rows that a full queue of read batches could flatter are left
  out.
- `decoding`: the batches of the same files by as many processes, and nothing done with them.

Beside the first method, SimCLR: `lightly`, its ResNet-50 SimCLR as its own ImageNet
benchmark configures it (`_lightly_simclr.py`: NCHW memory, cuDNN's own choice of kernels, no
compiler; its head, loss, LARS and groups of parameters), and `lightly, same settings`: channels
last, cuDNN's search for the fastest kernels, and compiled if --compile. Both get the precision, the
batch and the views on the device that ours gets. Lightning's work in a step and logs are in our
figures and not in theirs, nor is the classifier that lightly trains beside the encoder. Sides take
turns of --steps steps and are waited for; the first turn is warming up, as is the first step of
each of lightly's.

Asked is: `from_files` at least 90 % of `on_device`, or else at least 90 % of `decoding`, which then
is the limit; and 1.2 times the images a second of `lightly`, as the median over turns. An image
counts once, whatever its views. Peak memory is that of a side's turns; the weights of all sides,
some 0.2 GB each with the optimiser's, are in it. Memory that the allocator had to take back
(`allocation_retries`) slows the turns: lower --batch then.

Writes results/resnet50_pretraining.json on a GPU at the full size, else
results/resnet50_pretraining_smoke.json, which says nothing about speed.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from typing import Any

ASKED = {"files_by_compute": 0.9, "files_by_decoding": 0.9, "ratio_to_lightly": 1.2}
PHOTOGRAPHS = 256
"""Files that differ; a tree of more repeats them."""
PEERS = {"lightly": False, "lightly, same settings": True}
"""Side -> whether with our settings."""

Turn = Callable[[int], float]
"""So many steps, waited for: their seconds."""


def main(arguments: list[str] | None = None) -> None:
    options = parsed(arguments)
    from _results import write_result

    from causal_ssl.experiments.environment import version

    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        photographs(Path(folder) / "images", options.files)
        rows = {
            method: measured(method, Path(folder), options, peers=method == options.methods[0])
            for method in options.methods
        }
    full = options.device == "cuda" and (options.encoder, options.size) == ("resnet50", 224)
    result = {
        "asked": ASKED,
        "shows": "speed" if full else "that the benchmark runs, on what it was not meant for",
        "settings": vars(options),
        "versions": {name: version(name) for name in ("lightly", "lightning", "timm")},
        "load_before": load,
        "methods": rows,
    }
    name = "resnet50_pretraining" if full else "resnet50_pretraining_smoke"
    print(f"written to {write_result(name, result, device=options.device)}")


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options, of this process if none are given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    parser.add_argument("--methods", nargs="+", default=["simclr", "relic", "relic_t"])
    parser.add_argument("--encoder", default="resnet50")
    parser.add_argument("--size", type=int, default=224, help="pixels a side of the views")
    parser.add_argument("--batch", type=int, default=256, help="images of a step")
    parser.add_argument("--precision", default="bf16", choices=("bf16", "tf32", "float32"))
    parser.add_argument("--compile", action="store_true", help="our encoder by torch.compile")
    parser.add_argument("--steps", type=int, default=10, help="of a turn")
    parser.add_argument("--turns", type=int, default=7, help="the first is warming up")
    parser.add_argument("--workers", type=int, default=14, help="processes that read files")
    parser.add_argument("--files", type=int, default=4096)
    options = parser.parse_args(arguments)
    if min(options.turns, options.steps) < 2 or options.files < options.batch:
        parser.error("give --turns and --steps 2 or more, and as many --files as --batch or more")
    return options


def photographs(root: Path, n: int) -> None:
    """A tree of n JPEG files in two classes, ImageNet's usual shape."""
    import decoding

    decoding.photographs(root, width=500, n=min(n, PHOTOGRAPHS))
    some = sorted(root.rglob("*.JPEG"))
    for number in range(len(some), n):
        path = some[number % len(some)]
        shutil.copyfile(path, path.with_name(f"copy_{number}.JPEG"))


def measured(method: str, folder: Path, options: Any, *, peers: bool) -> dict[str, Any]:
    """All figures of one method, printed as they come."""
    from _pretraining import working_size

    from causal_ssl.datasets.images import open_images

    images = open_images(folder / "images", size=working_size(options))
    compute, theirs = on_device(method, images, folder / f"{method}_1", options, peers=peers)
    print(f"{method}: on the device {said(compute)}")
    for side, figures in theirs.items():
        by = figures["ours_by_theirs"]
        print(f"  {side}: {said(figures)}, ours {by:.2f} times as many")
    alone = decoding_rate(method, images, options)
    print(f"  decoding alone {alone:,.0f} /s")
    files = from_files(method, images, folder / f"{method}_2", options)
    rate = files["images_per_second"]
    by_compute, by_decoding = rate / compute["images_per_second"], rate / alone
    print(f"  from files {said(files)}: {by_compute:.0%} of compute, {by_decoding:.0%} of decoding")
    return {
        "on_device": compute,
        "from_files": files,
        "decoding": {"images_per_second": alone, "workers": options.workers},
        "files_by_compute": by_compute,
        "files_by_decoding": by_decoding,
        "peers": theirs,
    }


def said(figures: dict[str, Any]) -> str:
    peak = figures["peak_gigabytes"]
    return f"{figures['images_per_second']:,.0f} /s" + (f", {peak:.1f} GB" if peak else "")


def summary(rows: dict[str, list[float]], options: Any, *, warm: int) -> dict[str, Any]:
    """Medians of the rows after `warm` of them, and the rates of all."""
    found: dict[str, Any] = {name: statistics.median(row[warm:]) for name, row in rows.items()}
    if options.device == "cpu":
        found["peak_gigabytes"] = None
    return {**found, "warming_up": warm, "turns": rows["images_per_second"]}


def on_device(
    method: str, images: Any, out: Path, options: Any, *, peers: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Figures of the trainer on images on the device, and those of its peers between its turns."""
    from _device import allocation_retries, peak_gigabytes, reset_peak
    from _pretraining import OnDevice, plan_of, train

    plan = plan_of(method, images, options, rows=options.turns)
    stored, stack = OnDevice(images, options), plan.views.stack
    turns = lightly_turns(stored, stack, options) if peers else {}
    theirs: dict[str, dict[str, list[float]]] = {
        side: {"images_per_second": [], "peak_gigabytes": []} for side in turns
    }

    def between() -> None:
        for side, take in turns.items():
            reset_peak(options.device)
            rate = options.batch * options.steps / take(options.steps)
            theirs[side]["images_per_second"].append(rate)
            theirs[side]["peak_gigabytes"].append(peak_gigabytes(options.device))

    before = allocation_retries(options.device)
    views = partial(stored.views, stack)
    rows = train(plan, stored, views, out, options, workers=0, between=between)
    ours = summary(rows, options, warm=1)
    ours["allocation_retries"] = allocation_retries(options.device) - before
    return ours, {side: compared(rows, found, options) for side, found in theirs.items()}


def lightly_turns(stored: Any, stack: Any, options: Any) -> dict[str, Turn]:
    """Side -> what takes its steps."""
    if not find_spec("lightly"):
        print("lightly is not installed: its sides are left out")
        return {}
    from _lightly_simclr import LightlySimCLR

    from causal_ssl.views.augmentations import IMAGENET

    normalised = stack.then("normalise", IMAGENET)

    def make_views(step: int, generator: Any) -> list[Any]:
        batch = {"part": step % len(stored.parts)}
        return list(stored.views(normalised, batch, generator).images)

    return {
        side: LightlySimCLR(make_views, options, same_settings=same).turn
        for side, same in PEERS.items()
    }


def compared(
    ours: dict[str, list[float]], theirs: dict[str, list[float]], options: Any
) -> dict[str, Any]:
    """Their figures, and how many times as many images a second ours are, turn by turn."""
    rates = (ours["images_per_second"], theirs["images_per_second"])
    by_turn = [mine / other for mine, other in zip(*rates, strict=True)]
    return {
        **summary(theirs, options, warm=1),
        "ours_by_theirs": statistics.median(by_turn[1:]),
        "ours_by_theirs_in_turns": by_turn,
    }


def from_files(method: str, images: Any, out: Path, options: Any) -> dict[str, Any]:
    """Figures of the trainer on files."""
    from _pretraining import plan_of, train

    # While the first step compiles, workers read ahead: two batches each.
    warm = ceil((2 * options.workers + 1) / options.steps)
    plan = plan_of(method, images, options, rows=warm + options.turns)
    rows = train(plan, images, plan.views, out, options, workers=options.workers)
    return summary(rows, options, warm=warm)


def decoding_rate(method: str, images: Any, options: Any) -> float:
    """Images a second that the trainer's loader reads where nothing is done with them."""
    from causal_ssl.training.images.batches import StepBatches, step_loader

    workers = max(1, options.workers)
    # Workers begin together, and so hand over together: count whole rounds of theirs.
    warm = 2 * workers
    steps = workers * ceil(options.turns * options.steps / workers)
    loader = step_loader(
        StepBatches(images, batch_size=options.batch, seed=0),
        start=0,
        total=warm + steps,
        workers=options.workers,
        pinned=options.device == "cuda",
    )
    batches = iter(loader)
    for _ in range(warm):
        next(batches)
    began = time.perf_counter()
    for _ in batches:
        pass
    return options.batch * steps / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
