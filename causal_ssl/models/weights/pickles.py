"""Pickles of plain values and arrays, read without running anything that a pickle names.

A pickle says which functions to call, and Python's unpickler imports and calls whatever they are.
Here the names are looked up in a table, `ADMITTED`; all others are refused by name. Not even what
is in the table is called: a function of this file stands for each. numpy's own constructors are
among those replaced, since they trust sizes and flags that a hostile file can set. What a file says
is shown abridged: a few bytes that nest one value in another many times would print as gigabytes.
To hash such a tuple, as a key of a dict, would take years, so none is a key. One long argument can
be given to many calls, each of which copies it: what all calls are given has a limit. Keys and
arguments are seen beforehand by the unpickler that is written in Python alone, hence its use.
"""

import pickle
from collections.abc import Callable, Iterable
from math import prod
from pathlib import Path
from struct import unpack
from typing import Any, BinaryIO

import numpy as np

from causal_ssl.errors import InputError

DTYPES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
"""Of arrays that are read: numbers. Objects, records, strings and the rest are refused."""
DIMENSIONS = 32
"""That arrays may have: numpy's own limit, before 2.0."""
KEYS = (str, bytes, int, float, bool, type(None))
"""Of dicts; integers of 64 bits."""
AT_MOST, ROOM = 4, 2**20
"""Bytes, characters and members that calls are given: times the file's size, and some."""
SHOWN = 60
"""Characters of a value of a file, in messages."""


def load_pickle(path: Path) -> Any:
    """What a pickle holds: numbers, strings, None, lists, tuples, dicts and arrays.

    Keys of dicts are strings, bytes, numbers or None. Ordered and Haiku's dicts become dicts, named
    tuples dicts of their fields, numpy's and jax's arrays `PickledArray`s.

    Args:
        path: of a pickle of protocol 2 to 5, made with pickle or dill and Python 3.

    Raises:
        InputError: it can not be opened, is damaged, or asks for anything else; names the file and
            what it asks for.
    """
    try:
        with path.open("rb") as file:
            return _Unpickler(file, path.stat().st_size).load()
    except OSError as error:
        raise InputError(f"cannot load {path}: {error.strerror or error}") from error
    except _RefusedError as error:
        raise InputError(
            f"cannot load {path}: {error}, and only numbers, strings, lists, dicts and arrays of "
            "numbers are read from a pickle, since loading all else can run any code"
        ) from error
    except InputError as error:
        raise InputError(f"cannot load {path}: {error}") from error
    except Exception as error:  # on foreign bytes the unpickler raises whatever it runs into
        kind = type(error).__name__
        raise InputError(f"cannot load {path}: damaged, or no pickle ({kind}: {error})") from error


class PickledArray:
    """An array of numbers as the bytes that a pickle has of it."""

    __slots__ = ("_array",)

    def __init__(self, values: np.ndarray | None = None) -> None:
        self._array = np.empty(0) if values is None else values

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        """Take what numpy saves: a version, shape, dtype, whether columns come first, the bytes."""
        shape, dtype, columns_first, data = state[-4:]
        self._array = _array(data, dtype, shape, "F" if columns_first is True else "C")

    def numpy(self) -> np.ndarray:
        """The array itself, read-only, in the byte order that it was saved in."""
        return self._array


class _RefusedError(Exception):
    """What a pickle asks for and does not get."""


def abridged(value: Any, depth: int = 1) -> str:
    """A value in few words, whatever it is.

    Examples:
        >>> abridged((2, ((), ()), "a")), abridged([2])
        ("(2, a tuple of 2, 'a')", 'a list of 1')
    """
    if isinstance(value, str | bytes | bytearray):
        return repr(value[:SHOWN]) + "..." * (len(value) > SHOWN)
    if isinstance(value, int) and value.bit_length() > 200:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, bool | int | float | None):
        return repr(value)
    if isinstance(value, tuple) and depth and len(value) <= 6:
        return (
            f"({', '.join(abridged(each, depth - 1) for each in value)}{',' * (len(value) == 1)})"
        )
    of = f" of {len(value):,}" if isinstance(value, tuple | list | dict | set | frozenset) else ""
    return f"a {type(value).__name__}{of}"


