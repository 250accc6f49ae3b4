"""Order statistics by sorting."""


def median(values):
    ordered = sorted(float(v) for v in values)
    n = len(ordered)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


def mad(values):
    middle = median(values)
    return median([abs(float(v) - middle) for v in values])


def area(mz, y):
    return sum((float(b) - float(a)) * (float(u) + float(v)) / 2 for a, b, u, v in zip(mz[:-1], mz[1:], y[:-1], y[1:], strict=True))
