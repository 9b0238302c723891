"""What tests of several parts share; importable everywhere by `conftest.py` beside it."""

import os
import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from causal_ssl import cli


def call(capsys: pytest.CaptureFixture[str], words: Sequence[str]) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of `causal-ssl WORDS`."""
    status = 0
    try:
        cli.main(list(words))
    except SystemExit as end:
        status = int(end.code or 0)
    out, err = capsys.readouterr()
    return status, out, err


def assert_refused(
    capsys: pytest.CaptureFixture[str], words: Sequence[str], says: str, out: Path
) -> None:
    """`causal-ssl WORDS` ends with one line that says so, before its directory is made."""
    status, _, err = call(capsys, words)
    assert status == 2
    assert says in err
    assert len(err.splitlines()) == 1
    assert not out.exists()


def wait_until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def idx(array: np.ndarray) -> bytes:
    """An IDX file of bytes."""
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def evaluation(name: str, checkpoint: Path, root: Path, out: Path, *more: str) -> list[str]:
    """The words of `causal-ssl evaluate NAME` on images of 32 px."""
    where = ["--checkpoint", str(checkpoint), "--data-root", str(root), "--out", str(out)]
    small = ["--size", "32", "--at-once", "16", "--workers", "0", "--device", "cpu"]
    return ["evaluate", name, *where, *small, *more]


def fine_tuning(name: str, checkpoint: Path, root: Path, out: Path, *more: str) -> list[str]:
    """The same of finetune or semi: two passes, one rate."""
    short = ["--epochs", "2", "--batch-size", "12", "--rates", "0.1", "--seed", "7"]
    return evaluation(name, checkpoint, root, out, *short, *more)


class Malicious:
    """Writes a file where it is unpickled trustingly."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.trace}",)
