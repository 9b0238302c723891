"""`causal-ssl data check|pack DIR`: images looked at, or packed, before they are trained on."""

import sys
from pathlib import Path

from causal_ssl.cli.words import chosen, fail
from causal_ssl.errors import InputError
from causal_ssl.experiments import options
from causal_ssl.parser import Parser

ACTIONS = {
    "check": "count classes and images, and find those that cannot be read",
    "pack": "resize all images once, into one mapped file a split",
}
ABOUT = "Look at a folder of images, or pack it, before training on it."
EXAMPLES = """examples:
  causal-ssl data check imagenet
  causal-ssl data check imagenet --sample 10000
  causal-ssl data pack imagenet --size 256 --out imagenet-256"""


def run(given: list[str], words: list[str]) -> None:
    """Check a folder of images, or pack it."""
    action = chosen(given, words, "action", ACTIONS, about=ABOUT, examples=EXAMPLES)
    (_check if action == "check" else _pack)(given[1:], words)


def _check(given: list[str], words: list[str]) -> None:
    parser = Parser("data check", "Find what is wrong with a folder of images.", EXAMPLES)
    parser.add_argument("root", metavar="DIR", help="train/CLASS/*.jpg and val/CLASS/*.jpg, ...")
    parser.add_argument(
        "--sample", metavar="N", type=int, help="read so many images, drawn at random; else all"
    )
    _add_workers(parser)
    asked = parser.parse_args(given)
    workers = options.workers(asked.workers)

    from rich.console import Console

    from causal_ssl.datasets.images.check import check
    from causal_ssl.datasets.images.skipping import FILE, write_unreadable
    from causal_ssl.experiments.watching import watching

    with watching(Console(stderr=True)) as watcher:
        report = check(asked.root, sample=asked.sample, workers=workers, watcher=watcher)
    print(report)
    if report.unreadable:
        listed = Path(asked.root) / FILE
        write_unreadable(listed, report.unreadable)
        print(
            f"listed in {listed}; `--on-corrupt skip` leaves them out, of `causal-ssl pretrain`, "
            "`causal-ssl evaluate` and `causal-ssl data pack`"
        )
    sys.exit(0 if report.ok else 1)


def _add_workers(parser: Parser) -> None:
    text = "threads; auto: one per core (default: auto)"
    parser.add_argument("--workers", metavar="N", default=options.AUTO, help=text)


def _pack(given: list[str], words: list[str]) -> None:
    about = "Resize all images once, into one mapped file a split; repeat the command to continue."
    parser = Parser("data pack", about, EXAMPLES)
    parser.add_argument("root", metavar="DIR", help="train/CLASS/*.jpg and val/CLASS/*.jpg, ...")
    parser.add_argument("--out", metavar="DIR", help="folder to make (default: DIR-SIZE)")
    parser.add_argument(
        "--size", metavar="N", type=int, default=256, help="pixels a side (default: 256)"
    )
    parser.add_argument(
        "--on-corrupt",
        metavar="{error,skip}",
        default="error",
        help="an image that cannot be read; skip: those that `data check` listed (default: error)",
    )
    _add_workers(parser)
    asked = parser.parse_args(given)
    workers = options.workers(asked.workers)
    out = Path(asked.out or f"{asked.root.rstrip('/')}-{asked.size}")
    if out.resolve() == Path(asked.root).resolve():
        raise InputError(f"--out {out} is the folder of the images itself: name another one")

    from rich.console import Console

    from causal_ssl.datasets.space import Stopped
    from causal_ssl.experiments.packing import pack_splits
    from causal_ssl.experiments.watching import watching

    try:
        with watching(Console(stderr=True)) as watcher:
            made = pack_splits(
                asked.root,
                out,
                asked.size,
                on_corrupt=asked.on_corrupt,
                workers=workers,
                watcher=watcher,
            )
    except Stopped as error:
        fail(words, f"{error}\nwhat is finished is kept: repeat the command to continue", 1)
    for folder in made:
        print(folder)
