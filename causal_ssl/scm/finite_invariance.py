"""How far p^do(e)(Y | f) depends on the environment e, exactly, in a finite model.

scm = FiniteSCM({"C": [0.5, 0.5], "S": [0.5, 0.5], "F": lambda C, S: C ^ S})
environments = {"mostly 0": {"S": [0.9, 0.1]}, "mostly 1": {"S": [0.1, 0.9]}}
print(invariance_gap(scm, environments, y="C", f="F", divergence="tv"))
# tv gap 0.8 at worst, on an overlap of 1; I(C; E | F) = 0.3681 nats; accuracy 0.5 (chance 0.5)

Definition 4 (arXiv:2010.07922) compares p^do(e)(Y | f = v) between environments. It says nothing at
a value v that one of the two never produces, so a gap is taken on the common support of f and is
worth what the overlap is worth: with f = (content, style) under hard interventions nothing is
compared, and the gap is 0.

Events of probability 0: a value v of f that environment i or j excludes has no gap (NaN) and no
part in any mean or maximum; a label y that both exclude at v adds nothing; one that only j excludes
makes `kl` and `chi2` of (i, j) infinite. Over an empty common support the worst gap is 0 and the
mean is NaN.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from causal_ssl import divergences
from causal_ssl.errors import InputError, one_of
from causal_ssl.scm.enumeration import joint_laws
from causal_ssl.scm.finite import FiniteIntervention, FiniteSCM
from causal_ssl.scm.tables import SUM_TOLERANCE, names_of

Floats = NDArray[np.float64]
Environment = Mapping[str, FiniteIntervention]
Environments = Mapping[str, Environment] | Sequence[Environment]


@dataclass(frozen=True, eq=False)
class InvarianceGap:
    """What `invariance_gap` found, over e environments and k_f values of the representation.

    Attributes:
        y, f: the variables, and `environments` (e,) their names.
        divergence: the name of D.
        pointwise: (e, e, k_f), D(p_i(Y | f = v) || p_j(Y | f = v)); NaN off the common support.
        overlap: (e, e), sum over v of min(p_i(f = v), p_j(f = v)), in [0, 1].
        mean: (e, e), the gap averaged over the common part min(p_i, p_j) of the two laws of f; NaN
            where there is none.
        information: I(Y; E | f) in nats, from 0 to the entropy of E; E is drawn with the weights.
        accuracy: (e,), of the Bayes predictor of Y from f in each environment.
        pooled_accuracy: of the one that does not know the environment, over all of them.
        chance: that of predicting the most frequent label.
    """

    y: str
    f: str
    environments: tuple[str, ...]
    divergence: str
    pointwise: Floats
    overlap: Floats
    mean: Floats
    information: float
    accuracy: Floats
    pooled_accuracy: float
    chance: float

    @property
    def common_support(self) -> NDArray[np.bool_]:
        """(e, e, k_f), the values that both environments produce."""
        return ~np.isnan(self.pointwise)

    @property
    def worst(self) -> float:
        """The largest pointwise gap; 0 where no two environments have a value in common."""
        return float(np.nanmax(self.pointwise))

    @property
    def smallest_overlap(self) -> float:
        """Of any two environments; 0 says that some pair was not compared at all."""
        return float(self.overlap.min())

    def __str__(self) -> str:
        return (
            f"{self.divergence} gap {self.worst:.4g} at worst, on an overlap of "
            f"{self.smallest_overlap:.4g}; I({self.y}; E | {self.f}) = {self.information:.4g} nats;"
            f" accuracy {self.pooled_accuracy:.4g} (chance {self.chance:.4g})"
        )


def invariance_gap(
    scm: FiniteSCM,
    environments: Environments,
    *,
    y: str,
    f: str | Sequence[str],
    divergence: str = "kl",
    weights: ArrayLike | None = None,
) -> InvarianceGap:
    """The exact gap of Definition 4 between environments, with overlap and accuracy beside it.

    Args:
        scm: a model with the label and the representation among its variables.
        environments: name -> intervention, itself variable -> value (hard) or law (soft); or a
            sequence of interventions. One without interventions, {}, is the model as it is.
        y: the label: a proxy or a task.
        f: the representation, deterministic or not; several variables count as their combination,
            in row-major order of their values.
        divergence: kl, js, tv, hellinger2 or chi2.
        weights: (e,), how often each environment is met, for the pooled quantities; None: equally.

    Raises:
        InputError: no environment, weights that are no law over them, an unknown divergence, or
            what `FiniteSCM.do` and `FiniteSCM.joint` refuse.

    Mitrovic et al. 2021 (arXiv:2010.07922), Definition 4.

    Examples:
        >>> scm = FiniteSCM({"C": [0.5, 0.5], "S": [0.5, 0.5], "F": lambda C, S: C ^ S})
        >>> entangled = invariance_gap(
        ...     scm, hard_environments(scm, "S"), y="C", f="F", divergence="tv"
        ... )
        >>> entangled.worst, entangled.smallest_overlap, entangled.accuracy.tolist()
        (1.0, 1.0, [1.0, 1.0])
        >>> separate = invariance_gap(scm, hard_environments(scm, "S"), y="C", f=("C", "S"))
        >>> separate.worst, separate.smallest_overlap
        (0.0, 0.0)
    """
    names, f = environment_names(environments), names_of(f)
    law = environment_laws(scm, environments, *f, y)
    law = law.reshape(len(names), -1, law.shape[-1])
    shares = checked_weights(weights, len(names))
    pointwise = pointwise_gaps(law, [divergence])[0]
    common = common_mass(law)
    pooled = np.tensordot(shares, law.astype(np.float64), 1)
    return InvarianceGap(
        y=y,
        f=", ".join(f),
        environments=names,
        divergence=divergence,
        pointwise=pointwise,
        overlap=common.sum(-1),
        mean=_mean(pointwise, common),
        information=float(information(law, shares)),
        accuracy=law.astype(np.float64).max(-1).sum(-1),
        pooled_accuracy=float(pooled.max(-1).sum()),
        chance=float(pooled.sum(0).max()),
    )


def hard_environments(scm: FiniteSCM, variable: str) -> dict[str, dict[str, int]]:
    """One environment for each value of a variable, which is set to it.

    Raises:
        InputError: an unknown variable.

    Examples:
        >>> hard_environments(FiniteSCM({"S": [0.5, 0.5]}), "S")
        {'do(S=0)': {'S': 0}, 'do(S=1)': {'S': 1}}
    """
    one_of("variable", variable, scm.domains)
    return {f"do({variable}={v})": {variable: v} for v in range(scm.domains[variable])}


def environment_names(environments: Environments) -> tuple[str, ...]:
    """The names of a mapping of environments; the positions in a sequence.

    Raises:
        InputError: there is none.
    """
    if not environments:
        raise InputError("no environments are given: give at least one intervention, e.g. {'S': 0}")
    if isinstance(environments, Mapping):
        return tuple(environments)
    return tuple(str(i) for i in range(len(environments)))


def environment_laws(scm: FiniteSCM, environments: Environments, *variables: str) -> NDArray[Any]:
    """(e, k_1, ..., k_m): the joint law of the variables in each environment."""
    interventions = environments.values() if isinstance(environments, Mapping) else environments
    models = [scm.do(**intervention).mechanisms for intervention in interventions]
    return joint_laws(models, variables)


def pointwise_gaps(law: NDArray[Any], measures: Sequence[str]) -> Floats:
    """(len(measures), ..., e, e, k_f): D(p_i(Y | f = v) || p_j(Y | f = v)), NaN off the support.

    Args:
        law: (..., e, k_f, k_y), p_e(f, y) in floats or fractions.
        measures: names of divergences D.
    """
    given = torch.from_numpy(_rows(law)).log()
    first, second = given.unsqueeze(-3), given.unsqueeze(-4)
    gaps = [divergences.get(name)(first, second).numpy() for name in measures]
    return np.where(common_mass(law) > 0, gaps, np.nan)


def common_mass(law: NDArray[Any]) -> Floats:
    """(..., e, e, k_f): min(p_i(f = v), p_j(f = v)) of p_e(f, y), (..., e, k_f, k_y)."""
    mass = law.sum(-1).astype(np.float64)
    return np.minimum(mass[..., :, None, :], mass[..., None, :, :])


def information(law: NDArray[Any], weights: Floats) -> Floats:
    """(...): I(Y; E | f) in nats, of p_e(f, y), (..., e, k_f, k_y), and the law (e,) of E.

    It is the mean over E and f of KL(p_e(Y | f) || p(Y | f)), p the mixture of the environments.
    """
    shares = weights[:, None, None] * law.astype(np.float64)
    pooled = torch.from_numpy(_rows(shares.sum(-3, keepdims=True))).log()
    apart = divergences.kl(torch.from_numpy(_rows(law)).log(), pooled).numpy()
    mass = shares.sum(-1)
    return (mass * np.where(mass > 0, apart, 0)).sum((-2, -1))


def checked_weights(weights: ArrayLike | None, n: int) -> Floats:
    """(n,), a law over environments; uniform if None.

    Raises:
        InputError: another shape, negative, NaN, or a sum other than 1.
    """
    if weights is None:
        return np.full(n, 1 / n)
    law = np.asarray(weights, dtype=np.float64)
    if law.shape != (n,) or not (law >= 0).all() or abs(law.sum() - 1) > SUM_TOLERANCE:
        raise InputError(
            f"weights {law.tolist()} are no law over the {n} environments: give {n} probabilities "
            "that sum to 1"
        )
    return law


def _rows(law: NDArray[Any]) -> Floats:
    """p(y | v) of p(v, y) along the last axis, float64; uniform where p(v) = 0."""
    mass = law.sum(-1, keepdims=True)
    given = np.full(law.shape, 1 / law.shape[-1], dtype=law.dtype)
    np.divide(law, mass, out=given, where=np.broadcast_to(mass != 0, law.shape))
    return given.astype(np.float64)


def _mean(pointwise: Floats, common: Floats) -> Floats:
    overlap = common.sum(-1)
    total = (common * np.where(common > 0, pointwise, 0)).sum(-1)
    return np.divide(total, overlap, out=np.full(overlap.shape, np.nan), where=overlap > 0)
