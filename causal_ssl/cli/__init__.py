"""The `causal-ssl` command.

    causal-ssl study numerical --preset quick --out runs/x
    causal-ssl render causal3dident --n-train 700 --n-test 70 --out sets/small
    causal-ssl pretrain relic --preset fashion-small --data-root DIR
    causal-ssl evaluate linear --checkpoint runs/x --data-root DIR
    causal-ssl report runs/x
    causal-ssl doctor

A command is a module here that parses and calls. What it needs is imported when it runs, so that
help is instant.
"""

import shlex
import sys
from collections.abc import Sequence
from importlib import import_module, metadata

from causal_ssl.cli.words import chosen, fail
from causal_ssl.errors import InputError

COMMANDS = {
    "study": "run a study, or continue it",
    "pretrain": "train an image encoder with a method, or continue to",
    "evaluate": "say what an encoder is worth: probes, fine-tuning, robustness",
    "methods": "list the methods, and how each is pretrained",
    "data": "check a folder of images, or pack it for slow disks",
    "render": "render a set of images, or what is missing of it",
    "graph": "draw the causal graph of a model",
    "report": "redraw a run's figures and report from its tables",
    "doctor": "check this installation: versions, devices, optional parts",
}
EXAMPLES = """examples:
  causal-ssl study numerical --preset quick    a few minutes on two cores
  causal-ssl study theorem1 --preset quick     Theorem 1, exactly, in a minute
  causal-ssl study numerical --help            all its options
  causal-ssl pretrain relic --help             training on images, up to ImageNet
  causal-ssl report runs/numerical/quick       redraw without rerunning
  causal-ssl doctor"""
ABOUT = "Self-supervised learning seen through causality, on data whose ground truth is known."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 2 after bad input, 1 after a failure, 130 after Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    words: list[str] = []
    try:
        if given == ["--version"]:
            print(f"causal-ssl {metadata.version('causal-ssl')}")
            sys.exit(0)
        command = chosen(given, words, "command", COMMANDS, about=ABOUT, examples=EXAMPLES)
        import_module(f"causal_ssl.cli.{command}").run(given[1:], words)
    except InputError as error:
        fail(words, str(error), 2)
    except KeyboardInterrupt:
        again = shlex.join(["causal-ssl", *given])
        fail(words, f"interrupted; what is finished is kept. To continue: {again}", 130)
