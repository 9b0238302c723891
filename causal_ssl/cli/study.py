"""`causal-ssl study NAME`: every config field of the study is an option."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from causal_ssl.cli.fields import add_fields, add_run, from_file, given_values
from causal_ssl.cli.words import chosen, fail, sentence
from causal_ssl.experiments import options
from causal_ssl.experiments.catalogue import STUDIES, Entry, preset, presets, study_of
from causal_ssl.parser import Parser

EXAMPLES = """examples:
  causal-ssl study numerical --preset quick
  causal-ssl study theorem1 --preset quick
  causal-ssl study invariance --preset quick"""


def run(given: list[str], words: list[str]) -> None:
    """Run a study, or continue it."""
    titles = {name: entry.title for name, entry in STUDIES.items()}
    about = "Run a study in a directory of its own."
    study = study_of(chosen(given, words, "study", titles, about=about, examples=EXAMPLES))
    parser = study_parser(study)
    asked = parser.parse_args(given[1:])
    config = options.from_dict(study.config, study_values(parser, study, asked))
    workers = options.workers(asked.workers, at_least=0)
    out = Path(asked.out or f"runs/{study.name}/{asked.preset}")

    from causal_ssl.experiments import study as studies
    from causal_ssl.experiments.workers import WorkerError

    try:
        studies.run(config, out, workers=workers)
    except WorkerError as error:
        failure = error.failure
        again = "\nwhat is finished is kept, repeat the command to continue"
        fail(words, f"{failure.details}{error}{'' if failure.final else again}", 1)


def study_parser(study: Entry) -> Parser:
    """The parser of a study's options."""
    parser = Parser(f"study {study.name}", sentence(study.title), study.examples)
    parser.usage = f"causal-ssl study {study.name} [options]"
    known = f"There are {', '.join(presets(study.name))}"
    group = add_run(parser, preset="quick", known=known, out=f"runs/{study.name}/PRESET")
    group.add_argument(
        "--workers",
        metavar="N",
        default=options.AUTO,
        help="processes; auto: one per core; 0: no further ones (default: auto)",
    )
    for name, (text, _) in study.shortcuts.items():
        group.add_argument(f"--{name}", metavar="N", type=int, help=text)
    fields = parser.add_argument_group("the study, with the defaults of the quick preset")
    add_fields(fields, study.config, options.flatten(options.to_dict(study.config())))
    return parser


def study_values(parser: Parser, study: Entry, asked: Namespace) -> dict[str, Any]:
    """Config values, nested: of the preset, over it the config file's, over it the options'."""

    def expanded(values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: values[name]
            for name, (_, keys) in study.shortcuts.items()
            if values.get(name) is not None
            for key in keys
        }

    flat = options.flatten(preset(study.name, asked.preset))
    if asked.config is not None:
        flat |= from_file(
            parser,
            Path(asked.config),
            study.config,
            stamps={"study": study.name},
            shortcuts=list(study.shortcuts),
            expanded=expanded,
        )
    return options.nest(flat | expanded(asked.as_dict()) | given_values(asked, study.config))
