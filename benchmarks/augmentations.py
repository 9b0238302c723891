"""Batched augmentations beside Kornia's and beside torchvision image by image, at equal output.

    python benchmarks/augmentations.py                    # 512 images of 64 x 64, one thread
    python benchmarks/augmentations.py --size 224 --n 64
    python benchmarks/augmentations.py --device cuda --n 2048

Kornia is not among the requirements: pip install kornia (without it that side is left out).

All sides get the same images and the same drawn parameters, and what they make is compared before
it is timed; each repeat times all sides in turn, so that a busy machine slows them alike. CPU
seconds stand beside wall seconds for the same reason. Kornia draws one order of the jitter's
operations a batch: for `jitter` and the stacks all samples share one here, for `jitter, own orders`
they do not, and Kornia has no counterpart. From uint8, every side makes normalised float32 of it,
as training needs. Writes results/augmentations.json.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

Side = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=512, help="images of a batch")
    parser.add_argument("--size", type=int, default=64, help="pixels of a side")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(options.threads)
    from _results import write_result

    rows = {
        name: measured(sides, options.n, options.repeats, options.device)
        for name, sides in workloads(options.n, options.size, options.device).items()
    }
    for name, sides in rows.items():
        print(name)
        for side, figures in sides.items():
            rate, cpu = figures["images_per_second"], figures["images_per_cpu_second"]
            apart = figures["largest_difference"]
            print(f"  {side:<12} {rate:>9,.0f} /s  {cpu:>9,.0f} /CPU s   apart {apart:.1e}")
    default = (options.n, options.size, options.device) == (512, 64, "cpu")
    suffix = "" if default else f"_{options.n}_{options.size}_{options.device}"
    result = {"n": options.n, "size": options.size, "repeats": options.repeats, "rows": rows}
    path = write_result(f"augmentations{suffix}", result, device=options.device)
    print(f"written to {path}")


def measured(sides: dict[str, Side], n: int, repeats: int, device: str) -> dict[str, Any]:
    """Median rates of each side, and its largest difference from the first one's output."""
    import torch

    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    outputs = {name: side().float() for name, side in sides.items()}  # warms up, too
    reference = next(iter(outputs.values()))
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            wait()
            wall, cpu = time.perf_counter(), time.process_time()
            side()
            wait()
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return {
        name: {
            "images_per_second": n / statistics.median(wall for wall, _ in seconds[name]),
            "images_per_cpu_second": n / statistics.median(cpu for _, cpu in seconds[name]),
            "largest_difference": float((outputs[name] - reference).abs().max()),
        }
        for name in sides
    }


def workloads(n: int, size: int, device: str) -> dict[str, dict[str, Side]]:
    """Row -> side -> what to time. The first side is ours."""
    import torch

    from causal_ssl.randomness import generator_for
    from causal_ssl.views.augmentations import CAUSAL3DIDENT, ColourJitter, GaussianBlur, stacks

    levels = torch.randint(256, (n, 3, size, size), generator=generator_for(0), dtype=torch.uint8)
    levels = levels.to(device)
    images = levels / 255

    def steps_of(augmentation: Any, own_orders: bool = False) -> dict[str, Any]:
        drawn = augmentation.draw(n, generator=generator_for(1), size=(size, size))
        if "order" in drawn.values and not own_orders:
            one = drawn["order"][:1].repeat(n, 1)
            drawn = type(drawn)({**drawn.values, "order": one})
        return {"augmentation": augmentation, "record": drawn}

    def row(steps: list[dict[str, Any]], x: Any, kornia: bool = True) -> dict[str, Side]:
        sides = {"batched": lambda: batched(x, steps)}
        if kornia and find_spec("kornia"):
            sides["kornia"] = lambda: with_kornia(x, steps)
        if device == "cpu":
            sides["torchvision"] = lambda: image_by_image(x, steps)
        return sides

    def stack(name: str) -> list[dict[str, Any]]:
        chain = stacks.get(name).then("normalise", CAUSAL3DIDENT).augmentations(0)
        return [steps_of(augmentation) for augmentation in chain.values()]

    crop = stacks.get("crop_small").augmentations(0)["crop"]
    jitter = ColourJitter.of_strength(1.0, p=1.0)
    rows = {
        "crop": row([steps_of(crop)], images),
        "jitter": row([steps_of(jitter)], images),
        "jitter, own orders": row([steps_of(jitter, own_orders=True)], images, kornia=False),
        "blur": row([steps_of(GaussianBlur(p=1.0))], images),
    }
    for name in ("crop_small_colour_distortion", "simclr"):
        rows[name] = row(stack(name), images)
        rows[f"{name}, from uint8"] = row(stack(name), levels)
    return rows


def batched(x: Any, steps: list[dict[str, Any]]) -> Any:
    from causal_ssl.views.augmentations._pipeline import run

    return run(x, [(step["augmentation"], step["record"]) for step in steps])


def with_kornia(x: Any, steps: list[dict[str, Any]]) -> Any:
    """The same by Kornia's functions, as its modules call them, on the samples of each step."""
    import torch

    x = x.float() / 255 if x.dtype == torch.uint8 else x
    for step in steps:
        augmentation, record = step["augmentation"], step["record"]
        function = KORNIA[type(augmentation).__name__]
        if "applied" not in record.values:
            x = function(x, augmentation, record)
        else:
            chosen = record["applied"].to(x.device)
            x = x.clone()
            x[chosen] = function(
                x[chosen], augmentation, record.rows(record["applied"].nonzero()[:, 0])
            )
    return x


