"""Matches to a library, the obvious way."""


def matches(mz, molecules, forms, tolerance_ppm):
    """{(peak, molecule, form)} of all pairs within the tolerance."""
    found = set()
    for p, m in enumerate(mz):
        for i, molecule in enumerate(molecules):
            for name, (copies, added, charge) in forms.items():
                theory = (copies * molecule.mass + added) / charge
                if abs(m - theory) / theory * 1e6 <= tolerance_ppm:
                    found.add((p, i, name))
    return found


def chances(mz, values, forms, tolerance_ppm, least, near):
    """{(first, second, form): chance} of all links: 1 - exp(-how many of the eligible peaks lie as near, were they spread over `near` Da)."""
    import math

    from scipy.stats import spearmanr

    together = spearmanr(values)[0]
    found, crowd = {}, dict.fromkeys(range(len(mz)), 0)
    for name, (copies, added, charge) in forms.items():
        for second in range(len(mz)):
            molecule = (mz[second] * charge - added) / copies + 1.007276
            for first in range(len(mz)):
                if first == second or together[first, second] < least:
                    continue
                off = abs(molecule - mz[first])
                crowd[second] += off <= near
                expected = (copies * (mz[first] - 1.007276) + added) / charge
                if abs(mz[second] - expected) / expected * 1e6 <= tolerance_ppm:
                    found[first, second, name] = off
    return {key: 1 - math.exp(-crowd[key[1]] * off / near) for key, off in found.items()}
