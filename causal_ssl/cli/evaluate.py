"""`causal-ssl evaluate NAME`: every field of the evaluation's config is an option."""

from importlib import import_module
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from causal_ssl.cli.fields import add_fields, add_run, from_file, given_values, preset_titles
from causal_ssl.cli.words import chosen, fail, sentence
from causal_ssl.experiments import options
from causal_ssl.experiments.catalogue import preset
from causal_ssl.experiments.evaluation.catalogue import EVALUATIONS
from causal_ssl.parser import Parser

ABOUT = "Say what an encoder is worth."
EXAMPLES = """examples:
  causal-ssl evaluate linear --checkpoint runs/x --data-root imagenet --out runs/x-linear
  causal-ssl evaluate linear --checkpoint runs/x --data-root imagenet --preset relic-paper
  causal-ssl evaluate knn --checkpoint resnet50.pth --data-root imagenet --out runs/r50-knn
  causal-ssl evaluate robustness --checkpoint runs/x --probe runs/x-linear --suite-root sets
  causal-ssl evaluate semi --checkpoint runs/x --data-root imagenet --subset 1percent.txt
  causal-ssl evaluate invariance --checkpoint runs/x --data-root imagenet --out runs/x-invariance"""
MORE = """
An interrupted evaluation continues when its command is repeated. A value comes from the command
line, else from --config, else from --preset."""
DEFAULT = "standard"


def run(given: list[str], words: list[str]) -> None:
    """Evaluate an encoder, or continue to."""
    titles = {name: title for name, (title, _) in EVALUATIONS.items()}
    name = chosen(given, words, "evaluation", titles, about=ABOUT, examples=EXAMPLES)
    parser = evaluate_parser(name)
    asked = parser.parse_args(given[1:])
    config = options.from_dict(EVALUATIONS[name][1], evaluate_values(name, parser, asked))
    out = Path(asked.out or f"runs/evaluation/{name}-{Path(config.checkpoint).stem}")

    from rich.console import Console

    from causal_ssl.datasets.space import Stopped
    from causal_ssl.experiments.evaluation import runs
    from causal_ssl.training.images import NonFiniteError

    runs.check(config, out)
    evaluation: Any = import_module(f"causal_ssl.experiments.evaluation.{name}.evaluation")
    try:
        evaluation.evaluate(config, out, console=Console())
    except NonFiniteError as error:
        fail(words, str(error), 1)
    except Stopped as error:
        fail(words, f"{error}\nwhat is finished is kept: repeat the command to continue", 1)


def evaluate_parser(name: str) -> Parser:
    """The parser of an evaluation's options."""
    title, config = EVALUATIONS[name]
    parser = Parser(f"evaluate {name}", sentence(title), EXAMPLES + MORE)
    parser.usage = f"causal-ssl evaluate {name} [options]"
    study = f"evaluation-{name}"
    where = f"runs/evaluation/{name}-CHECKPOINT"
    add_run(parser, preset=DEFAULT, known=preset_titles(study), out=where)
    fields = parser.add_argument_group("in place of the preset's values")
    usual = options.flatten(options.to_dict(config())) | preset(study, DEFAULT)
    add_fields(fields, config, usual)
    return parser


def evaluate_values(name: str, parser: Parser, asked: Namespace) -> dict[str, Any]:
    """Of the preset, over it the config file's, over it the options'."""
    study, config = f"evaluation-{name}", EVALUATIONS[name][1]
    values = preset(study, asked.preset)
    if asked.config is not None:
        values |= from_file(parser, Path(asked.config), config, stamps={"study": study})
    return values | given_values(asked, config)
