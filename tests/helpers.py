"""What tests of several parts share; importable everywhere by `conftest.py` beside it."""

import struct
import time
from collections.abc import Callable, Sequence
from pathlib import Path

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


def fine_tuning(evaluation: str, checkpoint: Path, root: Path, out: Path, *more: str) -> list[str]:
    """The words of `causal-ssl evaluate finetune|semi` on images of 32 px: two passes, one rate."""
    where = ["--checkpoint", str(checkpoint), "--data-root", str(root), "--out", str(out)]
    small = ["--size", "32", "--at-once", "16", "--workers", "0", "--device", "cpu"]
    short = ["--epochs", "2", "--batch-size", "12", "--rates", "0.1", "--seed", "7"]
    return ["evaluate", evaluation, *where, *small, *short, *more]
