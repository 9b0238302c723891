"""`causal-ssl pretrain METHOD`: every field of `Pretraining` is an option."""

from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from causal_ssl.cli.fields import add_fields, add_run, from_file, given_values, preset_titles
from causal_ssl.cli.words import fail
from causal_ssl.errors import InputError
from causal_ssl.experiments import options
from causal_ssl.experiments.catalogue import preset
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.parser import Parser

EXAMPLES = """examples:
  causal-ssl pretrain relic --preset imagenet-resnet50 --data-root imagenet --dry-run
  torchrun --nproc-per-node 8 -m causal_ssl pretrain relic --data-root imagenet
  causal-ssl pretrain relic_t --preset imagenet-resnet50-1gpu --data-root imagenet
  causal-ssl pretrain byol --preset causal3dident-resnet18 --data-root sets/causal3dident
  causal-ssl pretrain relic --preset fashion-small --data-root /usr/share/datasets/fashion-mnist

`causal-ssl methods` lists the methods. An interrupted run continues when its command is repeated.
A value comes from the command line, else from --config, else from --preset, else from the method's
recipe."""
DEFAULT = "imagenet-resnet50"


def run(given: list[str], words: list[str]) -> None:
    """Train an image encoder with a method, or continue to."""
    parser = pretrain_parser()
    asked = parser.parse_args(given)
    if asked.method is None:
        raise InputError("no method: name one, such as relic (`causal-ssl methods` lists them)")
    words.append(asked.method)
    out = Path(asked.out or f"runs/pretraining/{asked.preset}-{asked.method}")

    from rich.console import Console

    from causal_ssl.datasets.space import Stopped
    from causal_ssl.experiments.pretraining import dry_run
    from causal_ssl.experiments.pretraining.plan import asked_for
    from causal_ssl.experiments.pretraining.run import opened, pretrain
    from causal_ssl.training.images import LostProcessError, NonFiniteError

    config = asked_for(asked.method, asked.preset, **pretrain_values(parser, asked))
    console = Console()
    if asked.dry_run_images is not None and not asked.dry_run:
        raise InputError("--dry-run-images is of a dry run: give --dry-run too")
    if asked.dry_run:
        images, plan = opened(asked.method, config, console=console, as_if=asked.dry_run_images)
        print(dry_run.as_lines(dry_run.dry_run(plan, config, images)))
        return
    try:
        pretrain(asked.method, config, out, console=console)
    except (NonFiniteError, LostProcessError) as error:
        fail(words, str(error), 1)
    except Stopped as error:
        fail(words, f"{error}\nwhat is finished is kept: repeat the command to continue", 1)


def pretrain_parser() -> Parser:
    """The parser of its options."""
    about = "Train an image encoder with a method, or continue to."
    parser = Parser("pretrain", about, EXAMPLES)
    parser.usage = "causal-ssl pretrain METHOD [options]"
    parser.add_argument("method", metavar="METHOD", nargs="?", help="of `causal-ssl methods`")
    titles = preset_titles("pretraining")
    group = add_run(parser, preset=DEFAULT, known=titles, out="runs/pretraining/PRESET-METHOD")
    group.add_argument(
        "--dry-run",
        action="store_true",
        help="take a few steps and estimate time, memory and disk of the whole run",
    )
    group.add_argument(
        "--dry-run-images",
        metavar="N",
        type=int,
        help="as if there were so many images, where only a few of the set are at hand",
    )
    fields = parser.add_argument_group("in place of the preset's or the method's values")
    usual = options.flatten(options.to_dict(Pretraining())) | preset("pretraining", DEFAULT)
    add_fields(fields, Pretraining, usual)
    return parser


def pretrain_values(parser: Parser, asked: Namespace) -> dict[str, Any]:
    """Values of the config file, and over them the options'."""
    from causal_ssl.experiments.pretraining.plan import over

    flat: dict[str, Any] = {}
    if asked.config is not None:
        stamps = {"study": "pretraining", "method": asked.method}
        flat = from_file(parser, Path(asked.config), Pretraining, stamps=stamps)
    return over(flat, given_values(asked, Pretraining))
