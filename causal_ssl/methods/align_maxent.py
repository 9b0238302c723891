"""AlignMaxEnt, the objective of theorem 4.4 itself, on outputs in the unit cube."""

from causal_ssl.methods.registry import Method, register
from causal_ssl.objectives import AlignMaxEnt

register(
    Method(
        name="align_maxent",
        title="AlignMaxEnt",
        summary="views agree and outputs fill the unit cube",
        citation="Von Kuegelgen et al. 2021, arXiv 2106.04619",
        objective_class=AlignMaxEnt,
        output="sigmoid",
    )
)
