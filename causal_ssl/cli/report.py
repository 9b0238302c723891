"""`causal-ssl report DIR`: a finished run's figures and report, drawn again."""

from causal_ssl.parser import Parser


def run(given: list[str], words: list[str]) -> None:
    """Redraw a run's figures and report from its tables."""
    about = "Redraw a finished run's figures and report from its tables."
    parser = Parser("report", about, "example:\n  causal-ssl report runs/numerical/quick")
    parser.add_argument("directory", metavar="DIR", help="the run's directory, its --out")
    directory = parser.parse_args(given).directory

    from causal_ssl.experiments.study import report

    report(directory)
