"""A head on its shoulders, in clay. Chin at z = 0.7, crown at z = 2.1."""

from causal_ssl.datasets.causal3dident.shapes.implicit import Body, add, carve, ellipsoid, limb


def head() -> Body:
    """A bust that looks forwards, with short hair."""
    skull = [
        *ellipsoid((-0.1, 0, 1.56), (0.58, 0.46, 0.52)),
        *ellipsoid((-0.2, 0, 1.34), (0.46, 0.42, 0.4)),  # back of the head
        *ellipsoid((0.12, 0, 1.22), (0.4, 0.38, 0.48)),  # face
        *ellipsoid((0.22, 0, 0.9), (0.28, 0.27, 0.2)),  # jaw
        *ellipsoid((0.42, 0, 0.79), (0.1, 0.11, 0.09)),  # chin
    ]
    bust = [
        *limb((-0.12, 0, 1.1, 0.3), (-0.18, 0, 0.5, 0.33)),
        *limb((-0.2, 0, 0.36, 0.34), (-0.22, 0.62, 0.1, 0.28)),  # shoulder
        *ellipsoid((-0.08, 0, 0.12), (0.44, 0.66, 0.42)),
    ]
    socket = ellipsoid((0.55, 0.18, 1.41), (0.14, 0.12, 0.085))
    eye = ellipsoid((0.41, 0.18, 1.4), (0.1, 0.1, 0.07))
    brow = limb((0.49, 0.06, 1.51, 0.05), (0.45, 0.2, 1.54, 0.05), (0.33, 0.34, 1.47, 0.04))
    cheek = ellipsoid((0.36, 0.24, 1.2), (0.12, 0.12, 0.1))
    nose = [
        *limb((0.49, 0, 1.47, 0.055), (0.65, 0, 1.2, 0.08)),
        *ellipsoid((0.58, 0.07, 1.16), (0.08, 0.05, 0.055)),  # wing
    ]
    lips = [
        *ellipsoid((0.45, 0, 1.025), (0.1, 0.14, 0.035)),
        *ellipsoid((0.44, 0, 0.965), (0.1, 0.12, 0.04)),
    ]
    mouth = limb((0.55, 0, 0.995, 0.015), (0.47, 0.15, 1.0, 0.015))
    ear = ellipsoid((-0.04, 0.48, 1.3), (0.14, 0.06, 0.2), turn=(0, -12, -20))
    shell = ellipsoid((0.0, 0.55, 1.32), (0.08, 0.05, 0.12), turn=(0, -12, -20))
    hair = [
        *ellipsoid((-0.18, 0, 1.68), (0.66, 0.54, 0.52), turn=(0, -18, 0)),
        *ellipsoid((-0.32, 0, 1.38), (0.46, 0.49, 0.48), turn=(0, 20, 0)),
    ]
    return [
        add(0.12, skull, bust),
        carve(0.08, socket),
        add(0.05, brow, cheek, nose),
        add(0.03, lips, eye),
        carve(0.02, mouth),
        add(0.02, hair),
        add(0.03, ear),
        carve(0.03, shell),
    ]
