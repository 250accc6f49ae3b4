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


def local_mad(y, window):
    """`mad` in windows that overlap by half, and straight lines between their middles."""
    n = len(y)
    if n <= window:
        return [mad(y)] * n
    count = max(2, round(2 * n / window) - 1)
    starts = [k * (n - window) // (count - 1) for k in range(count)]
    middles, levels = [s + (window - 1) / 2 for s in starts], [mad(y[s : s + window]) for s in starts]
    out = []
    for i in range(n):
        k = max((k for k in range(count) if middles[k] <= i), default=None)
        if k is None:
            out.append(levels[0])
        elif k == count - 1:
            out.append(levels[-1])
        else:
            share = (i - middles[k]) / (middles[k + 1] - middles[k])
            out.append(levels[k] + share * (levels[k + 1] - levels[k]))
    return out
