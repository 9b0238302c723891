"""`causal-ssl render NAME`: every field of `RenderOptions` is an option."""

from causal_ssl.cli.fields import metavar
from causal_ssl.cli.words import chosen, fail
from causal_ssl.experiments import options
from causal_ssl.experiments.causal3dident import render
from causal_ssl.parser import Parser, flag

SETS = {"causal3dident": "seven shapes under coloured light; all that made an image is known"}
EXAMPLES = """examples:
  causal-ssl render causal3dident --n-train 700 --n-test 70 --size 128 --out sets/small
  causal-ssl render causal3dident --out sets/pairs --counterfactuals 1 --change hues,positions+hues
  causal-ssl render causal3dident --backend cycles --samples 512 --backend-parallel ray"""


def run(given: list[str], words: list[str]) -> None:
    """Render a set of images, or what is missing of it."""
    about = "Render a set of images in a folder of its own."
    name = chosen(given, words, "set", SETS, about=about, examples=EXAMPLES)
    values = render_parser(name).parse_args(given[1:]).as_dict()
    asked = options.from_dict(render.RenderOptions, values)

    from causal_ssl.datasets.space import Stopped

    try:
        render.run(asked)
    except Stopped as error:
        again = "what is finished is kept: repeat the command to continue"
        fail(words, f"{error}\n{again}", 1)


def render_parser(name: str) -> Parser:
    """The parser of a set's options."""
    about = "Render images in the published layout; repeat the command to continue."
    parser = Parser(f"render {name}", about, EXAMPLES)
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
                metavar=metavar(field, kind),
                help=text,
            )
    return parser
