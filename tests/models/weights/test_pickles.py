"""Pickles: plain values and arrays are read, everything else is refused and nothing is run."""

import os
import pickle
import pickletools
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from causal_ssl.errors import InputError
from causal_ssl.models.weights.pickles import PickledArray, load_pickle

ARRAYS = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
    np.arange(6, dtype=">f4").reshape(2, 3).T,
    np.arange(24, dtype=np.int64).reshape(2, 3, 4).transpose(1, 2, 0),
    np.array(3, dtype=np.uint8),
    np.zeros((0, 2), dtype=np.float16),
    np.array([True, False]),
]


class Calls:
    """Pickled as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


def written(folder: Path, content: Any, protocol: int = 4) -> Path:
    path = folder / "weights.pkl"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_values_and_arrays(tmp_path: Path, protocol: int) -> None:
    values = {"a": [1, 2.5, "x", None, True], "b": (b"\xff\x00", {"c": -(10**20)})}
    content = {**values, "ordered": OrderedDict(z=1, a=2), "arrays": ARRAYS, "n": np.int64(7)}
    loaded = load_pickle(written(tmp_path, content, protocol))
    assert {name: loaded[name] for name in values} == values
    assert loaded["ordered"] == {"z": 1, "a": 2}
    assert loaded["n"] == 7
    for read, expected in zip(loaded["arrays"], ARRAYS, strict=True):
        assert isinstance(read, PickledArray)
        assert read.numpy().dtype == expected.dtype
        np.testing.assert_array_equal(read.numpy(), expected)


@pytest.mark.parametrize("core", [b"numpy.core", b"numpy._core"])
def test_both_names_of_numpys_core(tmp_path: Path, core: bytes) -> None:
    content = pickle.dumps(ARRAYS[0], 2)
    renamed = content.replace(b"numpy._core", b"numpy.core").replace(b"numpy.core", core)
    np.testing.assert_array_equal(load_pickle(written(tmp_path, renamed)).numpy(), ARRAYS[0])


def hostile(trace: Path) -> dict[str, Any]:
    """Name of what is asked for -> a pickle of it, which writes the file `trace` where it can."""
    system = f"{os.system.__module__}.system"
    command, code = f"touch {trace}", f"open({str(trace)!r}, 'w').close()"
    return {
        system: Calls(os.system, command),
        "builtins.eval": Calls(eval, code),
        "builtins.exec": {"params": {"net/conv": {"w": Calls(exec, code)}}},
        "numpy.load": Calls(np.load, str(trace), "r", True),
        "builtins.getattr": b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93.",
        "os.path.os.system": b"\x80\x04\x8c\x07os.path\x8c\x09os.system\x93\x8c\x00\x85R.",
        "numpy.ndarray.tofile": b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93.",
        "functools.partial": b"\x80\x04\x8c\x09functools\x8c\x07partial\x93.",
        "posix.system": b"\x80\x02(S'" + command.encode() + b"'\niposix\nsystem\n.",
    }


def test_code_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for name, content in hostile(trace).items():
        path = written(tmp_path, content)
        with pytest.raises(InputError, match=rf"weights\.pkl: it asks for {name}, and only"):
            load_pickle(path)
        assert not trace.exists(), name


def test_those_files_would_run_code(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for name in ("builtins.eval", "builtins.exec", "posix.system"):
        pickle.loads(written(tmp_path, hostile(trace)[name]).read_bytes())
        assert trace.exists(), name
        trace.unlink()


def test_objects_outside_the_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"an object outside the file, 'key'"):
        load_pickle(written(tmp_path, b"\x80\x04\x8c\x03keyQ."))


def test_what_is_admitted_can_not_be_changed(tmp_path: Path) -> None:
    # BUILD with a pair of states sets attributes: here of the function that stands for a dict
    content = (
        b"\x80\x04\x8c\x0bcollections\x8c\x0bOrderedDict\x93N}\x8c\x09_function\x8c\x00s\x86b."
    )
    assert "BUILD" in {op.name for op, _, _ in pickletools.genops(content)}
    with pytest.raises(InputError, match="it sets _function of a function"):
        load_pickle(written(tmp_path, content))
    assert load_pickle(written(tmp_path, OrderedDict(a=1))) == {"a": 1}


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([1, "x", None], dtype=object), "dtype 'O8'"),
        (np.array(["x"]), "dtype 'U1'"),
        (np.zeros(2, dtype=[("a", "f4")]), "dtype 'V4'"),
        (np.zeros(2, dtype="M8[s]"), "dtype 'M8'"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_arrays_of_other_things(tmp_path: Path, array: Any, message: str, protocol: int) -> None:
    with pytest.raises(InputError, match=message):
        load_pickle(written(tmp_path, {"w": array}, protocol))


def test_an_array_larger_than_its_bytes(tmp_path: Path) -> None:
    short = pickle.dumps(np.zeros(3, dtype=np.float32), 4).replace(b"K\x03\x85", b"K\x09\x85")
    with pytest.raises(InputError, match=r"12 bytes for an array of shape \(9,\)"):
        load_pickle(written(tmp_path, short))


def nested(times: int) -> bytes:
    """A tuple of two of a tuple of two of ... 1, each written once."""
    return b"K\x01" + times * b"2\x86"


def array_of(shape: bytes) -> bytes:
    head = pickle.dumps(np.zeros(0, dtype=np.float32), 2)
    assert head.count(b"K\x00\x85") == 2
    start, state = head.rsplit(b"K\x00\x85", 1)
    return start + shape + state


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (nested(60) + b"Q.", "object outside the file"),
        (b"cnumpy\ndtype\n" + nested(60) + b"\x85R.", "array of dtype"),
        (b"c_codecs\nencode\nU\x01a" + nested(60) + b"\x86R.", "the encoding"),
        (b"\x96" + (2**44).to_bytes(8, "little") + b"x.", "damaged"),
        (array_of(b"U\x01x\x8a\x06" + (2**44).to_bytes(6, "little") + b"\x86"), "shape .'x', 1"),
        (array_of(nested(60)), "array of shape"),
        (array_of(b"(" + b"K\x01" * 33 + b"t"), "array of shape"),
        (array_of(b"J\xff\xff\xff\xffJ\xff\xff\xff\xff\x86"), r"shape \(-1, -1\)"),
    ],
    ids=["key", "dtype", "encoding", "bytearray", "repetition", "shape", "dimensions", "negative"],
)
def test_a_few_bytes_take_no_memory(tmp_path: Path, content: bytes, message: str) -> None:
    path = written(tmp_path, content if content.startswith(b"\x80") else b"\x80\x02" + content)
    with pytest.raises(InputError, match=message) as caught:
        load_pickle(path)
    assert len(str(caught.value)) < 1000 + len(str(path))


COPIED = {
    "text": (b"c_codecs\nencode\nq\x00", b"U\x06latin1\x86"),
    "pairs": (b"ccollections\nOrderedDict\nq\x00", b"\x85"),
    "fields": (b"cdill._dill\n_create_namedtuple\nq\x00", b"\x86"),
}
"""What is called, and what makes its arguments of the value on the stack."""


@pytest.mark.parametrize("what", COPIED)
def test_one_long_argument_of_many_calls_takes_no_memory(tmp_path: Path, what: str) -> None:
    """100 kB, by which 20,000 calls would make gigabytes."""
    name, more = COPIED[what]
    if what == "text":
        value = b"X" + (10**5).to_bytes(4, "little") + b"x" * 10**5
    else:
        value = b"]q\x02(" + b"K\x01K\x02\x86" * 20_000 + b"e"
    if what == "fields":
        value = b"N](" + b"".join(b"U\x05%05d" % k for k in range(15_000)) + b"e"
    content = b"\x80\x02]" + name + b"0" + value + more + b"q\x01" + b"0("
    content += b"h\x00h\x01R" * 20_000 + b"e."
    with pytest.raises(InputError, match="its calls are given far more than is in it"):
        load_pickle(written(tmp_path, content))


@pytest.mark.parametrize(
    "wide", [b"(" + b"K\x01" * 6 + b"t", b"X\x00\x00\x0f\x00" + b"x" * 983_040]
)
def test_what_is_shown_is_short_whatever_is_in_it(tmp_path: Path, wide: bytes) -> None:
    content = b"\x80\x02" + wide + 5 * (b"q\x00(" + 6 * b"h\x00" + b"t") + b"Q."
    with pytest.raises(InputError, match=r"object outside the file, \(a tuple of 6") as caught:
        load_pickle(written(tmp_path, content))
    assert len(str(caught.value)) < 600


def test_a_name_that_is_asked_for_is_shown_short_and_plain(tmp_path: Path) -> None:
    name = "\x1b[31m" + "long" * 1000
    content = b"\x80\x04\x8c\x02osX" + len(name).to_bytes(4, "little") + name.encode() + b"\x93."
    with pytest.raises(InputError, match=r"asks for 'os\.\\x1b\[31mlonglong") as caught:
        load_pickle(written(tmp_path, content))
    assert len(str(caught.value)) < 600


def test_a_number_of_a_remembered_value_takes_no_memory(tmp_path: Path) -> None:
    """Python's unpickler in C would take 16 GiB."""
    content = b"\x80\x02K\x01r" + (2**31).to_bytes(4, "little") + b"."
    assert load_pickle(written(tmp_path, content)) == 1


