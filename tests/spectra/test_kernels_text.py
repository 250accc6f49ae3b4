"""Decimal numbers, read to the last bit, against Python's own `float`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra._kernels.text import SPACE, parse_columns

COMMA, POINT = np.uint8(ord(",")), np.uint8(ord("."))
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # whole numbers wrap, as they do when compiled


def parse(text, separator=COMMA, decimal=POINT, most=64):
    """Rows of the kernel, and the words that it leaves to the caller."""
    points, hard = np.zeros((most, 2)), np.zeros((2 * most, 3), np.int64)
    raw = np.frombuffer(text.encode(), np.uint8)
    n, n_hard = parse_columns(raw, separator, decimal, points, hard)
    return n, points[: max(n, 0)], {where: text[start:end] for where, start, end in hard[:n_hard].tolist()}


def read(word):
    """One number through the kernel; None where it is left to the caller."""
    n, points, hard = parse(f"{word},1\n")
    assert n == 1
    assert hard in ({}, {0: word})
    return None if hard else points[0, 0]


@settings(max_examples=300, deadline=None)
@given(w=st.integers(0, 10**19 - 1), point=st.integers(0, 19), sign=st.sampled_from(["", "-", "+"]))
def test_up_to_19_digits_are_exact(w, point, sign):
    digits = str(w).zfill(point + 1)
    word = sign + digits[: len(digits) - point] + "." + digits[len(digits) - point :]
    got = read(word)
    if point or w < 2**53:
        assert got == float(word)
    else:
        assert got is None


@settings(max_examples=300, deadline=None)
@given(x=st.floats(allow_nan=False, allow_infinity=False), form=st.sampled_from(["{!r}", "{:.18e}", "{:.15g}", "{:.6f}", "{:E}"]))
def test_what_programs_write_is_exact_or_left(x, form):
    word = form.format(x)
    got = read(word)
    assert got is None or (got == float(word) and np.signbit(got) == np.signbit(x))


@pytest.mark.parametrize(
    "word", ["1234.5678901234567", "0.12345678901234567", "1.000000000000000001e+03", "999999.99999999999", "5e-22", "1e22"]
)
def test_the_usual_lengths_are_not_left(word):
    assert read(word) == float(word)


@pytest.mark.parametrize("offset", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("base", [2**53, 2**54, 2**55, 2**56])
def test_ties_go_to_even(base, offset):
    word = f"{base + offset}.0"
    assert read(word) == float(word)


@pytest.mark.parametrize("k", range(1, 20))
def test_next_to_the_middle_of_two_doubles(k):
    for w in (2**63, 2**63 + 1, 2**64 - 1, 10**19, 10**k + 1, 2**53 + 1):
        word = f"{w}e-{k}"
        got = read(word)
        assert got == float(word) if len(str(w)) <= 19 else got is None


def test_leading_zeros_are_no_digits():
    assert read("0000000000000000000001.5") == 1.5


@pytest.mark.parametrize(
    "text", ["1\n", "1,\n", "1,2,3\n", "1 2\n", ",1\n", "1,2;\n", "1,-\n", "1,2e\n", "1,2e+\n", "1,.\n", "nan,1\n", "1,2\n3", "a,1\n"]
)
def test_other_lines_are_refused(text):
    assert parse(text)[0] == -1


@pytest.mark.parametrize("text", ["", "\n\n", "# 1,2\n", "%", " \t "])
def test_no_points(text):
    assert parse(text)[0] == 0


def test_layout():
    n, points, _ = parse(" 1 , 2 \n\n#x\n3,4\t\n  5\t,6")
    assert n == 3
    assert points.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert parse("1,5 \t 2,5\n", SPACE, COMMA)[1].tolist() == [[1.5, 2.5]]
    assert parse("1 2", SPACE)[1].tolist() == [[1, 2]]
    assert parse("1 2 ,", SPACE)[0] == -1


def test_no_more_rows_than_asked_for():
    assert parse("1,2\n" * 10, most=4)[0] == 4
