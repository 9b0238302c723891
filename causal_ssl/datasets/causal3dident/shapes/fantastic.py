"""Dragon and armadillo, in clay."""

from itertools import pairwise
from math import hypot

from causal_ssl.datasets.causal3dident.shapes.implicit import (
    Ball,
    Body,
    Sheet,
    Solid,
    Vector,
    add,
    carve,
    ellipsoid,
    limb,
)

SKIN = 0.07
"""Thickness of the dragon's wings: two cells of the grid that it is meshed on."""


def dragon() -> Body:
    """Standing, neck raised, wings spread, spines from the neck to the tail's barb."""
    spine: tuple[Ball, ...] = (
        (0.94, 0, 1.64, 0.16),
        (0.74, 0, 1.44, 0.17),
        (0.66, 0, 1.12, 0.21),
        (0.45, 0, 0.8, 0.32),
        (0.1, 0, 0.66, 0.4),
        (-0.35, 0, 0.62, 0.37),
        (-0.75, 0, 0.5, 0.27),
        (-1.06, 0, 0.32, 0.18),
        (-1.34, 0, 0.36, 0.12),
        (-1.46, 0, 0.62, 0.08),
    )
    barb = [
        Sheet(((-1.44, 0, 0.6), (-1.54, 0, 1.06), (-1.7, 0, 0.62)), 0.1),
        Sheet(((-1.44, 0, 0.6), (-1.54, 0, 1.06), (-1.22, 0, 0.76)), 0.1),
    ]
    head = [
        *ellipsoid((1.02, 0, 1.7), (0.25, 0.21, 0.19)),
        *limb((1.08, 0, 1.72, 0.15), (1.44, 0, 1.64, 0.11)),  # upper jaw
        *limb((1.04, 0, 1.57, 0.1), (1.34, 0, 1.38, 0.07)),  # lower jaw
        *ellipsoid((1.16, 0.14, 1.84), (0.1, 0.06, 0.06)),  # brow
    ]
    horn = limb((0.94, 0.11, 1.8, 0.08), (0.72, 0.2, 2.0, 0.06), (0.48, 0.22, 2.08, 0.025))
    legs = [
        *limb((0.4, 0.22, 0.6, 0.22), (0.52, 0.38, 0.3, 0.14), (0.42, 0.38, 0.02, 0.11)),
        *limb((-0.4, 0.22, 0.5, 0.26), (-0.2, 0.42, 0.28, 0.16), (-0.42, 0.42, 0.02, 0.12)),
    ]
    claws = [
        *limb((0.42, 0.38, -0.02, 0.11), (0.68, 0.4, -0.06, 0.07)),
        *limb((-0.42, 0.42, -0.02, 0.12), (-0.14, 0.44, -0.06, 0.07)),
    ]
    return [
        add(0.1, limb(*spine), legs),
        add(0.06, head, claws),
        add(0.03, horn, barb, _spines(spine), _wing()),
    ]


def _wing() -> list[Solid]:
    """An arm, four fingers and the skin between them, its edge hollowed from finger to finger."""
    shoulder, wrist = (0.22, 0.12, 0.88), (0.3, 0.68, 1.68)
    tips: list[Vector] = [
        (0.5, 1.45, 1.9),
        (-0.06, 1.5, 1.4),
        (-0.52, 1.16, 0.95),
        (-0.62, 0.6, 0.7),
        (-0.35, 0.15, 0.76),
    ]
    bones = limb((*shoulder, 0.09), (*wrist, 0.065))
    skin: list[Solid] = []
    for tip in tips[:-1]:
        bones += limb((*wrist, 0.065), (*tip, 0.04))
    for tip, following in pairwise(tips):
        hollow = _between(_between(tip, following, 0.5), wrist, 0.25)
        skin += [Sheet((wrist, tip, hollow), SKIN), Sheet((wrist, hollow, following), SKIN)]
    skin.append(Sheet((wrist, tips[-1], shoulder), SKIN))
    return bones + skin


def _between(a: Vector, b: Vector, share: float) -> Vector:
    x, y, z = (p + share * (q - p) for p, q in zip(a, b, strict=True))
    return x, y, z


