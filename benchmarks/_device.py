"""Time and memory of a device, "cuda" or "cpu"; on a CPU there is nothing to wait for."""

import torch


def synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def reset_peak(device: str) -> None:
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()


def peak_gigabytes(device: str) -> float:
    """Of the device's memory, since `reset_peak`; 0 on a CPU."""
    return torch.cuda.max_memory_allocated() / 1e9 if device == "cuda" else 0.0


def allocation_retries(device: str) -> int:
    """How often the allocator had to give memory back to get some."""
    return torch.cuda.memory_stats()["num_alloc_retries"] if device == "cuda" else 0
