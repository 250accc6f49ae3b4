"""The first page: the question, the answer in a sentence, how well it works, and what threatens it, in plain language."""

from typing import NamedTuple

import numpy as np

from spectra.report.markers import PANEL, STABLE, top
from spectra.report.models import confusion, scheme_name
from spectra.report.sensitivity import spread
from spectra.report.subject import ENOUGH, interval_text, p_text
from spectra.report.threats import together
from spectra.study.evaluation import SELECTED

ALARM, CAUTION, GOOD = "alarm", "caution", "good"


class Threat(NamedTuple):
    """One thing that speaks against the result, or for it (level "good")."""

    level: str
    title: str
    text: str


class Card(NamedTuple):
    """One number of the first page."""

    value: str
    name: str
    text: str


def better_than_chance(about):
    """Is the nested score above what guessing gives: interval above one half, and few permuted labellings as good?"""
    return about.nested.auc.low > 0.5 and about.nested.p_value < 0.05


def question(about, source):
    """What was asked, of which data."""
    classes = [f"{about.count(int(n), 'patient')} '{name}'" for n, name in zip(about.patients, about.classes, strict=True)]
    listed = ", ".join(classes[:-1]) + " and " + classes[-1] if len(classes) <= 8 else f"{len(classes)} classes"
    spectra = "" if about.row == about.patient else f", {about.count(about.n_rows, 'row')} in all"
    what = "their mass spectra" if about.spectra is not None else "their measured features"
    return f"Can '{about.label}' be told from {what}? Asked of {listed}{spectra}, from {source}."


def headline(result, about):
    """The answer in one sentence, with its level."""
    alarms = [control for control in result.controls if control.flag and control.predicts == "class"]
    few = about.patients.min() < ENOUGH
    if not better_than_chance(about):
        return CAUTION if few else ALARM, (
            f"No: on {about.groups} not seen before, the classes were not told apart better than by guessing."
            + (f" With so few {about.groups}, a real difference could have been missed." if few else "")
        )
    if few and alarms:
        return ALARM, f"Not yet an answer: too few {about.groups}, and the classes can also be told from what is no biomarker."
    if alarms:
        return ALARM, "The classes can be told apart, but perhaps not by their biology: they can also be told from what is no biomarker."
    if few:
        return CAUTION, f"The classes were told apart, but on too few {about.groups} for a claim: a trial of the method, not evidence."
    lost = [score for score in _held_out_elsewhere(result) if not score.auc.low > 0.5]
    if lost:
        return ALARM, f"The classes were told apart, but not when {_elsewhere(lost[0].scheme)}."
    tried = [score.scheme for score in _held_out_elsewhere(result)]
    if tried:
        return GOOD, f"Yes: on {about.groups} not seen before the classes were told apart, also when {_elsewhere(tried[0])}."
    return GOOD, f"Yes: on {about.groups} not seen before the classes were told apart. Other sites and later dates were not tested."


def _elsewhere(scheme):
    return {"leave-site-out": "a whole site was held out", "forward-in-time": "training came before testing in time"}.get(scheme, scheme)


def _held_out_elsewhere(result):
    return [score for score in result.other_schemes if score.name == SELECTED]


def cards(result, about):
    """The scores of the nested selection."""
    nested, few = about.nested, about.patients.min() < ENOUGH
    two = len(about.classes) == 2
    pair = f"Shown one of each class, it ranks the two rightly in {nested.auc.mean:.0%} of cases" if np.isfinite(nested.auc.mean) else ""
    found = [
        Card(
            interval_text(nested.auc),
            "AUC (95 % interval)",
            pair
            + ("" if two else ", each class against the rest")
            + ". 0.5 is guessing."
            + (" The interval is not to be trusted." if few else ""),
        ),
        Card(
            interval_text(nested.balanced_accuracy),
            "balanced accuracy",
            f"Share of each class that is recognised, mean over classes; guessing gives {1 / len(about.classes):.2f}.",
        ),
    ]
    counts = confusion(nested.folds, about.y, len(about.classes))
    if two:
        right = counts.diagonal() / np.maximum(counts.sum(axis=1), 1e-12)
        shares = f"{right[1]:.0%} / {right[0]:.0%}"
        found.append(Card(shares, "recognised", f"of '{about.classes[1]}' / of '{about.classes[0]}', {about.rows} held out."))
    else:
        found.append(Card(f"{counts.diagonal().sum() / counts.sum():.0%}", "recognised", f"of all {about.rows} when held out."))
    for score in _held_out_elsewhere(result):
        found.append(Card(interval_text(score.auc), f"AUC, {scheme_name(score.scheme, about)}", "The harder and more telling test."))
    return found


def threats(result, about):
    """What speaks against the result, worst first, and then what speaks for it."""
    found = [*_size(about), *_score(result, about), *_controls(result), *_batches(result), *_schemes(result, about)]
    found += [*_markers(result), *_settings(result), *_losses(result, about)]
    order = {ALARM: 0, CAUTION: 1, GOOD: 2}
    return sorted(found, key=lambda threat: order[threat.level])


