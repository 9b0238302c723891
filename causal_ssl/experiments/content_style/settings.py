"""The four settings of the numerical study: what the worlds of each have in common."""

from dataclasses import dataclass

from causal_ssl.errors import unknown_name


@dataclass(frozen=True)
class Setting:
    """One row of table 1 of arXiv:2106.04619.

    Attributes:
        name: as in tables and on the command line.
        title: for tables.
        short: for figures; p is p(change).
        p_change: probability with which each style dimension changes between the views.
        statistical: covariances drawn from a Wishart law instead of the identity.
        causal: style depends on content, s | c ~ N(a + B c, Sigma_s).
    """

    name: str
    title: str
    short: str
    p_change: float
    statistical: bool
    causal: bool

    @property
    def dependent(self) -> bool:
        """Whether latents depend on each other, so that scores vary from world to world."""
        return self.statistical or self.causal


_ALL = (
    Setting("p1", "p(change) = 1", "p = 1", 1.0, statistical=False, causal=False),
    Setting("p075", "p(change) = 0.75", "p = 0.75", 0.75, statistical=False, causal=False),
    Setting(
        "p075_statistical",
        "p(change) = 0.75, statistical dependence",
        "p = 0.75, statistical",
        0.75,
        statistical=True,
        causal=False,
    ),
    Setting(
        "p075_statistical_causal",
        "p(change) = 0.75, statistical and causal dependence",
        "p = 0.75, stat. + causal",
        0.75,
        statistical=True,
        causal=True,
    ),
)
SETTINGS = {setting.name: setting for setting in _ALL}


def get(name: str) -> Setting:
    """The setting of that name.

    Raises:
        InputError: there is none; the message names the nearest.

    Examples:
        >>> get("p075").p_change
        0.75
    """
    if name not in SETTINGS:
        raise unknown_name("setting", name, SETTINGS)
    return SETTINGS[name]
