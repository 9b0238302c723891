"""What the reports of all studies share: a drawn page, its figures, how to make it again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from matplotlib.figure import Figure
from rich.console import RenderableType

from causal_ssl.analysis import plots
from causal_ssl.analysis.report import Code, Details, Picture, Report, Section, Text, render
from causal_ssl.experiments import options, reproduce
from causal_ssl.experiments.config import StudyConfig


@dataclass(frozen=True)
class Drawn:
    """A report, its pictures by name, and the summary for a terminal."""

    html: str
    pictures: dict[str, bytes]
    terminal: RenderableType


def drawn(report: Report, terminal: RenderableType) -> Drawn:
    """The page of a report."""
    return Drawn(render(report), report.pictures(), terminal)


def picture(name: str, figure: Figure, caption: str, alt: str = "") -> Picture:
    """A figure as wide on the page as it was drawn, in proportion to the others.

    Args:
        name: of its file, without ending.
        figure: drawn at most `plots.WIDTH` inches wide.
        caption: what is shown.
        alt: for who cannot see it; the caption's first sentence when left out.
    """
    width = round(100 * figure.get_figwidth() / plots.WIDTH)
    return Picture(
        name, plots.png(figure), caption, alt or caption.split(".")[0], width=min(width, 100)
    )


def reproduction(config: StudyConfig, environment: Mapping[str, Any]) -> Section:
    """The command that makes a study's report again, with what it ran on."""
    return reproduced_by(reproduce.command(config), config, environment)


def reproduced_by(command: str, config: Any, environment: Mapping[str, Any]) -> Section:
    """A command that makes a report again, its options, and what it ran on."""
    config_text = yaml.safe_dump(options.to_dict(config), sort_keys=False)
    environment_text = yaml.safe_dump(dict(environment), sort_keys=False)
    return Section(
        "Reproduce",
        [
            Code(command),
            Text("An interrupted run continues when its command is repeated."),
            Details("Configuration", [Code(config_text)]),
            Details("Environment", [Code(environment_text)]),
        ],
    )


def footer(environment: Mapping[str, Any]) -> str:
    """Version and revision, for a page's last line."""
    packages = environment["packages"]
    revision = str(environment.get("git_revision", ""))[:12]
    shown = f", revision {revision}" if revision else ""
    return f"causal-ssl {packages.get('causal-ssl')}{shown}, torch {packages.get('torch')}"
