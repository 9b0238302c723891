"""Numbers in names."""


def exactly(value: float) -> str:
    """The shortest words for a number that tell it from every other, for names made of numbers.

    Examples:
        >>> exactly(0.1), exactly(10.0), exactly(1e-06), exactly(0.1234567)
        ('0.1', '10', '1e-06', '0.1234567')
    """
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


def read_exactly(text: str) -> float:
    """A number as tables have it, to its last bit, which `pandas.read_csv` may round; NaN for "".

    Examples:
        >>> read_exactly("0.1234567"), read_exactly("")
        (0.1234567, nan)
    """
    return float(text or "nan")
