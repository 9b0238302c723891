"""Gaussian Gram matrices that fit the memory: stored, sparse, or computed again at each product."""

from dataclasses import dataclass

import torch
from torch import Tensor

Fold = tuple[int, int]

# exp(-40) = 4e-18: dropping smaller entries moves no eigenvalue by more than n 4e-18, which is less
# than rounding the others does.
NEGLIGIBLE = 40.0
# Above, the many products that plain conjugate gradients take cost more than dense factors.
SPARSE_DENSITY = 0.005
# On a CPU float64 Gram matrices are stored up to n = 8192; above, blocks are computed at each
# product. On a GPU a tenth of its free memory is the limit: distances, kernel and mask are held.
STORED_BYTES = 2**29
BLOCK_ENTRIES = 2**21


def gaussian_kernel(a: Tensor, b: Tensor, gamma: float) -> Tensor:
    """exp(-gamma ||a_i - b_j||^2): (n, d), (m, d) -> (n, m)."""
    return squared_distances(a, b).mul_(-gamma).exp_()


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """||a_i - b_j||^2, not below 0: (n, d), (m, d) -> (n, m)."""
    one_a, one_b = torch.ones_like(a[:, :1]), torch.ones_like(b[:, :1])
    left = torch.cat([-2 * a, a.square().sum(1, keepdim=True), one_a], dim=1)
    right = torch.cat([b, one_b, b.square().sum(1, keepdim=True)], dim=1)
    return (left @ right.T).clamp_(min=0)


class Points:
    """The inputs x (n, d) and, where they fit, their squared distances, for every gamma."""

    def __init__(self, x: Tensor) -> None:
        self.x = x
        self.stored = len(x) ** 2 * x.element_size() <= _stored_bytes(x.device)
        self._distances: Tensor | None = None
        self._kernel: Tensor | None = None

    def gram(self, gamma: float) -> "Gram":
        """The Gram matrix at gamma; it is valid until the next one is asked for."""
        if not self.stored:
            sparse = self._sparse_by_blocks(gamma)
            return Gram(self.x, gamma, sparse=sparse)
        if self._distances is None:
            self._distances = squared_distances(self.x, self.x).fill_diagonal_(0)
        sparse = self._sparse_of_distances(self._distances, gamma)
        if self._kernel is None:
            self._kernel = torch.empty_like(self._distances)
        dense = None
        if sparse is None:
            dense = torch.mul(self._distances, -gamma, out=self._kernel).exp_()
        return Gram(self.x, gamma, dense=dense, sparse=sparse)

    def _sparse_of_distances(self, distances: Tensor, gamma: float) -> Tensor | None:
        """The sparse Gram matrix, or None where too many entries count."""
        # A sixteenth of the rows spares most dense matrices the whole count.
        for rows, limit in ((distances[::16], 2 * SPARSE_DENSITY), (distances, SPARSE_DENSITY)):
            near = rows < NEGLIGIBLE / gamma
            if int(near.count_nonzero()) > limit * near.numel():
                return None
        index = near.nonzero().T
        return self._sparse(index, distances[index[0], index[1]].mul_(-gamma).exp_())

    def _sparse_by_blocks(self, gamma: float) -> Tensor | None:
        """The sparse Gram matrix, or None once too many entries count."""
        n = len(self.x)
        indices, values, found = [], [], 0
        rows = max(1, BLOCK_ENTRIES // n)
        for start in range(0, n, rows):
            distances = squared_distances(self.x[start : start + rows], self.x)
            index = (distances < NEGLIGIBLE / gamma).nonzero().T
            found += index.shape[1]
            if found > SPARSE_DENSITY * n**2:
                return None
            values.append(distances[index[0], index[1]].mul_(-gamma).exp_())
            index[0] += start
            indices.append(index)
        return self._sparse(torch.cat(indices, dim=1), torch.cat(values))

    def _sparse(self, index: Tensor, values: Tensor) -> Tensor:
        n = len(self.x)
        return torch.sparse_coo_tensor(
            index, values, (n, n), is_coalesced=True, check_invariants=False
        )


@dataclass(frozen=True)
class Gram:
    """K (n, n) of the points x at gamma: products and blocks, however it is held."""

    x: Tensor
    gamma: float
    dense: Tensor | None = None
    sparse: Tensor | None = None

    def matmul(self, v: Tensor) -> Tensor:
        """K v in float64, (n, r) -> (n, r)."""
        if self.sparse is not None:
            return torch.sparse.mm(self.sparse, v)
        if self.dense is not None:
            # K is symmetric; this order runs faster for few columns.
            return (v.T @ self.dense).T
        out = torch.empty_like(v)
        rows = max(1, BLOCK_ENTRIES // len(self.x))
        for start in range(0, len(self.x), rows):
            block = slice(start, start + rows)
            out[block] = self.block(block, slice(None)) @ v
        return out

    def block(self, rows: slice, columns: slice) -> Tensor:
        """K[rows, columns], dense, float64."""
        if self.dense is not None:
            return self.dense[rows, columns]
        return gaussian_kernel(self.x[rows], self.x[columns], self.gamma)

    def training_matrix(
        self, fold: Fold, alpha: float, dtype: torch.dtype, workspace: Tensor | None = None
    ) -> Tensor:
        """K + alpha I without the fold's rows and columns; only its lower triangle is filled.

        Row-major, in the first entries of the flat workspace where one is given.
        """
        start, stop = fold
        n = len(self.x)
        size = n - (stop - start)
        if workspace is None:
            workspace = torch.empty(size**2, dtype=dtype, device=self.x.device)
        matrix = workspace[: size**2].view(size, size)
        step = n if self.dense is not None else max(1, BLOCK_ENTRIES // n)
        for first, last, above in _outside(fold, n):
            for top in range(first, last, step):
                bottom = min(top + step, last)
                for left, right, before in _outside(fold, bottom):
                    block = self.block(slice(top, bottom), slice(left, right))
                    matrix[top - above : bottom - above, left - before : right - before] = block
        matrix.diagonal().add_(alpha)
        return matrix


def _stored_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0] // 10)
    return STORED_BYTES


def _outside(fold: Fold, end: int) -> list[tuple[int, int, int]]:
    """The ranges [first, last) of [0, end) outside of the fold, and how many it cuts off before."""
    start, stop = fold
    ranges = ((0, min(start, end), 0), (stop, end, stop - start))
    return [(first, last, cut) for first, last, cut in ranges if last > first]