def _size(about):
    smallest = int(about.patients.min())
    if smallest < ENOUGH:
        name = about.classes[int(about.patients.argmin())]
        yield Threat(
            ALARM,
            f"Too few {about.groups}",
            f"Only {about.count(smallest, 'patient')} in class '{name}'. Whatever the score, this is too few for a claim: "
            f"it takes at least {ENOUGH} a class for the interval to mean much, and far more for a test to be used.",
        )
    if about.patient == about.row and about.spectra is not None:
        yield Threat(
            CAUTION,
            "No patient column",
            "Every spectrum is taken for another patient. If some come from one person, the scores are too good; name the column with --group.",
        )


def _score(result, about):
    nested = about.nested
    if not better_than_chance(about):
        yield Threat(
            ALARM,
            "Not better than guessing",
            f"The interval of the AUC is {interval_text(nested.auc)}, and shuffled labels do as well in a share of {p_text(nested.p_value)}.",
        )
    else:
        yield Threat(
            GOOD, "Better than guessing", f"Shuffling the labels does as well in a share of {p_text(nested.p_value)} (permutation test)."
        )
    gap = nested.train_auc - nested.auc.mean
    if gap > 0.1:
        yield Threat(
            CAUTION,
            "Learned by heart",
            f"On their own training data the models reach {nested.train_auc:.2f}, on {about.groups} held out {nested.auc.mean:.2f}. "
            "The difference is memory, not knowledge; more data would narrow it.",
        )


def _controls(result):
    nuisance = [control for control in result.controls if control.predicts == "class"]
    for control in nuisance:
        if control.flag:
            yield Threat(ALARM, f"Told from {control.control} alone", f"{control.verdict} (AUC {interval_text(control.auc)})")
    if nuisance and not any(control.flag for control in nuisance):
        names = ", ".join(control.control for control in nuisance)
        yield Threat(GOOD, "Controls passed", f"The class cannot be told from any of: {names}.")
    for control in result.controls:
        if control.predicts != "class" and control.flag:
            yield Threat(CAUTION, f"Batch effect: {control.predicts}", f"{control.verdict} (AUC {interval_text(control.auc)})")


def _batches(result):
    for name, table in result.tables.items():
        told, anyway = together(table)
        if told > 0.999:
            yield Threat(
                ALARM,
                f"Class and {name} are one",
                f"Every {name} holds one class only. Whether the classes or the {name}s differ cannot be told from these data.",
            )
        elif told - anyway > 0.15:
            text = f"Knowing the {name} alone, one guesses the class right in {told:.0%} instead of {anyway:.0%}."
            yield Threat(CAUTION, f"Class and {name} go together", text)


def _schemes(result, about):
    tried = {score.scheme: score for score in _held_out_elsewhere(result)}
    for role, scheme, place in (("site", "leave-site-out", "another hospital"), ("date", "forward-in-time", "a later year")):
        if scheme in tried:
            score = tried[scheme]
            text = f"AUC {interval_text(score.auc)} when {_elsewhere(scheme)}, against {interval_text(about.nested.auc)}."
            if score.auc.low > 0.5 and score.auc.mean > about.nested.auc.mean - 0.1:
                yield Threat(GOOD, f"Holds by {role}", text)
            else:
                yield Threat(ALARM if not score.auc.low > 0.5 else CAUTION, f"Falls by {role}", text)
        elif role in result.roles:
            yield Threat(
                ALARM,
                f"No {role} could be held out",
                f"The {role}s do not each hold two classes, or leave one out of the training data: {place} was not tested.",
            )
        elif role == "site":
            yield Threat(CAUTION, "One site", "No site was named: nothing here shows that the result holds in another hospital.")


def _markers(result):
    stable = [marker for marker in top(result, PANEL) if marker.stability >= STABLE]
    if len(stable) < min(3, len(result.markers)):
        yield Threat(
            CAUTION,
            "The panel is not settled",
            f"{len(stable) or 'None'} of the first {PANEL} markers would be chosen again in half of the draws: other data may name other peaks.",
        )


def _settings(result):
    low, high = spread(result.sensitivity)
    if high - low > 0.1:
        yield Threat(
            CAUTION,
            "Hangs on the settings",
            f"With other reasonable settings a fixed forest's AUC runs from {low:.2f} to {high:.2f}.",
        )
    elif np.isfinite(low):
        yield Threat(
            GOOD, "Does not hang on the settings", f"Other reasonable settings give a fixed forest AUCs from {low:.2f} to {high:.2f}."
        )


def _losses(result, about):
    lost = len(result.set_aside)
    if lost > 0.05 * (lost + about.n_rows):
        yield Threat(
            CAUTION, "Spectra set aside", f"{lost} of {lost + about.n_rows} spectra could not be used; see why, and whether of one class."
        )