FIELDS = b"cdill._dill\n_create_namedtuple\nU\x01a" + nested(60) + b"\x85\x86R."
LATER = b"](U\x01ae" + b"q\x00cdill._dill\n_create_namedtuple\nU\x01nh\x00\x86R"
HASHED = {
    "fields, added later": LATER + b"h\x00" + nested(60) + b"a0K\x01K\x01\x86R.",
    "SETITEM": b"}" + nested(60) + b"Ns.",
    "SETITEMS": b"}(U\x01aN" + nested(60) + b"Nu.",
    "DICT": b"(U\x01aN" + nested(60) + b"Nd.",
    "ADDITEMS": b"\x8f(U\x01a" + nested(60) + b"\x90.",
    "FROZENSET": b"(U\x01a" + nested(60) + b"\x91.",
    "ordered": b"ccollections\nOrderedDict\n]" + nested(60) + b"N\x86a\x85R.",
    "fields": FIELDS,
}
"""What would hash a tuple of 2^60 leaves."""


def test_tuples_that_would_take_years_to_hash_are_refused_as_keys(tmp_path: Path) -> None:
    """In a process of its own: hashing cannot be interrupted."""
    for name, content in HASHED.items():
        (tmp_path / name).write_bytes(b"\x80\x04" + content)
    each = (
        "import sys\n"
        "from pathlib import Path\n"
        "from causal_ssl.errors import InputError\n"
        "from causal_ssl.models.weights.pickles import load_pickle\n"
        "for path in sys.argv[1:]:\n"
        "    try:\n"
        "        load_pickle(Path(path))\n"
        "    except InputError as error:\n"
        "        print(error)\n"
    )
    paths = [str(tmp_path / name) for name in HASHED]
    found = subprocess.run(
        [sys.executable, "-c", each, *paths], capture_output=True, text=True, timeout=120
    )
    refused = "cannot load {}: a key of its dicts, or a member of its sets, is a tuple: strings"
    unseen = "cannot load {}: damaged, or no pickle (ValueError: zip() argument 2 is longer"
    lines = found.stdout.splitlines()
    assert len(lines) == len(paths), found.stderr
    for path, line in zip(paths, lines, strict=True):
        expected = unseen if path.endswith("later") else refused
        assert line.startswith(expected.format(path))


@pytest.mark.parametrize("key", ["a", b"a", 2**64 - 1, -5, 0.5, True, None])
@pytest.mark.parametrize("protocol", [2, 4])
def test_plain_keys(tmp_path: Path, key: Any, protocol: int) -> None:
    content = {key: 1, "other": OrderedDict([(key, 2)])}
    assert load_pickle(written(tmp_path, content, protocol)) == content


def test_a_key_of_many_bits(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is an integer beyond 64 bits: strings"):
        load_pickle(written(tmp_path, {2**64: 1}))


def test_damaged_or_missing(tmp_path: Path) -> None:
    path = written(tmp_path, pickle.dumps(ARRAYS, 4)[:-20])
    with pytest.raises(InputError, match=r"weights\.pkl: damaged, or no pickle"):
        load_pickle(path)
    with pytest.raises(InputError, match=r"gone\.pkl: No such file"):
        load_pickle(tmp_path / "gone.pkl")
