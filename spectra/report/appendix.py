"""Tables at the end: settings, and what it takes to run the same again."""

import shlex

from spectra.settings import Method, Settings, options
from spectra.study import record

STEPS = {
    "read": "reading",
    "transform": "transform",
    "smooth": "smoothing",
    "baseline": "baseline",
    "normalize": "normalisation",
    "noise": "noise level",
    "peaks": "peak finding",
    "calibrate": "calibration",
    "quotient": "quotient normalisation",
    "align": "alignment",
    "bin": "binning",
    "agreement": "agreement of replicates",
    "filter": "filter",
    "study": "comparison",
}


def _plain(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value)) or "all"
    return f"{value:g}" if isinstance(value, float) else str(value)


def settings_rows(settings, steps=tuple(STEPS)):
    """Every option of every step: value, unit, meaning, bounds, and whether it differs from the default."""
    rows = []
    for step in steps:
        section, default = getattr(settings, step), getattr(Settings(), step)
        about = {"step": STEPS[step], "about": (section.__doc__ or "").splitlines()[0] if section.__doc__ else ""}
        if isinstance(section, Method):
            changed = section.method != getattr(default, "method", None)
            found = [{"name": "method", "value": section.method, "unit": "", "words": about["about"], "bounds": "", "changed": changed}]
        else:
            found = []
        same = type(section) is type(default)
        for option in options(settings, step):
            found.append(
                {
                    "name": option.name.replace("_", " "),
                    "value": _plain(option.value),
                    "unit": option.unit,
                    "words": option.description,
                    "bounds": option.bounds,
                    "changed": not same or option.value != getattr(default, option.name),
                }
            )
        rows.append(about | {"options": found})
    return rows


def command(facts):
    """The command line that runs the same again, from the run folder."""
    words = ["spectra", facts.get("command", "study"), str(facts.get("input", "MANIFEST"))]
    for role, name in (facts.get("roles") or {}).items():
        if name:
            words += [f"--{role}", str(name)]
    for name in facts.get("drop") or ():
        words += ["--drop", str(name)]
    for name in ("external", "hold_out"):
        if facts.get(name):
            words += [f"--{name.replace('_', '-')}", str(facts[name])]
    words += ["--settings", "settings.toml"]
    if "seed" in facts:
        words += ["--seed", str(facts["seed"])]
    return shlex.join([*words, "--out", "again"])


def provenance(facts):
    """What the numbers came from: (name, value) pairs, those that are known."""
    seconds = facts.get("seconds")
    known = [
        ("input", facts.get("input")),
        ("SHA-256 of the input", facts.get("input_sha256")),
        ("digest of data, settings and versions", facts.get("data_digest")),
        ("seed", facts.get("seed")),
        ("threads", facts.get("n_jobs")),
        ("time", None if seconds is None else f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} minutes"),
        ("of which", ", ".join(f"{name.replace('_', ' ')} {spent:.1f} s" for name, spent in facts.get("seconds_of", {}).items()) or None),
        ("finished", facts.get("finished")),
        ("git commit", facts.get("git_commit") or record.git_commit()),
    ]
    versions = facts.get("versions") or record.versions()
    return [(name, str(value)) for name, value in known if value is not None] + [(name, str(value)) for name, value in versions.items()]
