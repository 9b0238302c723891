"""lightly's SimCLR of its ImageNet benchmark, ResNet-50, as steps that can be timed.

From https://github.com/lightly-ai/lightly, benchmarks/imagenet/resnet50/simclr.py: torchvision's
ResNet-50, lightly's projection head 2048-2048-128, NT-Xent at temperature 0.1 on both views in one
pass, lightly's LARS with its groups of parameters. Left out: the classifier that it trains beside
them, its schedule of the learning rate and its logs.
"""

import itertools
import time
from collections.abc import Callable
from typing import Any

import torch
from _device import synchronise
from lightly.loss import NTXentLoss
from lightly.models.modules import SimCLRProjectionHead
from lightly.models.utils import get_weight_decay_parameters
from lightly.utils.lars import LARS
from torch import Tensor

from causal_ssl.models.image_encoders import TRUNKS, EncoderConfig
from causal_ssl.randomness import generator_for, global_randomness_from

MakeViews = Callable[[int, torch.Generator], list[Tensor]]
"""(step, generator) -> two normalised views, (n, 3, h, w) float32 on the device."""


class LightlySimCLR:
    """Steps of SimCLR by lightly.

    Args:
        make_views: of each step.
        options: device, encoder, batch, precision, compile.
        same_settings: channels last, cuDNN's search for kernels and, if asked, the compiler, as the
            trainer here has them; else as lightly's benchmark.
    """

    def __init__(self, make_views: MakeViews, options: Any, *, same_settings: bool) -> None:
        self.make_views, self.device = make_views, options.device
        self.bf16, self.search = options.precision == "bf16", same_settings
        self.layout = torch.channels_last if same_settings else torch.contiguous_format
        with global_randomness_from(generator_for(0, "lightly")):
            self.network, width = TRUNKS[options.encoder](EncoderConfig(options.encoder))
            self.head = SimCLRProjectionHead(width, 2048, 128).to(self.device)
        self.network.to(self.device, memory_format=self.layout)
        if same_settings and options.compile:
            self.network.compile()
        self.criterion = NTXentLoss(temperature=0.1)
        weights, others = get_weight_decay_parameters([self.network, self.head])
        groups = [{"params": weights}, {"params": others, "weight_decay": 0.0}]
        rate = 0.075 * options.batch**0.5
        self.optimiser = LARS(groups, lr=rate, momentum=0.9, weight_decay=1e-6)
        self._numbers = itertools.count()

    def step(self) -> Tensor:
        """One step; its loss."""
        number = next(self._numbers)
        views = self.make_views(number, generator_for(0, "lightly", number))
        self.optimiser.zero_grad()
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            features = self.network(torch.cat(views).contiguous(memory_format=self.layout))
            loss = self.criterion(*self.head(features).chunk(2))
        loss.backward()
        self.optimiser.step()
        return loss.detach()

    def turn(self, steps: int) -> float:
        """Seconds of so many steps, waited for, after one that is not counted."""
        with torch.backends.cudnn.flags(enabled=True, benchmark=self.search, allow_tf32=True):
            self.step()  # kernels and memory change hands
            synchronise(self.device)
            began = time.perf_counter()
            for _ in range(steps):
                self.step()
            synchronise(self.device)
            return time.perf_counter() - began