def _require_plain(keys: Iterable[Any]) -> None:
    """Refuse keys that take long to hash, without doing so."""
    for key in keys:
        if type(key) not in KEYS or (type(key) is int and key.bit_length() > 64):
            kind = "an integer beyond 64 bits" if type(key) is int else f"a {type(key).__name__}"
            raise InputError(
                f"a key of its dicts, or a member of its sets, is {kind}: strings, bytes, numbers "
                "of 64 bits, booleans and None are read"
            )


def _with_plain(operation: bytes, keys: slice) -> Callable[[Any], None]:
    """What the unpickler does, once those of its topmost values that it hashes were looked at."""
    load = pickle._Unpickler.dispatch[operation[0]]

    def looked_at(unpickler: Any) -> None:
        _require_plain(unpickler.stack[keys])
        load(unpickler)

    return looked_at


def _bytearray(unpickler: Any) -> None:
    # Python's own takes the memory before it looks whether the file has as many bytes.
    (length,) = unpack("<Q", unpickler.read(8))
    unpickler.append(bytearray(unpickler.read(length)))


def _counted(operation: bytes, place: int) -> Callable[[Any], None]:
    """What the unpickler does, once the call's arguments, there on the stack, were counted."""
    load = pickle._Unpickler.dispatch[operation[0]]

    def counted(unpickler: Any) -> None:
        unpickler.count(unpickler.stack[place])
        load(unpickler)

    return counted


class _Unpickler(pickle._Unpickler):
    """
    Args:
        file: the pickle.
        size: its bytes. What calls are given may be longer together only as far as a file that
            remembers short values makes it, such as the names of its types.
    """

    dispatch = pickle._Unpickler.dispatch | {
        pickle.REDUCE[0]: _counted(pickle.REDUCE, -1),
        pickle.NEWOBJ[0]: _counted(pickle.NEWOBJ, -1),
        pickle.NEWOBJ_EX[0]: _counted(pickle.NEWOBJ_EX, -2),
        pickle.SETITEM[0]: _with_plain(pickle.SETITEM, slice(-2, -1)),
        pickle.SETITEMS[0]: _with_plain(pickle.SETITEMS, slice(None, None, 2)),
        pickle.DICT[0]: _with_plain(pickle.DICT, slice(None, None, 2)),
        pickle.ADDITEMS[0]: _with_plain(pickle.ADDITEMS, slice(None)),
        pickle.FROZENSET[0]: _with_plain(pickle.FROZENSET, slice(None)),
        pickle.BYTEARRAY8[0]: _bytearray,
    }

    def __init__(self, file: BinaryIO, size: int) -> None:
        super().__init__(file)
        self._left = AT_MOST * size + ROOM

    def count(self, arguments: Any) -> None:
        """Take them from what calls may be given."""
        self._left -= sum(len(each) if hasattr(each, "__len__") else 1 for each in arguments)
        if self._left < 0:
            raise _RefusedError("its calls are given far more than is in it")

    def _instantiate(self, function: Any, arguments: Any) -> None:
        self.count(arguments)
        super()._instantiate(function, arguments)  # type: ignore[misc]

    def find_class(self, module: str, name: str) -> Any:
        if (stand_in := ADMITTED.get((module, name))) is None:
            asked = f"{module}.{name}"
            plain = asked.isprintable() and len(asked) < 200
            raise _RefusedError(f"it asks for {asked if plain else abridged(asked)}")
        return stand_in

    def persistent_load(self, key: Any) -> Any:
        raise _RefusedError(f"it asks for an object outside the file, {abridged(key)}")


class _StandIn:
    """A function of ours that a pickle may call, and may not change."""

    __slots__ = ("_function",)
    _function: Callable[..., Any]

    def __init__(self, function: Callable[..., Any]) -> None:
        object.__setattr__(self, "_function", function)

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)

    def __setattr__(self, name: str, value: Any) -> None:
        raise _RefusedError(f"it sets {name} of a function")


class _DType:
    __slots__ = ("code", "order")

    def __init__(self, code: str, *_: Any) -> None:
        if code not in DTYPES:
            raise _RefusedError(f"it has an array of dtype {abridged(code)}")
        self.code, self.order = code, "<"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, *parts = state
        if order not in ("<", ">", "|") or any(part is not None for part in parts[:3]):
            raise _RefusedError(f"it has an array of records, {self.code} with {abridged(state)}")
        self.order = order

    def numpy(self) -> np.dtype:
        return np.dtype(self.order + self.code)


