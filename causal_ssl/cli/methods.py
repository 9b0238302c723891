"""`causal-ssl methods [NAME]`: the registry of methods."""

from causal_ssl.parser import Parser

EXAMPLES = """examples:
  causal-ssl methods
  causal-ssl methods relic_t"""


def run(given: list[str], words: list[str]) -> None:
    """List the methods, or tell all of one."""
    parser = Parser("methods", "List the methods, and how each is pretrained.", EXAMPLES)
    parser.add_argument("name", metavar="NAME", nargs="?", help="tell all of this one")
    parser.add_argument("--markdown", action="store_true", help="the list as a Markdown table")
    asked = parser.parse_args(given)

    from causal_ssl.experiments import methods_table

    if asked.name is not None:
        print(methods_table.described(asked.name))
        return
    rows = methods_table.methods_table()
    if asked.markdown:
        print(methods_table.as_markdown(rows))
        return
    print(f"{methods_table.as_text(rows)}\n\n{methods_table.NOTE}")
    print("`causal-ssl methods NAME` tells all of one.")
