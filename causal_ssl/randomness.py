"""Where randomness comes from: draws are pure functions of keys such as (seed, "views", step)."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import torch


def derived_seed(*key: int | str) -> int:
    """A 63-bit seed from a key; different keys give unrelated seeds.

    PyTorch's generators on the CPU keep 32 bits of it.

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
    states of the CPU and of the generator's device are afterwards what they were before, those of
    other devices are not touched.
    """
    seed = int(torch.randint(2**63 - 1, (), generator=generator, device=generator.device))
    states = [torch.default_generator]
    if generator.device.type == "cuda":
        # Indexed by device; empty until CUDA is initialised, which making `generator` has done.
        states.append(torch.cuda.default_generators[generator.device.index or 0])
    before = [state.get_state() for state in states]
    try:
        for state in states:
            state.manual_seed(seed)
        yield
    finally:
        for state, saved in zip(states, before, strict=True):
            state.set_state(saved)
