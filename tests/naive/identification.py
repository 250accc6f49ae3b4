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
