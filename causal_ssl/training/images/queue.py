"""Past outputs as negatives: the queue of MoCo."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

UNGROUPED = torch.iinfo(torch.int64).min
"""The label of what no sample has put there: a group of no sample."""


class OutputQueue(nn.Module):
    """The last outputs that were put in, as a ring; all of it is state, and in checkpoints.

    Outputs are kept as they come: whether norms count is the similarity's decision. A new queue
    holds random directions, rows of norm 1, as MoCo's does.

    Args:
        size: outputs K.
        d: their dimension.
        generator: of the first content.

    Attributes:
        outputs: (K, d).
        groups: (K,) int64, the labels of the samples that they are of.

    References:
        He et al. 2020, arXiv 1911.05722, section 3.2; MoCo v2: arXiv 2003.04297.

    Examples:
        >>> queue = OutputQueue(3, 1, generator=torch.Generator().manual_seed(0))
        >>> queue.put(torch.tensor([[1.0], [2.0]]))
        >>> queue.put(torch.tensor([[3.0], [4.0]]), groups=torch.tensor([7, 8]))
        >>> queue.outputs.flatten().tolist()  # the oldest, 1, has made place for 4
        [4.0, 2.0, 3.0]
        >>> queue.groups[[0, 2]].tolist()
        [8, 7]
    """

    outputs: Tensor
    groups: Tensor
    place: Tensor

    def __init__(self, size: int, d: int, *, generator: torch.Generator) -> None:
        super().__init__()
        first = F.normalize(torch.randn(size, d, generator=generator))
        self.register_buffer("outputs", first)
        self.register_buffer("groups", torch.full((size,), UNGROUPED))
        self.register_buffer("place", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def put(self, outputs: Tensor, groups: Tensor | None = None) -> None:
        """Replace the oldest.

        Args:
            outputs: (n, d), in order of age; of more than K the last K stay.
            groups: (n,), the labels of their samples, if there are any.
        """
        size = len(self.outputs)
        outputs = outputs[-size:]
        places = (self.place + torch.arange(len(outputs), device=self.place.device)) % size
        self.outputs[places] = outputs.to(self.outputs)
        if groups is not None:
            self.groups[places] = groups[-size:].to(self.groups)
        self.place.copy_((self.place + len(outputs)) % size)
