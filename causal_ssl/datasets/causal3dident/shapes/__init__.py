"""What the images show: seven shapes from code, or meshes of the user's own.

    shapes.meshes()                          # class index -> Mesh, built once and kept on disk
    shapes.meshes([0, 3])                    # teapot and cow alone
    shapes.meshes(folder=Path("scans"))      # teapot.obj, hare.ply, ... instead

The published meshes cannot be had. The teapot is Newell's; hare, dragon, cow, armadillo, horse and
head are modelled from ellipsoids and bones, in `quadrupeds`, `fantastic` and `bust`.
"""

from causal_ssl.datasets.causal3dident.shapes.library import built, meshes
from causal_ssl.datasets.causal3dident.shapes.reduction import reduced

__all__ = ["built", "meshes", "reduced"]
