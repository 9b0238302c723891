"""A head on its shoulders, in clay. Chin at z = 0.75, crown at z = 2.1."""

from causal_ssl.datasets.causal3dident.shapes.implicit import Body, add, carve, ellipsoid, limb


def head() -> Body:
    """A bust that looks forwards, with short hair."""
    skull = [
        *ellipsoid((-0.1, 0, 1.56), (0.6, 0.47, 0.54)),
        *ellipsoid((0.12, 0, 1.22), (0.4, 0.39, 0.48)),  # face
        *ellipsoid((0.24, 0, 0.86), (0.26, 0.24, 0.17)),  # jaw
        *ellipsoid((0.42, 0, 0.8), (0.11, 0.12, 0.1)),  # chin
    ]
    bust = [
        *limb((-0.1, 0, 1.0, 0.28), (-0.2, 0, 0.3, 0.3)),
        *limb((-0.22, 0, 0.12, 0.34), (-0.25, 0.62, -0.02, 0.26)),  # shoulder
        *ellipsoid((-0.08, 0, -0.12), (0.42, 0.6, 0.36)),
    ]
    socket = ellipsoid((0.55, 0.18, 1.4), (0.14, 0.12, 0.09))
    eye = ellipsoid((0.4, 0.18, 1.39), (0.1, 0.1, 0.08))
    brow = limb((0.5, 0.06, 1.5, 0.05), (0.46, 0.2, 1.54, 0.05), (0.33, 0.34, 1.47, 0.04))
    cheek = ellipsoid((0.36, 0.24, 1.2), (0.12, 0.12, 0.1))
    nose = [
        *limb((0.5, 0, 1.46, 0.06), (0.68, 0, 1.18, 0.085)),
        *ellipsoid((0.6, 0.08, 1.15), (0.09, 0.06, 0.06)),  # wing
    ]
    lips = [
        *ellipsoid((0.48, 0.03, 1.01), (0.1, 0.13, 0.035)),
        *ellipsoid((0.47, 0.0, 0.94), (0.1, 0.12, 0.04)),
    ]
    ear = [
        *ellipsoid((-0.06, 0.47, 1.32), (0.15, 0.06, 0.2), turn=(0, -12, -20)),
    ]
    shell = ellipsoid((-0.03, 0.54, 1.34), (0.08, 0.05, 0.11), turn=(0, -12, -20))
    hair = [
        *ellipsoid((-0.16, 0, 1.66), (0.62, 0.5, 0.52), turn=(0, -14, 0)),
        *ellipsoid((-0.4, 0, 1.3), (0.36, 0.42, 0.4)),
    ]
    return [
        add(0.1, skull, bust),
        carve(0.08, socket),
        add(0.04, brow, cheek, nose),
        add(0.025, lips, eye),
        add(0.03, ear),
        carve(0.03, shell),
        add(0.015, hair),
    ]
