"""``python -m benchmarks.honesty``: does the study tell the truth where the truth is known? Draws ``.assets/honesty.svg``.

*Noise*: cohorts without any marker. The 95 % interval of the nested AUC should cover one half in about 95 of 100. On the same cohorts two
customary ways show how much they flatter: *bins from all* learns alignment, bins and the filter by class from all spectra, and then
cross-validates choice and model; *peaks from all* chooses the ten best peaks on all spectra as well, and cross-validates only the model, as
MALDIquant's worked example of the Fiedler spectra does with its two (accuracy 0.95 there; AUC 0.89 from nothing here).

*Clean*: cohorts with five true markers and two alike sites. The audit should raise a false alarm in at most 5 of 100.

*Confounded*: a site effect that goes with the class, of several sizes: how often does the audit find it?

Every finished cohort is a line of ``--rows``; a run that was stopped goes on from there.
"""

import argparse
import dataclasses
import hashlib
import itertools
import json
import pathlib

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks import ROOT
from spectra import Instrument, simulate_cohort
from spectra.pipeline import learned_steps, preprocess
from spectra.settings import Settings, change, to_dict
from spectra.study import parts, scores
from spectra.study.candidates import candidates
from spectra.study.course import Course
from spectra.study.evaluation import SELECTED, Problem
from spectra.study.roles import encode, groups_of
from spectra.study.splits import grouped_splits

INSTRUMENT = Instrument(dwell=4.0)  # a quarter of the points: the questions here are about labels
SPECTRA, FOLDS = 60, 5
BEST = 10  # peaks that the customary ways keep
EFFECTS = (0.125, 0.25, 0.5, 1.0)  # of a site, in standard deviations of a molecule's amount
KINDS = ("noise", "clean", *(f"confounded {effect:g}" for effect in EFFECTS))


def settings_of(kind):
    """Small and quick: two models for the question of intervals, one where only the audit is asked."""
    models = ("naive Bayes", "logistic regression L2") if kind == "noise" else ("naive Bayes",)
    few = {"repeats": 1, "inner_folds": 2, "permutations": 499, "resamples": 1000, "shuffles": 0, "sensitivity": False}
    settings = change(Settings(), "study", models=models, **few)
    for step, option in (("smooth", "half_window"), ("baseline", "iterations"), ("peaks", "half_window")):
        points = getattr(getattr(settings, step), option)
        settings = change(settings, step, **{option: round(points / INSTRUMENT.dwell)})  # as wide in m/z as with all the points
    return settings


def simulated(kind, seed):
    """The cohort of that kind and seed."""
    options = {"n_markers": 0 if kind == "noise" else 5, "site_effect": 0.0, "confounded": False}
    if kind.startswith("confounded"):
        options |= {"site_effect": float(kind.split()[1]), "confounded": True}
    return simulate_cohort(SPECTRA, seed=[KINDS.index(kind), seed], instrument=INSTRUMENT, **options).cohort


def best_columns(values, y):
    """The BEST columns by Welch's t."""
    high, low = values[y == 1], values[y == 0]
    t = (high.mean(axis=0) - low.mean(axis=0)) / np.sqrt(high.var(axis=0) / len(high) + low.var(axis=0) / len(low) + 1e-12)
    return np.argsort(-np.abs(t))[:BEST]


def customary(problem):
    """AUC of the two customary ways, on the folds that the study itself uses."""
    y = problem.y
    values = learned_steps(problem.settings, problem.data).fit_transform(problem.data, y).values
    from_all = best_columns(values, y)
    found = {"bins_from_all": [], "peaks_from_all": []}
    for split in grouped_splits(y, problem.groups, folds=FOLDS, repeats=1, seed=problem.seed):
        inside = best_columns(values[split.train], y[split.train])
        for name, chosen in (("bins_from_all", inside), ("peaks_from_all", from_all)):
            model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1)).fit(values[np.ix_(split.train, chosen)], y[split.train])
            found[name].append((split.test, model.predict_proba(values[np.ix_(split.test, chosen)])))
    return {name: float(scores.auc(folds, y[None, :], np.ones((1, y.size)))[0]) for name, folds in found.items()}


