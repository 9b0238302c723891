"""What images say of a behaviour when seen, against what they do to it: two partitions, exactly.

observational_partition(scm)   # i ~ j iff P(T | I = i) = P(T | I = j)
causal_partition(scm)          # i ~ j iff P(T | do(I = i)) = P(T | do(I = j))

A hidden H may cause both the image I and the target behaviour T, so that seeing an image tells of H
and setting it does not. The Causal Coarsening Theorem (Chalupka, Perona and Eberhardt 2015,
arXiv:1412.2309) says that almost always the observational partition refines the causal one: images
that are alike when seen are alike in what they do. "Almost" because a confounder can cancel a
difference of effects exactly, as in `cancelling_model`; "refines" because it can also set images of
equal effect apart. `causal_ssl.scm.random_coarsening` draws models that show both.

Laws are compared in fractions: in floats equal laws differ by rounding, and a tolerance would
decide.
"""

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from causal_ssl.errors import InputError
from causal_ssl.partitions import Partition
from causal_ssl.scm.finite import FiniteSCM, Table


def observational_partition(scm: FiniteSCM, *, image: str = "I", target: str = "T") -> Partition:
    """Images together iff the target has the same law given that either is seen.

    Args:
        scm: a model in fractions.
        image: the variable whose values are partitioned.
        target: the behaviour.

    Returns:
        Of the image's values 0..k-1, as many samples as there are values.

    Raises:
        InputError: a model in floats, an image of probability 0, an unknown variable.

    Chalupka et al. 2015 (arXiv:1412.2309), Definition 1.

    Examples:
        A symptom of H that does nothing to T: seen, it tells of T; set, it does not.

        >>> rare, often = [Fraction(3, 4), Fraction(1, 4)], [Fraction(1, 4), Fraction(3, 4)]
        >>> symptom = FiniteSCM(
        ...     {
        ...         "H": [Fraction(1, 2), Fraction(1, 2)],
        ...         "I": Table(("H",), [rare, often]),
        ...         "T": Table(("H",), [rare, often]),
        ...     }
        ... )
        >>> symptom.conditional("T", given="I")[:, 1].tolist()
        [Fraction(3, 8), Fraction(5, 8)]
        >>> observational_partition(symptom).labels.tolist()
        [0, 1]
        >>> causal_partition(symptom).labels.tolist()
        [0, 0]
    """
    _refuse_floats(scm)
    unseen = np.flatnonzero(scm.joint(image) == 0)
    if len(unseen):
        raise InputError(
            f"{image} = {unseen[0]} has probability 0, so that no law of {target} given it is "
            "defined: leave it out of the domain, or give it a probability"
        )
    return _by_law(scm.conditional(target, given=image))


def causal_partition(scm: FiniteSCM, *, image: str = "I", target: str = "T") -> Partition:
    """Images together iff the target has the same law whichever of them is set.

    Args, Returns and Raises as `observational_partition`, but an image may have probability 0.

    Chalupka et al. 2015, Definition 3, where do is called man.
    """
    _refuse_floats(scm)
    # A fair experiment: with the image drawn by nobody but us, seeing it is setting it.
    n = scm.joint(image).size
    experiment = scm.do(**{image: _exact([Fraction(1, n)] * n)})
    return _by_law(experiment.conditional(target, given=image))


def cancelling_model(nudge: Fraction | int = 0) -> FiniteSCM:
    """Two images of different effect that are alike when seen: the exception to the theorem.

    H is a fair coin and causes both; image 0 leaves T alone and image 1 does not:

        P(I = 1 | H = 0) = 1/4          P(T = 1 | I = 0, H) = 1/2
        P(I = 1 | H = 1) = 3/4          P(T = 1 | I = 1, H = 0) = 4/5
                                        P(T = 1 | I = 1, H = 1) = 2/5 + nudge

    Set, image 1 gives P(T = 1 | do(I = 1)) = (4/5 + 2/5) / 2 = 3/5, image 0 gives 1/2. Seen, image
    1 speaks for H = 1 by 3 to 1: P(T = 1 | I = 1) = 1/4 * 4/5 + 3/4 * 2/5 = 1/2, as for image 0.
    The observational partition merges what the causal one separates. Given the other parameters, it
    takes this one value of the last: any nudge, however small, adds 3/4 of itself to
    P(T = 1 | I = 1) and restores the refinement. At a nudge of -1/5 effects are equal, and the
    observational partition is strictly finer.

    Args:
        nudge: added to P(T = 1 | I = 1, H = 1), in [-2/5, 3/5].

    Returns:
        Variables H, I, T with two values each, in fractions.

    Raises:
        InputError: a nudge that leaves no probability.

    Examples:
        >>> scm = cancelling_model()
        >>> scm.conditional("T", given="I")[:, 1].tolist()
        [Fraction(1, 2), Fraction(1, 2)]
        >>> [scm.do(I=i).joint("T")[1] for i in (0, 1)]
        [Fraction(1, 2), Fraction(3, 5)]
        >>> observational_partition(scm).refines(causal_partition(scm))
        False
        >>> nudged = cancelling_model(Fraction(1, 10**30))
        >>> observational_partition(nudged).refines(causal_partition(nudged))
        True
    """
    half, quarter = Fraction(1, 2), Fraction(1, 4)
    first, last = Fraction(4, 5), Fraction(2, 5) + nudge
    return FiniteSCM(
        {
            "H": _exact([half, half]),
            "I": Table(("H",), _exact([[1 - quarter, quarter], [quarter, 1 - quarter]])),
            "T": Table(
                ("I", "H"), _exact([[[half, half]] * 2, [[1 - first, first], [1 - last, last]]])
            ),
        }
    )


def _exact(rows: list[Any]) -> NDArray[Any]:
    return np.array(rows, dtype=object)


def _by_law(laws: NDArray[Any]) -> Partition:
    """Rows together iff they are equal, entry by entry."""
    numbers: dict[tuple[Fraction, ...], int] = {}
    return Partition([numbers.setdefault(tuple(law), len(numbers)) for law in laws])


def _refuse_floats(scm: FiniteSCM) -> None:
    if not scm.exact:
        raise InputError(
            "the model's tables are in floats, in which equal laws differ by rounding: give them "
            "in fractions.Fraction"
        )