def kornia_crop(x: Any, crop: Any, record: Any) -> Any:
    import torch
    from kornia.geometry.transform import crop_by_indices

    top, left, height, width = (record[name] for name in crop.names)
    right, bottom = left + width - 1, top + height - 1
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    box = torch.stack([torch.stack(corner, dim=1) for corner in corners], dim=1)
    return crop_by_indices(
        x,
        box.to(x.device).float(),
        tuple(x.shape[-2:]),
        interpolation="bilinear",
        align_corners=False,
    )


def kornia_jitter(x: Any, jitter: Any, record: Any) -> Any:
    import math

    from kornia import enhance

    factors = record["factors"].to(x.device)
    operations = (
        enhance.adjust_brightness_accumulative,
        enhance.adjust_contrast_with_mean_subtraction,
        enhance.adjust_saturation_with_gray_subtraction,
        lambda x, turns: enhance.adjust_hue(x, 2 * math.pi * turns),
    )
    for operation in record["order"][0].tolist():
        x = operations[operation](x, factors[:, operation])
    return x


def kornia_blur(x: Any, blur: Any, record: Any) -> Any:
    from kornia.filters import gaussian_blur2d

    kernel = 2 * blur.radius(x.shape[-2:]) + 1
    sigma = record["sigma"].to(x.device)[:, None].expand(-1, 2)
    return gaussian_blur2d(x, (kernel, kernel), sigma, border_type="reflect")


def kornia_greyscale(x: Any, *_: Any) -> Any:
    from kornia.color import rgb_to_grayscale

    return rgb_to_grayscale(x).expand(-1, 3, -1, -1)


def kornia_flip(x: Any, *_: Any) -> Any:
    from kornia.geometry.transform import hflip

    return hflip(x)


def kornia_normalise(x: Any, normalise: Any, _: Any) -> Any:
    import torch
    from kornia.enhance import normalize

    return normalize(x, torch.tensor(normalise.mean), torch.tensor(normalise.std))


KORNIA: dict[str, Callable[[Any, Any, Any], Any]] = {
    "RandomResizedCrop": kornia_crop,
    "ColourJitter": kornia_jitter,
    "GaussianBlur": kornia_blur,
    "Greyscale": kornia_greyscale,
    "HorizontalFlip": kornia_flip,
    "Normalise": kornia_normalise,
}


def image_by_image(x: Any, steps: list[dict[str, Any]]) -> Any:
    """The same by torchvision's functions, one image at a time; float32 before colours change."""
    import torch

    views = []
    for i, image in enumerate(x):
        for step in steps:
            record = step["record"]
            if "applied" not in record.values or record["applied"][i]:
                function = TORCHVISION[type(step["augmentation"]).__name__]
                image = function(image, step["augmentation"], record, i)
        views.append(image)
    return torch.stack(views)


def as_float(image: Any) -> Any:
    import torch

    return image.float() / 255 if image.dtype == torch.uint8 else image


def torchvision_crop(image: Any, crop: Any, record: Any, i: int) -> Any:
    from torchvision.transforms.v2 import functional

    box = [record[name][i].item() for name in crop.names]
    return functional.resized_crop(image, *box, list(image.shape[-2:]), antialias=True)


def torchvision_jitter(image: Any, jitter: Any, record: Any, i: int) -> Any:
    from torchvision.transforms.v2 import functional

    image = as_float(image)
    operations = (
        functional.adjust_brightness,
        functional.adjust_contrast,
        functional.adjust_saturation,
        functional.adjust_hue,
    )
    factors = record["factors"][i].tolist()
    for operation in record["order"][i].tolist():
        image = operations[operation](image, factors[operation])
    return image


def torchvision_blur(image: Any, blur: Any, record: Any, i: int) -> Any:
    from torchvision.transforms.v2 import functional

    kernel = 2 * blur.radius(image.shape[-2:]) + 1
    return functional.gaussian_blur(as_float(image), [kernel, kernel], [record["sigma"][i].item()])


def torchvision_greyscale(image: Any, *_: Any) -> Any:
    from torchvision.transforms.v2 import functional

    return functional.rgb_to_grayscale(as_float(image), num_output_channels=3)


def torchvision_flip(image: Any, *_: Any) -> Any:
    from torchvision.transforms.v2 import functional

    return functional.horizontal_flip(image)


def torchvision_normalise(image: Any, normalise: Any, *_: Any) -> Any:
    from torchvision.transforms.v2 import functional

    return functional.normalize(as_float(image), list(normalise.mean), list(normalise.std))


TORCHVISION: dict[str, Callable[..., Any]] = {
    "RandomResizedCrop": torchvision_crop,
    "ColourJitter": torchvision_jitter,
    "GaussianBlur": torchvision_blur,
    "Greyscale": torchvision_greyscale,
    "HorizontalFlip": torchvision_flip,
    "Normalise": torchvision_normalise,
}


if __name__ == "__main__":
    main()
