"""The `causal-ssl` command.

    causal-ssl study numerical --preset quick --out runs/x
    causal-ssl study invariance --worlds causal --relic-alphas 1 10
    causal-ssl render causal3dident --train 700 --test 70 --out sets/small
    causal-ssl report runs/x
    causal-ssl doctor

It parses and calls. What a command needs is imported when it runs, so that help is instant.
"""

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import Namespace

from causal_ssl.errors import InputError, one_of
from causal_ssl.experiments import graphs, options
from causal_ssl.experiments.catalogue import STUDIES, Entry, preset, presets, study_of
from causal_ssl.experiments.causal3dident import render
from causal_ssl.experiments.graphs import GRAPHS
from causal_ssl.parser import Parser, flag

COMMANDS = {
    "study": "run a study, or continue it",
    "render": "render a set of images, or what is missing of it",
    "graph": "draw the causal graph of a model",
    "report": "redraw a run's figures and report from its tables",
    "doctor": "check this installation: versions, devices, optional parts",
}
SETS = {"causal3dident": "seven shapes under coloured light; all that made an image is known"}
EXAMPLES = {
    "": """examples:
  causal-ssl study numerical --preset quick    a few minutes on two cores
  causal-ssl study theorem1 --preset quick     Theorem 1, exactly, in a minute
  causal-ssl study numerical --help            all its options
  causal-ssl report runs/numerical/quick       redraw without rerunning
  causal-ssl doctor""",
    "study": """examples:
  causal-ssl study numerical --preset quick
  causal-ssl study theorem1 --preset quick
  causal-ssl study invariance --preset quick""",
    "render": """examples:
  causal-ssl render causal3dident --train 700 --test 70 --size 128 --out sets/small
  causal-ssl render causal3dident --out sets/pairs --counterfactuals 1 --change hues,positions+hues
  causal-ssl render causal3dident --backend cycles --samples 512 --backend-parallel ray""",
    "graph": """examples:
  causal-ssl graph causal3dident
  causal-ssl graph content_style --out figures/process.png""",
    "report": """example:
  causal-ssl report runs/numerical/quick""",
    "doctor": """example:
  causal-ssl doctor""",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 2 after bad input, 1 after a failure, 130 after Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    words: list[str] = []
    try:
        _dispatch(given, words)
    except InputError as error:
        _fail(words, str(error), 2)
    except KeyboardInterrupt:
        command = shlex.join(["causal-ssl", *given])
        _fail(words, f"interrupted; what is finished is kept. To continue: {command}", 130)


def _fail(words: Sequence[str], message: str, status: int) -> NoReturn:
    print(f"{' '.join(['causal-ssl', *words])}: {message}", file=sys.stderr)
    sys.exit(status)


def _dispatch(given: list[str], words: list[str]) -> None:
    about = "Self-supervised learning seen through causality, on data whose ground truth is known."
    command = _chosen(given, words, "command", COMMANDS, about)
    rest = given[1:]
    if command == "study":
        titles = {name: entry.title for name, entry in STUDIES.items()}
        name = _chosen(rest, words, "study", titles, "Run a study in a directory of its own.")
        _study(study_of(name), rest[1:])
    elif command == "render":
        name = _chosen(rest, words, "set", SETS, "Render a set of images in a folder of its own.")
        _render(name, rest[1:])
    elif command == "graph":
        name = _chosen(rest, words, "model", GRAPHS, "Draw the causal graph of a model.")
        _graph(name, rest[1:])
    elif command == "report":
        _report(rest)
    else:
        _doctor(rest)


def _chosen(
    given: list[str], words: list[str], kind: str, known: Mapping[str, str], description: str
) -> str:
    """The subcommand at the head of `given`, a `kind`; help or an error when it is not one."""
    group = " ".join(words)
    name = given[0] if given else "--help"
    if name in ("-h", "--help"):
        print(_overview(group, known, description))
        sys.exit(0)
    if name == "--version" and not words:
        print(f"causal-ssl {metadata.version('causal-ssl')}")
        sys.exit(0)
    words.append(one_of(kind, name, known))
    return name


def _overview(group: str, known: Mapping[str, str], description: str) -> str:
    width = max(map(len, known)) + 3
    lines = [f"  {name:<{width}}{text}" for name, text in known.items()]
    usage = f"usage: {' '.join(filter(None, ['causal-ssl', group]))} {{{','.join(known)}}} ..."
    return "\n".join([usage, "", description, "", *lines, "", EXAMPLES[group]])


def study_parser(study: Entry) -> Parser:
    """The parser of `causal-ssl study NAME`: every config field is an option."""
    parser = Parser(f"study {study.name}", f"{study.title}.", study.examples)
    parser.usage = f"causal-ssl study {study.name} [options]"
    run = parser.add_argument_group("the run")
    run.add_argument(
        "--preset",
        metavar="NAME",
        default="quick",
        help=f"where values not given come from: {', '.join(presets(study.name))} (default: quick)",
    )
    run.add_argument("--config", metavar="FILE", help="YAML file with config values")
    run.add_argument(
        "--out", metavar="DIR", help=f"the run's own directory (default: runs/{study.name}/PRESET)"
    )
    run.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help="processes (default: one per core); 0: no further ones",
    )
    for name, (text, _) in study.shortcuts.items():
        run.add_argument(f"--{name}", metavar="N", type=int, help=text)
    fields = parser.add_argument_group("the study, with the defaults of the quick preset")
    base = options.flatten(options.to_dict(study.config()))
    for name, field, kind in options.walk(study.config):
        many = getattr(kind, "__origin__", None) is tuple
        each = kind.__args__[0] if many else kind
        default = " ".join(map(str, base[name])) if many else base[name]
        fields.add_argument(
            f"--{flag(name)}",
            type=each,
            nargs="+" if many else None,
            metavar=_metavar(field, each),
            help=f"{field.metadata['help']} (default: {_short(default)})",
        )
    return parser


