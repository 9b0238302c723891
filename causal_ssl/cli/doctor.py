"""`causal-ssl doctor`: what of the installation works."""

import sys

from causal_ssl.parser import Parser


def run(given: list[str], words: list[str]) -> None:
    """Check this installation: versions, devices, optional parts."""
    about = "Check this installation: versions, devices, optional parts."
    Parser("doctor", about, "example:\n  causal-ssl doctor").parse_args(given)

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