def _array(data: Any, dtype: Any, shape: tuple[int, ...], order: Any) -> np.ndarray:
    if not isinstance(dtype, _DType) or not isinstance(data, bytes | bytearray):
        raise _RefusedError("it has an array that is not of numbers")
    if (
        not isinstance(shape, tuple)
        or len(shape) > DIMENSIONS
        or any(type(side) is not int or not 0 <= side < 2**63 for side in shape)
    ):
        raise _RefusedError(f"it has an array of shape {abridged(shape)}")
    kind = dtype.numpy()
    if prod(shape) * kind.itemsize != len(data):
        found = f"shape {abridged(shape)} and dtype {kind}"
        raise ValueError(f"{len(data)} bytes for an array of {found}")
    array = np.frombuffer(data, kind).reshape(shape, order="F" if order == "F" else "C")
    array.flags.writeable = False
    return array


def _from_buffer(
    data: Any, dtype: Any, shape: Any, order: Any, axes: tuple[int, ...] | None = None
) -> PickledArray:
    if axes is None:
        return PickledArray(_array(data, dtype, shape, order))
    return PickledArray(_array(data, dtype, shape, "C").transpose(axes))


def _reconstruct(*_: Any) -> PickledArray:
    # The arguments are those of an empty array; what it holds comes as its state.
    return PickledArray()


def _with_state(make: Any, arguments: Any, state: Any, *_: Any) -> PickledArray:
    # jax's and dill's way: numpy's, as arguments. What `make` would be is not of interest.
    array = PickledArray()
    array.__setstate__(state)
    return array


def _scalar(dtype: Any, data: Any) -> Any:
    return _array(data, dtype, (), "C").item()


def _bytes(text: str, encoding: str) -> bytes:
    # How protocol 2 has bytes.
    if encoding != "latin1":
        raise _RefusedError(f"it asks for the encoding {abridged(encoding)}")
    return text.encode("latin1")


def _dict(items: Any = ()) -> dict[Any, Any]:
    pairs = list(items.items() if isinstance(items, dict) else items)
    _require_plain(key for key, _ in pairs)
    return dict(pairs)


def _named_tuple(name: str, fields: Iterable[Any], *_: Any) -> type:
    fields = tuple(fields)  # of its own: a list could be added to later
    _require_plain(fields)

    def new(cls: type, *values: Any) -> dict[str, Any]:
        return dict(zip(fields, values, strict=True))

    return type("NamedTuple", (), {"__slots__": (), "__new__": new})


HAIKU_DICTS = ("FlatMapping", "FlatMap", "frozendict")
NUMPY_CORES = ("numpy.core", "numpy._core")  # of numpy 1, of numpy 2


ADMITTED = {
    ("_codecs", "encode"): _StandIn(_bytes),
    ("__builtin__", "bytes"): _StandIn(lambda: b""),  # protocol 2 has no other empty bytes
    ("collections", "OrderedDict"): _StandIn(_dict),
    ("numpy", "dtype"): _StandIn(_DType),
    ("numpy", "ndarray"): _StandIn(_reconstruct),
    **{(f"{core}.multiarray", "_reconstruct"): _StandIn(_reconstruct) for core in NUMPY_CORES},
    **{(f"{core}.multiarray", "scalar"): _StandIn(_scalar) for core in NUMPY_CORES},
    **{(f"{core}.numeric", "_frombuffer"): _StandIn(_from_buffer) for core in NUMPY_CORES},
    ("jax._src.array", "_reconstruct_array"): _StandIn(_with_state),
    ("jax._src.device_array", "reconstruct_device_array"): _StandIn(_with_state),
    **{("haiku._src.data_structures", name): _StandIn(_dict) for name in HAIKU_DICTS},
    ("dill._dill", "_create_array"): _StandIn(_with_state),
    ("dill._dill", "_create_namedtuple"): _StandIn(_named_tuple),
}
"""(module, name) as pickles have them -> what is called instead."""