def _metavar(field: Any, kind: type) -> str:
    choices = field.metadata["choices"]
    if choices and len(choices) <= 3:
        return "{" + ",".join(choices) + "}"
    return {int: "N", float: "X", bool: "BOOL"}.get(kind, "NAME")


def _short(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return re.sub(r"(\.\d{3})\d+", r"\1", str(default))


def _study(study: Entry, given: list[str]) -> None:
    parser = study_parser(study)
    asked = parser.parse_args(given)
    config = options.from_dict(study.config, study_values(parser, study, asked))
    workers = asked.workers
    if workers is not None and workers < 0:
        raise InputError(f"--workers must be at least 0, got {workers}")
    out = Path(asked.out or f"runs/{study.name}/{asked.preset}")

    from causal_ssl.experiments.study import run
    from causal_ssl.experiments.workers import WorkerError

    try:
        run(config, out, workers=workers)
    except WorkerError as error:
        failure = error.failure
        again = "\nwhat is finished is kept, repeat the command to continue"
        _fail(["study", study.name], f"{failure.details}{error}{'' if failure.final else again}", 1)


def study_values(parser: Parser, study: Entry, asked: Namespace) -> dict[str, Any]:
    """Config values, nested: of the preset, over it the config file's, over it the options'."""
    known = [name for name, _, _ in options.walk(study.config)]
    flat = options.flatten(preset(study.name, asked.preset))
    if asked.config is not None:
        flat |= _from_file(parser, study, Path(asked.config), known)
    given = {
        key: value for key, value in options.flatten(asked.as_dict()).items() if value is not None
    }
    own = {key: given[key] for key in known if key in given}
    return options.nest(flat | _expanded(study, given) | own)


def _expanded(study: Entry, values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: values[name]
        for name, (_, keys) in study.shortcuts.items()
        if name in values
        for key in keys
    }


def _from_file(parser: Parser, study: Entry, path: Path, known: list[str]) -> dict[str, Any]:
    import yaml

    try:
        values = yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        raise InputError(f"--config {path} cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise InputError(f"--config {path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise InputError(f"--config {path} holds no keys: write lines such as `n_fit: 1024`")
    if (named := values.pop("study", study.name)) != study.name:
        raise InputError(f"--config {path} is for the study {named!r}, not {study.name!r}")
    flat = options.flatten(values)
    options.refuse_unknown(flat, [*known, *study.shortcuts], where=f"--config {path}")
    checked = options.flatten(parser.parse_object(options.nest(flat)).as_dict())
    return _expanded(study, flat) | {key: checked[key] for key in flat if key in known}


def render_parser(name: str) -> Parser:
    """The parser of `causal-ssl render NAME`: every field of `RenderOptions` is an option."""
    about = "Render images in the published layout; repeat the command to continue."
    parser = Parser(f"render {name}", about, EXAMPLES["render"])
    parser.usage = f"causal-ssl render {name} [options]"
    for key, field, kind in options.walk(render.RenderOptions):
        shown = f" (default: {field.default})" if field.default or kind is int else ""
        text = f"{field.metadata['help']}{shown}"
        if kind is bool:
            parser.add_argument(f"--{flag(key)}", action="store_true", help=text)
        else:
            parser.add_argument(
                f"--{flag(key)}",
                type=kind,
                default=field.default,
                metavar=render.METAVARS.get(key) or _metavar(field, kind),
                help=text,
            )
    return parser


def _render(name: str, given: list[str]) -> None:
    values = render_parser(name).parse_args(given).as_dict()
    chosen = options.from_dict(render.RenderOptions, values)

    from causal_ssl.datasets.causal3dident.scaleout import Stopped

    try:
        render.run(chosen)
    except Stopped as error:
        again = "what is finished is kept: repeat the command to continue"
        _fail(["render", name], f"{error}\n{again}", 1)


def _graph(name: str, given: list[str]) -> None:
    about = f"Draw the causal graph of {GRAPHS[name]}."
    parser = Parser(f"graph {name}", about, EXAMPLES["graph"])
    parser.usage = f"causal-ssl graph {name} [options]"
    parser.add_argument(
        "--out", metavar="FILE", default=f"{name}.png", help=f"PNG to write (default: {name}.png)"
    )
    print(graphs.draw(name, parser.parse_args(given).out))


def _report(given: list[str]) -> None:
    parser = Parser(
        "report", "Redraw a finished run's figures and report from its tables.", EXAMPLES["report"]
    )
    parser.add_argument("directory", metavar="DIR", help="the run's directory, its --out")
    directory = parser.parse_args(given).directory

    from causal_ssl.experiments.study import report

    report(directory)


def _doctor(given: list[str]) -> None:
    about = "Check this installation: versions, devices, optional parts."
    Parser("doctor", about, EXAMPLES["doctor"]).parse_args(given)

    from rich.console import Console

    from causal_ssl.doctor import examine

    console, broken = Console(), False
    marks = {"ok": "[green]ok     [/green]", "missing": "[yellow]missing[/yellow]"}
    for finding in examine():
        broken |= finding.status == "broken"
        mark = marks.get(finding.status, "[red]broken [/red]")
        remedy = f"\n{'':21}-> {finding.remedy}" if finding.remedy else ""
        console.print(f"{mark} {finding.part:<12} ", end="")
        console.print(f"{finding.detail}{remedy}", markup=False, highlight=False, soft_wrap=True)
    console.print("something of the core is broken" if broken else "the core works")
    sys.exit(1 if broken else 0)
