"""Which content/style process: dimensions, how style changes, which dependence there is."""

from dataclasses import dataclass

from causal_ssl.errors import in_range


@dataclass(frozen=True)
class ContentStyleConfig:
    """Which process: dimensions, how style changes, which dependence there is.

    Args:
        n_content: content dimensions.
        n_style: style dimensions.
        p_change: probability that a style dimension changes between views, in (0, 1].
        statistical: dependence within content, within style and within style changes: each of the
            three covariances is a Wishart draw of its own; identity else.
        causal: style depends on content: style | content ~ N(a + B content, .) with entries of a
            and B from N(0, 1); both are 0 else.
        mixing_layers: square layers of the mixing.
        mixing_slope: of LeakyReLU between them.
        mixing_candidates: draws that set the limit on the layers' condition numbers.
        mixing_rank: the limit is the rank-th smallest of these; see `causal_ssl.scm.draw_mixing`.

    Raises:
        InputError: a value out of range.
    """

    n_content: int = 5
    n_style: int = 5
    p_change: float = 1.0
    statistical: bool = False
    causal: bool = False
    mixing_layers: int = 3
    mixing_slope: float = 0.2
    mixing_candidates: int = 24_975
    mixing_rank: int = 1

    def __post_init__(self) -> None:
        for name in ("n_content", "n_style", "mixing_layers", "mixing_candidates"):
            in_range(name, getattr(self, name), at_least=1)
        in_range("mixing_rank", self.mixing_rank, at_least=1, at_most=self.mixing_candidates)
        in_range("p_change", self.p_change, above=0, at_most=1)
        in_range("mixing_slope", self.mixing_slope, above=0)
