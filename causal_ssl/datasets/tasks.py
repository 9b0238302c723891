"""Tasks on Gaussian content: labels at several granularities, each a coarsening of the finer ones.

ladder = ContentTasks(world.content_cov)
fine = ladder.labels(sample.content, 64)       # (n,), 64 equally probable cells
coarse = ladder.labels(sample.content, 4)      # == ladder.coarsening(64, 4)[fine]
train([world], ..., tasks=[ladder.task(8)])    # groups for the objective
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from causal_ssl.errors import InputError, in_range

Task = Callable[[Tensor], Tensor]
"""From content (n, n_content) to integer labels (n,), a pure function."""

MOST_CELLS = 2**16


@dataclass(frozen=True, eq=False)
class ContentTasks:
    """Nested tasks on content ~ N(0, content_cov), a ladder of 2, 4, 8, ... cells.

    Content is whitened by the Cholesky factor first, z = L^-1 content with L L' = content_cov, and
    the cells are boxes in z with faces at quantiles of N(0, 1). So labels are a function of content
    alone, and cells are equally probable whatever the covariance. With independent content z is
    content in units of its standard deviations; with dependent content z_1 still is, and z_k is
    what coordinate k adds to those before it: a direction of small variance where content is
    nearly singular, whose signs ask for more precision than the others'.

    A label's binary digits, the most significant first, are the signs of z_1, z_2, ..., z_n; then,
    coordinate by coordinate again, which half of its half (between quartiles), of its quarter, ...
    The task with half as many cells drops the last digit.

    Args:
        content_cov: (n_content, n_content), symmetric positive definite.

    Raises:
        InputError: not a covariance.

    Examples:
        >>> ladder = ContentTasks(torch.eye(2))
        >>> content = torch.tensor([[0.1, -2.0], [0.1, -0.1], [-1.0, 1.0]])
        >>> ladder.labels(content, 4).tolist(), ladder.labels(content, 16).tolist()
        ([2, 2, 1], [8, 9, 5])
        >>> ladder.coarsening(16, 4)[[8, 9, 5]].tolist()
        [2, 2, 1]
    """

    content_cov: Tensor

    def __post_init__(self) -> None:
        cov = self.content_cov
        if cov.ndim != 2 or cov.shape[0] != cov.shape[1] or not torch.allclose(cov, cov.mT):
            raise InputError(
                f"content_cov of shape {tuple(cov.shape)} is not symmetric: give the covariance of "
                "content, (n_content, n_content)"
            )
        if torch.linalg.cholesky_ex(cov).info != 0:
            raise InputError(
                f"content_cov is not positive definite (smallest eigenvalue "
                f"{torch.linalg.eigvalsh(cov).min():.3g}): leave constant directions out"
            )

    def labels(self, content: Tensor, cells: int) -> Tensor:
        """The task with that many cells.

        Args:
            content: (n, n_content), on any device.
            cells: a power of 2, from 2 to 65536.

        Returns:
            (n,) int64 from 0 to cells - 1, on the same device.

        Raises:
            InputError: another number of cells, content of another dimension or not finite.
        """
        digits = _digits(cells)
        quantiles = self._quantiles(content)
        labels = torch.zeros(len(content), dtype=torch.int64, device=content.device)
        for digit in range(digits):
            level, coordinate = divmod(digit, content.shape[1])
            parts = (quantiles[:, coordinate] * 2 ** (level + 1)).long()
            labels = 2 * labels + parts % 2
        return labels

    def coarsening(self, fine: int, coarse: int) -> Tensor:
        """Which cell of the coarse task each cell of the fine one lies in, (fine,) int64.

        `labels(content, coarse)` is `coarsening(fine, coarse)[labels(content, fine)]`.

        Raises:
            InputError: numbers of cells that no task has, or `fine` below `coarse`.
        """
        dropped = _digits(fine) - _digits(coarse)
        if dropped < 0:
            raise InputError(f"{fine} cells do not refine {coarse}: give the larger number as fine")
        return torch.arange(fine) >> dropped

    def task(self, cells: int) -> "ContentTask":
        """One rung of the ladder, as a `Task`.

        Raises:
            InputError: `cells` is not a power of 2, from 2 to 65536.
        """
        return ContentTask(self, cells)

    @cached_property
    def _factor(self) -> Tensor:
        return torch.linalg.cholesky(self.content_cov.double())

    def _quantiles(self, content: Tensor) -> Tensor:
        """Phi(z) of whitened content, (n, n_content) float64, in [0, 1)."""
        if content.ndim != 2 or content.shape[1] != len(self.content_cov):
            raise InputError(
                f"content has shape {tuple(content.shape)}: expected (n, {len(self.content_cov)})"
            )
        if not content.isfinite().all():
            raise InputError("content is not finite: it has no label")
        factor = self._factor.to(content.device)
        z = torch.linalg.solve_triangular(factor, content.double().mT, upper=False).mT
        return torch.special.ndtr(z).clamp(max=1 - 2**-53)  # far out Phi rounds to 1


@dataclass(frozen=True, eq=False)
class ContentTask:
    """One task of a ladder: a `Task` that can be pickled, and named in a checkpoint.

    Attributes:
        ladder: what it belongs to.
        cells: its number of labels.

    Examples:
        >>> signs = ContentTasks(torch.eye(1)).task(2)
        >>> signs(torch.tensor([[-0.3], [2.0]]))
        tensor([0, 1])
    """

    ladder: ContentTasks
    cells: int

    def __post_init__(self) -> None:
        _digits(self.cells)

    def __call__(self, content: Tensor) -> Tensor:
        return self.ladder.labels(content, self.cells)


def _digits(cells: int) -> int:
    """Binary digits of a label."""
    in_range("cells", cells, at_least=2, at_most=MOST_CELLS)
    if cells & (cells - 1):
        raise InputError(f"cells must be a power of 2 (2, 4, 8, ...), got {cells}")
    return cells.bit_length() - 1
