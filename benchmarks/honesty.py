"""``python -m benchmarks.honesty``: does the study tell the truth where the truth is known?

Cohorts without any marker (*noise*): the 95 % interval of the nested AUC should cover one half in about 95 of 100, and the audit should raise a
false alarm in at most 5 of 100 per family of controls. On the same cohorts the customary way (bins, filter and the ten best peaks
chosen on all spectra, then a cross-validation of what is left) shows how much it flatters. Cohorts with a site effect that goes with the class
(*confounded*): how often the audit finds it, by the size of the effect.
"""

import argparse
import json
import pathlib

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from spectra import Instrument, simulate_cohort
from spectra.pipeline import learned_steps, preprocess
from spectra.settings import Settings, change
from spectra.study import run_study, scores

MODELS = ("naive Bayes", "logistic regression L2", "decision tree")
INSTRUMENT = Instrument(dwell=4.0)  # a quarter of the points: the questions here are about labels


def settings_of():
    return change(Settings(), "study", repeats=1, models=MODELS, sensitivity=False, permutations=499, shuffles=0, resamples=500)


def customary_auc(raw, settings, seed):
    """The leak: everything but the last model is learned on all spectra."""
    done, _ = preprocess(raw, settings, n_jobs=1)
    y = (done.samples["label"] == "case").to_numpy(np.int64)
    values = learned_steps(settings, done).fit_transform(done, y).values
    high, low = values[y == 1], values[y == 0]
    t = np.abs(high.mean(axis=0) - low.mean(axis=0)) / np.sqrt(high.var(axis=0) + low.var(axis=0) + 1e-12)
    best = np.argsort(-t)[:10]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    probability = cross_val_predict(model, values[:, best], y, cv=folds, method="predict_proba")
    split = [(test, probability[test]) for _, test in folds.split(values, y)]
    return float(scores.auc(split, y[None, :], np.ones((1, y.size)))[0])


def one(seed, n_spectra, site_effect, confounded):
    """Results of one cohort."""
    made = simulate_cohort(n_spectra, seed=seed, n_markers=0, site_effect=site_effect, confounded=confounded, instrument=INSTRUMENT)
    settings = settings_of()
    result = run_study(made.cohort, label="label", group="patient", site="site", settings=settings, seed=seed, n_jobs=1)
    auc = result.score("selected inside").auc
    nuisance = [control for control in result.controls if control.predicts == "class" and control.control != "site"]
    batch = [control for control in result.controls if control.control == "features"]
    row = {"auc": auc.mean, "covers": auc.low <= 0.5 <= auc.high}
    row |= {"alarm_nuisance": any(c.flag for c in nuisance), "alarm_batch": any(c.flag for c in batch)}
    row["alarm_site"] = any(c.flag for c in result.controls if c.control == "site" or c.predicts == "site")
    return row | ({} if confounded else {"customary": customary_auc(made.cohort, settings, seed)})


def summary(rows):
    """Means with standard errors."""
    found = {}
    for name in rows[0]:
        values = np.array([row[name] for row in rows], float)
        found[name] = {"mean": float(values.mean()), "se": float(values.std(ddof=1) / np.sqrt(values.size))}
    return found


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.honesty", description=__doc__)
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--spectra", type=int, default=60)
    parser.add_argument("--effects", default="0.1,0.2,0.5,1.0", help="sizes of the confounded site effect, by comma")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--json", type=pathlib.Path)
    options = parser.parse_args()
    cases = {"noise": (0.0, False)} | {f"confounded {e}": (float(e), True) for e in options.effects.split(",") if e}
    out = {}
    for name, (effect, confounded) in cases.items():
        count = options.cohorts if not confounded else max(2, options.cohorts // 5)
        rows = Parallel(n_jobs=options.n_jobs)(delayed(one)(seed, options.spectra, effect, confounded) for seed in range(count))
        out[name] = summary(rows) | {"cohorts": count}
        words = ", ".join(f"{key} {value['mean']:.3f} ± {value['se']:.3f}" for key, value in out[name].items() if key != "cohorts")
        print(f"{name} ({count} cohorts of {options.spectra}): {words}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
