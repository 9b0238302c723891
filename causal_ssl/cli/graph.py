"""`causal-ssl graph MODEL`: the causal graph of a model as a figure."""

from causal_ssl.cli.words import chosen
from causal_ssl.experiments import graphs
from causal_ssl.parser import Parser

EXAMPLES = """examples:
  causal-ssl graph causal3dident
  causal-ssl graph content_style --out figures/process.png"""


def run(given: list[str], words: list[str]) -> None:
    """Draw the causal graph of a model."""
    about = "Draw the causal graph of a model."
    name = chosen(given, words, "model", graphs.GRAPHS, about=about, examples=EXAMPLES)
    about = f"Draw the causal graph of {graphs.GRAPHS[name]}."
    parser = Parser(f"graph {name}", about, EXAMPLES)
    parser.usage = f"causal-ssl graph {name} [options]"
    parser.add_argument(
        "--out", metavar="FILE", default=f"{name}.png", help=f"PNG to write (default: {name}.png)"
    )
    print(graphs.draw(name, parser.parse_args(given[1:]).out))