def _spines(spine: tuple[Ball, ...]) -> list[Solid]:
    """Two on each bone of the back."""
    spikes: list[Solid] = []
    for (ax, _, az, ar), (bx, _, bz, br) in pairwise(spine):
        for share in (0.25, 0.75):
            x, z, r = (p + share * (q - p) for p, q in ((ax, bx), (az, bz), (ar, br)))
            length = hypot(bx - ax, bz - az)
            up_x, up_z = (bz - az) / length, -(bx - ax) / length  # away from the belly
            foot, top = 0.8 * r, 1.3 * r + 0.12
            spikes += limb(
                (x + foot * up_x, 0, z + foot * up_z, 0.06),
                (x + top * up_x - 0.05, 0, z + top * up_z, 0.025),
            )
    return spikes


def armadillo() -> Body:
    """On its hind legs, arms raised, its back in bands of armour."""
    belly = [
        *ellipsoid((0.05, 0, 1.1), (0.4, 0.42, 0.56)),
        *ellipsoid((0.05, 0, 0.78), (0.36, 0.4, 0.34)),
    ]
    head = [
        *limb((0.02, 0, 1.6, 0.2), (0.12, 0, 1.86, 0.22)),
        *ellipsoid((0.16, 0, 1.96), (0.3, 0.27, 0.26)),
        *limb((0.28, 0, 1.92, 0.18), (0.8, 0, 1.76, 0.08)),  # snout
    ]
    ear = ellipsoid((-0.02, 0.3, 2.36), (0.08, 0.15, 0.32), turn=(-24, -8, 25))
    hollow = ellipsoid((0.05, 0.31, 2.38), (0.06, 0.09, 0.24), turn=(-24, -8, 25))
    arm = limb(
        (0.04, 0.36, 1.46, 0.19),
        (0.08, 0.76, 1.36, 0.15),
        (0.16, 0.98, 1.62, 0.13),
        (0.2, 1.02, 1.86, 0.13),
    )
    leg = limb((0.05, 0.28, 0.66, 0.27), (0.22, 0.42, 0.36, 0.19), (0.06, 0.44, 0.08, 0.15))
    foot = limb((0.04, 0.44, 0.0, 0.14), (0.36, 0.48, -0.04, 0.12))
    claws = [
        *(_claw((0.24, 1.02 + side, 1.94), (0.34, 1.02 + 1.7 * side, 2.16)) for side in _FINGERS),
        *(_claw((0.42, 0.48 + side, -0.06), (0.6, 0.48 + 1.4 * side, -0.1)) for side in _FINGERS),
    ]
    tail = limb(
        (-0.25, 0, 0.62, 0.24), (-0.62, 0, 0.3, 0.17), (-0.98, 0, 0.1, 0.1), (-1.3, 0, 0.12, 0.04)
    )
    eye = ellipsoid((0.36, 0.16, 2.04), (0.05, 0.05, 0.05))
    return [
        add(0.12, belly, arm, leg),
        add(0.08, head, foot, tail),
        add(0.03, _armour(), ear, *claws),
        carve(0.04, hollow),
        add(0.02, eye),
    ]


_FINGERS = (-0.1, 0.0, 0.1)


def _claw(start: Vector, end: Vector) -> list[Solid]:
    return limb((*start, 0.06), (*end, 0.025))


def _armour() -> list[Solid]:
    """Plates that stand out of the back and droop behind, and rings about the tail."""
    plates: list[Solid] = []
    for k in range(8):
        height = 0.62 + 0.14 * k
        girth = 0.5 * (1 - ((height - 1.02) / 1.0) ** 2)
        plates += ellipsoid((-0.12, 0, height), (girth, girth + 0.02, 0.085), turn=(0, -14, 0))
    for x, z, girth in ((-0.5, 0.42, 0.235), (-0.7, 0.26, 0.19), (-0.9, 0.15, 0.15)):
        plates += ellipsoid((x, 0, z), (0.06, girth, girth), turn=(0, -38, 0))
    return plates
