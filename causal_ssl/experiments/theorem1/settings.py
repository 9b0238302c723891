"""The six settings of the study, for a reader: where the bound must hold, and three controls."""

from dataclasses import dataclass

from causal_ssl.errors import unknown_name


@dataclass(frozen=True)
class Setting:
    """A kind of random model, `causal_ssl.analysis.theorem1_settings` draws it.

    Attributes:
        name: as in tables and on the command line.
        title: for tables.
        short: for figures.
        task: what the task is of the proxy, as a clause.
        must_hold: whether the theorem's premise holds, so that no model may violate the bound.
        failure: why it can be violated, as a sentence; "" where it cannot.
    """

    name: str
    title: str
    short: str
    task: str
    must_hold: bool
    failure: str = ""


_ALL = (
    Setting(
        "refinement",
        "Refinement",
        "refinement",
        "the task merges classes of the proxy",
        must_hold=True,
    ),
    Setting(
        "channel",
        "Channel",
        "channel",
        "the task is the proxy through a noisy channel",
        must_hold=True,
    ),
    Setting(
        "entangled_representation",
        "Entangled representation",
        "entangled f",
        "the task is a coarsening or a channel of the proxy, and f = c xor s",
        must_hold=True,
    ),
    Setting(
        "not_a_refinement",
        "Not a refinement",
        "not a refinement",
        "the task separates what the proxy merges",
        must_hold=False,
        failure="The proxy merges values of content that the task tells apart, so what style does"
        " to them is invisible in the proxy.",
    ),
    Setting(
        "channel_depends_on_style",
        "Channel depends on style",
        "style in channel",
        "the task is the proxy through a channel that style moves",
        must_hold=False,
        failure="Given the proxy, the task still depends on style: its law moves where the proxy's"
        " does not.",
    ),
    Setting(
        "hidden_channel",
        "Hidden channel",
        "hidden channel",
        "the task needs content beyond the proxy, which f holds mixed with style",
        must_hold=False,
        failure="The task follows a part of content that the proxy does not see and that f holds"
        " entangled with style. Given the proxy alone the task's law is the same under every"
        " intervention; given f as well it is not.",
    ),
)
SETTINGS = {setting.name: setting for setting in _ALL}


def get(name: str) -> Setting:
    """The setting of that name.

    Raises:
        InputError: there is none; the message names the nearest.

    Examples:
        >>> get("channel").must_hold
        True
    """
    if name not in SETTINGS:
        raise unknown_name("setting", name, SETTINGS)
    return SETTINGS[name]