def course_of(raw, settings, seed):
    """A study about to begin: the parts are then run one by one, only those whose answer is known."""
    done, nuisance = preprocess(raw, settings, n_jobs=1)
    roles = {"label": "label", "group": "patient", "site": "site"}
    y, classes, _ = encode(done.samples["label"], None)
    groups, group_name = groups_of(done.samples, roles)
    problem = Problem(done, settings, y, groups, classes, seed)
    work = {"n_jobs": 1, "progress": None, "store": None, "notes": []}
    about = {
        "raw": None,
        "nuisance": nuisance,
        "quality": None,
        "table": done.samples,
        "roles": roles,
        "group_name": group_name,
        "shuffled": [],
    }
    return Course(problem, **about, folds=FOLDS, candidates=candidates(settings.study.models), **work)


def one(kind, seed):
    """What the study says of one cohort."""
    settings = settings_of(kind)
    course = course_of(simulated(kind, seed), settings, seed)
    row = {"kind": kind, "seed": seed, "made_by": digest()}
    with threadpool_limits(1):
        at_random = dataclasses.replace(course, roles=course.roles | {"site": None})  # without holding out whole sites
        course.found |= parts.comparison(at_random) if kind == "noise" else {"scores": []}
        row["alarms"] = [f"{c.control} -> {c.predicts}" for c in parts.controls(course)["controls"] if c.flag]
    if kind == "noise":
        best = next(score for score in course.found["scores"] if score.name == SELECTED)
        row |= {"auc": best.auc.mean, "low": best.auc.low, "high": best.auc.high, **customary(course.problem)}
    return row


def digest():
    """Of everything that makes the rows, so that a file of other rows is not continued."""
    made_by = [to_dict(settings_of(kind)) for kind in KINDS], repr(INSTRUMENT), SPECTRA, BEST
    return hashlib.blake2b(json.dumps(made_by, sort_keys=True).encode(), digest_size=8).hexdigest()


def finished(path):
    """Rows of an earlier run with these settings."""
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]  # the last may be cut short
    return [row for row in rows if row["made_by"] == digest()]


def run(counts, path, n_jobs):
    """All rows: those that `path` has, and those still to be made."""
    rows = finished(path)
    have = {(row["kind"], row["seed"]) for row in rows}
    wanted = [(kind, seed) for kind in KINDS for seed in range(counts[kind])]
    todo = [task for task in wanted if task not in have]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with path.open("a") as file:
        for row in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(itertools.starmap(delayed(one), todo)):
            rows.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
    return [row for row in rows if (row["kind"], row["seed"]) in set(wanted)]


