"""Training on packed images: how much of a step is spent on data, and how many images a second.

    python benchmarks/image_training.py                  # about three minutes on two cores
    python benchmarks/image_training.py --device cuda --size 224 --batch 512 --steps 100

A set is rendered and packed first, in a temporary folder. The aim on a CPU is a data time below
10 % of the step time for ResNet-18 at 64 px. Writes results/image_training.json.
"""

import argparse
import os
import statistics
import tempfile
from pathlib import Path
from typing import Any

AIM_SHARE = 0.10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--images", type=int, default=1024)
    options = parser.parse_args()

    from _results import write_result

    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        found = [
            trained(Path(folder), encoder, size, options)
            for encoder, size in (("resnet18", options.size), ("conv4", 48))
        ]
    for row in found:
        print(row)
    result = {"runs": found, "aim_data_share": AIM_SHARE, "load_before": load}
    print(f"written to {write_result('image_training', result, device=options.device)}")


def trained(folder: Path, encoder: str, size: int, options: Any) -> dict[str, Any]:
    """Medians over the rows of the trainer's own timing, the first of which is warming up."""
    from causal_ssl.datasets.causal3dident.dataset import Causal3DIdent
    from causal_ssl.experiments.causal3dident.pairs import pairs_of
    from causal_ssl.experiments.causal3dident.render import RenderOptions, run
    from causal_ssl.experiments.causal3dident.settings import get
    from causal_ssl.models.image_encoders import EncoderConfig
    from causal_ssl.training.images import ImageRun, ImageTraining, train_images

    root = folder / f"set{size}"
    run(RenderOptions(n_train=options.images, n_test=0, size=size, packed=size, out=str(root)))
    dataset, views = pairs_of(get("da_crop_small_colour"), Causal3DIdent(root, size=size))
    config = ImageTraining(
        steps=options.steps,
        batch_size=options.batch,
        objective={"similarity": "cosine", "tau": 1.0},
        encoder=EncoderConfig(encoder),
        precision="bf16" if options.device == "cuda" else "float32",
        log_every=max(1, options.steps // 8),
        checkpoint_every=options.steps,
    )
    out = folder / encoder
    run = ImageRun(config, dataset, views, out=out, seed=0, device=options.device, loggers=())
    timing = train_images(run, on_progress=lambda progress: None).timing
    medians = {
        name: statistics.median(rows["value"].tolist()[1:])
        for name, rows in timing.groupby("metric")
    }
    return {"encoder": encoder, "size": size, "batch": options.batch, **medians}


if __name__ == "__main__":
    main()
