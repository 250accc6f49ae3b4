"""Two columns of decimal numbers, read to the last bit.

A number is ``w * 10**e`` with a whole number w of at most 19 digits, so w fits a uint64. Most are exact at once: below 2**53 and for
abs(e) <= 22 both w and 10**abs(e) are doubles, and one division or multiplication rounds once (Clinger 1990). Longer ones with
-19 <= e < 0, such as the 17 digits that programs write to lose nothing, are divided as whole numbers (Knuth, TAOCP 2, 4.3.1,
algorithm D, in base 2**32) and the quotient is rounded to 53 bits, half to even. What remains is left to the caller.
"""

import math

import numpy as np

from spectra._kernels._jit import njit

_TENS = np.array([10.0**k for k in range(23)])
_SHIFTS = np.array([64 - (10**k).bit_length() for k in range(20)], dtype=np.int64)
_DIVISORS = np.array([10**k << (64 - (10**k).bit_length()) for k in range(20)], dtype=np.uint64)  # 10**k with the top bit set
_HALF = np.uint64(2**32)
_LOW = np.uint64(2**32 - 1)
_TOP = np.uint64(2**63)
_EXACT = np.uint64(2**53)
_ONE, _TEN, _11, _32, _63 = np.uint64(1), np.uint64(10), np.uint64(11), np.uint64(32), np.uint64(63)

SPACE, TAB, NEWLINE = np.uint8(32), np.uint8(9), np.uint8(10)
_HASH, _PERCENT, _PLUS, _MINUS, _ZERO, _NINE, _LOWER, _E = (np.uint8(code) for code in (35, 37, 43, 45, 48, 57, 32, 101))
_READ, _HARD, _WRONG = 0, 1, 2


@njit
def _digit(high, low, divisor):
    """One digit in base 2**32 of ``(high * 2**32 + low) / divisor``, and the remainder; high < divisor, whose top bit is set."""
    upper, lower = divisor >> _32, divisor & _LOW
    digit = high // upper
    rest = high - digit * upper
    while digit >= _HALF or digit * lower > (rest << _32) + low:
        digit -= _ONE
        rest += upper
        if rest >= _HALF:
            break
    return digit, (high << _32) + low - digit * divisor


@njit
def _quotient(w, k):
    """``w / 10**k`` as the nearest double, for 0 < w < 2**64 and 1 <= k <= 19."""
    shift = _SHIFTS[k]
    while w < _TOP:
        w <<= _ONE
        shift -= 1
    divisor = _DIVISORS[k]
    first, rest = _digit(w >> _ONE, (w & _ONE) << np.uint64(31), divisor)  # of w * 2**63 / divisor, which lies within 2**62 .. 2**64
    second, rest = _digit(rest, np.uint64(0), divisor)
    quotient = (first << _32) + second
    extra = _11 if quotient >= _TOP else _TEN
    mantissa = quotient >> extra
    cut, half = quotient & ((_ONE << extra) - _ONE), _ONE << (extra - _ONE)
    if cut > half or (cut == half and (rest != 0 or mantissa & _ONE)):
        mantissa += _ONE
    return math.ldexp(np.float64(mantissa), int(shift - 63 + np.int64(extra)))


@njit
def _digits(text, i, w):
    """Append the digits from byte i on to w, modulo 2**64; gives w and the byte behind them."""
    j, size = np.uint64(i), np.uint64(text.size)  # unsigned, so no index may count from the end
    while j < size:
        code = text[j]
        if code < _ZERO or code > _NINE:
            break
        w = w * _TEN + np.uint64(code - _ZERO)
        j += _ONE
    return w, np.int64(j)


@njit
def _has_more_than_19_digits(text, start, end):
    """Whether more than 19 digits follow the leading zeros."""
    n = 0
    for i in range(start, end):
        if _ZERO <= text[i] <= _NINE and (n or text[i] > _ZERO):
            n += 1
    return n > 19


@njit
def _exponent(text, i):
    """The power of ten from byte i on (behind the e), capped at 9999, and the byte behind it, which is i where there are no digits."""
    start = i
    falls = i < text.size and text[i] == _MINUS
    if falls or (i < text.size and text[i] == _PLUS):
        i += 1
    first, power = i, 0
    while i < text.size and _ZERO <= text[i] <= _NINE:
        power = min(power * 10 + np.int64(text[i] - _ZERO), 9999)
        i += 1
    return (-power if falls else power), (start if i == first else i)


@njit
def _number(text, i, decimal):
    """The number that begins at byte i: its value, the byte behind it, and whether it was `_READ`, is too `_HARD` or `_WRONG`."""
    negative = text[i] == _MINUS
    if negative or text[i] == _PLUS:
        i += 1
    start, exponent = i, 0
    w, i = _digits(text, i, np.uint64(0))
    n_digits = i - start
    if i < text.size and text[i] == decimal:
        first = i + 1
        w, i = _digits(text, first, w)
        exponent = first - i
        n_digits -= exponent
    if n_digits == 0:
        return 0.0, i, _WRONG
    hard = n_digits > 19 and _has_more_than_19_digits(text, start, i)
    if i < text.size and text[i] | _LOWER == _E:
        power, end = _exponent(text, i + 1)
        if end == i + 1:
            return 0.0, i, _WRONG
        exponent += power
        i = end
    value = 0.0
    if w < _EXACT and -22 <= exponent <= 22:
        value = np.float64(w) / _TENS[-exponent] if exponent < 0 else np.float64(w) * _TENS[exponent]
    elif w > 0 and -19 <= exponent < 0:
        value = _quotient(w, -exponent)
    else:
        hard = True
    return (-value if negative else value), i, (_HARD if hard else _READ)


@njit
def _skip_blanks(text, i):
    while i < text.size and (text[i] == SPACE or text[i] == TAB):
        i += 1
    return i


@njit
def parse_columns(text, separator, decimal, points, hard):
    """Read lines of two numbers; empty lines and those that begin with ``#`` or ``%`` are passed over.

    text : uint8[::1]
    separator, decimal : uint8
        Codes of what parts the columns (`SPACE`: any white space) and of the decimal sign.
    points : float64[:, ::1], shape (most, 2). The first rows are overwritten.
    hard : int64[:, ::1], shape (2 * most, 3)
        The first rows are overwritten: index into the flat `points`, first byte and end of each number left to the caller.

    Returns the number of points and of hard numbers; -1 points where a line is something else, ``most`` where there may be more.
    """
    n, i, row, n_hard = text.size, 0, 0, 0
    while row < points.shape[0]:
        while i < n and (text[i] == SPACE or text[i] == TAB or text[i] == NEWLINE):
            i += 1
        if i == n:
            break
        if text[i] == _HASH or text[i] == _PERCENT:
            while i < n and text[i] != NEWLINE:
                i += 1
            continue
        for column in range(2):
            start = i
            value, i, state = _number(text, i, decimal)
            if state == _WRONG:
                return -1, n_hard
            if state == _HARD:
                hard[n_hard, 0], hard[n_hard, 1], hard[n_hard, 2] = 2 * row + column, start, i
                n_hard += 1
            points[row, column] = value
            end = i
            i = _skip_blanks(text, i)
            if column == 1:
                if i < n and text[i] != NEWLINE:
                    return -1, n_hard
            elif separator == SPACE:
                if i in (end, n):
                    return -1, n_hard
            elif i == n or text[i] != separator:
                return -1, n_hard
            else:
                i = _skip_blanks(text, i + 1)
                if i == n:
                    return -1, n_hard
        row += 1
    return row, n_hard