def share(hits):
    """(share, low, high) with Wilson's 95 % interval."""
    hits = np.asarray(hits, bool)
    n, p, z = hits.size, hits.mean(), 1.96
    centre, half = (p + z * z / (2 * n)) / (1 + z * z / n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(p), float(centre - half), float(centre + half)


def is_site(alarm):
    return alarm.startswith("site ->") or alarm.endswith("-> site")


def summary(rows):
    """{what: (share or mean, low, high)} of each kind."""
    found = {}
    for kind in KINDS:
        mine = [row for row in rows if row["kind"] == kind]
        if not mine:
            continue
        found[kind] = {"cohorts": len(mine), "any alarm": share([bool(row["alarms"]) for row in mine])}
        if kind.startswith("confounded"):
            technical = [[alarm for alarm in row["alarms"] if not alarm.startswith("site ->")] for row in mine]
            found[kind] |= {"any alarm but that of the site's own column": share([bool(alarms) for alarms in technical])}
        if kind == "noise":
            found[kind] |= {"interval covers 0.5": share([row["low"] <= 0.5 <= row["high"] for row in mine])}
            for name in ("auc", "bins_from_all", "peaks_from_all"):
                values = np.array([row[name] for row in mine])
                half = 1.96 * values.std(ddof=1) / np.sqrt(values.size)
                found[kind]["AUC, " + name] = (float(values.mean()), float(values.mean() - half), float(values.mean() + half))
    return found


def draw(rows, path):
    """AUC on noise by three ways; the intervals; alarms against the size of the site effect."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.hashsalt"] = "honesty"
    found, noise = summary(rows), sorted((row for row in rows if row["kind"] == "noise"), key=lambda row: row["auc"])
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    ways = {
        "auc": "everything inside\nthe folds (spectra)",
        "bins_from_all": "bins from\nall spectra",
        "peaks_from_all": "bins and ten peaks\nfrom all spectra",
    }
    for place, (name, colour) in enumerate(zip(ways, ("#1b6ca8", "#c99700", "#c0562f"), strict=True)):
        values = np.array([row[name] for row in noise])
        left.scatter(place + np.random.default_rng(0).uniform(-0.25, 0.25, values.size), values, s=8, color=colour, alpha=0.5, lw=0)
        left.hlines(values.mean(), place - 0.38, place + 0.38, color=colour, lw=2)
        left.text(
            place, 0.99, f"mean {values.mean():.3f}", va="top", ha="center", transform=left.get_xaxis_transform(), color=colour, fontsize=9
        )
    left.axhline(0.5, color="0.4", lw=0.8, ls="--")
    left.set(xlim=(-0.5, 2.5), ylim=(0.15, 1.05), ylabel="AUC by cross-validation", title=f"{len(noise)} cohorts of pure noise")
    left.set_xticks(range(3), ways.values(), fontsize=8)
    for place, row in enumerate(noise):
        covers = row["low"] <= 0.5 <= row["high"]
        middle.vlines(place, row["low"], row["high"], color="#9db7cc" if covers else "#c0562f", lw=1)
    middle.plot(range(len(noise)), [row["auc"] for row in noise], ".", ms=2, color="#1b6ca8")
    middle.axhline(0.5, color="0.4", lw=0.8, ls="--")
    covered = found["noise"]["interval covers 0.5"]
    middle.set(xlabel="cohort, by AUC", ylabel="nested AUC, 95 % interval")
    middle.set_title(f"{100 * covered[0]:.0f} % of the intervals hold 0.5")
    for name, label, marker in (
        ("any alarm", "any alarm", "o"),
        ("any alarm but that of the site's own column", "without the site's own column", "s"),
    ):
        points = [(0.0, found["clean"]["any alarm"])] if "clean" in found else []
        points += [(effect, found[f"confounded {effect:g}"][name]) for effect in EFFECTS if f"confounded {effect:g}" in found]
        at, (p, low, high) = [x for x, _ in points], np.array([y for _, y in points]).T
        right.errorbar(at, 100 * p, 100 * np.array([p - low, high - p]), marker=marker, ms=4, lw=1, capsize=2, label=label)
    right.axhline(5, color="0.4", lw=0.8, ls="--")
    right.set(
        xlabel="site effect, standard deviations (0: clean)",
        ylabel="cohorts with an alarm, %",
        ylim=(-3, 103),
        title="What the audit finds",
    )
    right.legend(loc="center right", fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.honesty", description=__doc__)
    parser.add_argument("--cohorts", type=int, default=200, help="of noise; half as many clean ones, a fifth of each effect")
    parser.add_argument("--n-jobs", type=int, default=2, help="processes")
    parser.add_argument("--rows", type=pathlib.Path, default=ROOT / "build" / "honesty.jsonl", help="finished cohorts")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / ".assets" / "honesty.svg")
    options = parser.parse_args(arguments)
    counts = {kind: max(2, options.cohorts // {"noise": 1, "clean": 2}.get(kind, 5)) for kind in KINDS}
    rows = run(counts, options.rows, options.n_jobs)
    for kind, facts in summary(rows).items():
        print(f"{kind}, {facts.pop('cohorts')} cohorts of {SPECTRA} spectra")
        for name, (value, low, high) in facts.items():
            print(f"  {name:<44} {value:.3f} [{low:.3f}, {high:.3f}]")
    draw(rows, options.out)
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
