"""Where randomness comes from: every draw is a pure function of a key such as (seed, "views", step)."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import torch


def derived_seed(*key: int | str) -> int:
    """A 63-bit seed from a key; different keys give unrelated seeds.

    Examples:
        >>> derived_seed(0, "views", 1) == derived_seed(0, "views", 1)
        True
        >>> derived_seed(0, "views", 1) == derived_seed(0, "views", 2)
        False
    """
    return int.from_bytes(sha256(repr(key).encode()).digest()[:8], "little") >> 1


def generator_for(*key: int | str, device: torch.device | str = "cpu") -> torch.Generator:
    """A fresh generator on `device` whose stream depends on the key and on nothing else.

    Examples:
        >>> a, b = generator_for(7, "noise"), generator_for(7, "noise")
        >>> torch.equal(torch.randn(3, generator=a), torch.randn(3, generator=b))
        True
    """
    return torch.Generator(device).manual_seed(derived_seed(*key))


@contextmanager
def global_randomness_from(generator: torch.Generator) -> Iterator[None]:
    """Run a block whose draws from torch's global state come from `generator` instead.

    For libraries that take no generator (Pyro). The generator advances by one draw; the global
    state, CPU and the generator's own device, is afterwards what it was before.
    """
    seed = int(torch.randint(2**63 - 1, (), generator=generator, device=generator.device))
    devices = [] if generator.device.type == "cpu" else [generator.device]
    with torch.random.fork_rng(
        devices=devices, device_type=generator.device.type if devices else "cuda"
    ):
        torch.manual_seed(seed)
        yield
