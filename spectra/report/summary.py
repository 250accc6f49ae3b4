"""The first page: the question, the answer in a sentence, how well it works, and what threatens it, in plain language."""

from typing import NamedTuple

import numpy as np

from spectra.report.markers import PANEL, STABLE, few_features, top
from spectra.report.models import confusion, scheme_name
from spectra.report.multiverse import spread_of
from spectra.report.subject import ENOUGH, interval_text
from spectra.report.threats import one, source, together, unsettled, verdict
from spectra.study.audit import SHUFFLED
from spectra.study.evaluation import SELECTED
from spectra.study.tasks import positive
from spectra.study.technical import MODERATE

ALARM, CAUTION, GOOD = "alarm", "caution", "good"


class Threat(NamedTuple):
    """One thing that speaks against the result, or for it (level "good")."""

    level: str
    title: str
    text: str


class Card(NamedTuple):
    """One number of the first page, with its interval where it has one."""

    value: str
    interval: str
    name: str
    text: str


def better_than_chance(about):
    """Is the nested score above what guessing gives: interval above one half, and few shuffled labellings as good, where any were tried?"""
    return about.nested.auc.low > 0.5 and not about.nested.p_value > 0.05


def question(about, source, n_lost):
    """What was asked, of which data."""
    classes = [f"{n:,} {name}" for n, name in zip(about.patients, about.classes, strict=True)]
    listed = _listed(classes) if len(classes) <= 8 else f"{len(classes)} classes"
    spectra = f", with {about.count(about.n_rows, 'row')} in all"
    if about.row == about.patient:
        repeated = about.n_rows - about.n_groups
        spectra = f" and {'a copy' if repeated == 1 else f'{repeated:,} copies'}" if repeated else ""
    lost = f"; {n_lost} more were set aside" if n_lost else ""
    what = "mass spectrum" if about.spectra is not None else "measured features"
    who = f"{about.count(about.n_groups, 'patient')} ({listed}; column '{about.label}'){spectra}"
    if about.quantity is not None:
        span = f"{about.quantity.min():.3g} to {about.quantity.max():.3g}"
        who = f"{about.count(about.n_groups, 'patient')} (column '{about.label}', {span}){spectra}"
        return f"Can '{about.label}' be told by {what}, in a {about.patient} not seen before? Asked of {who}, from {source}{lost}."
    return f"Can the classes be told apart by {what}, in a {about.patient} not seen before? Asked of {who}, from {source}{lost}."


def _listed(words, last="and"):
    return ", ".join(words[:-1]) + f" {last} " + words[-1] if len(words) > 1 else words[0]


def title(about):
    """The classes as a question, or the label's name where there are many."""
    if about.quantity is not None:
        return f"How much {about.label}?"
    return _listed(about.classes, "or") + "?" if len(about.classes) <= 4 else f"Which {about.label}?"


def headline(result, about):
    """The answer in one sentence, with its level."""
    alarms = [control for control in result.controls if control.flag and control.of_label]
    alarms += [name for name, table in result.tables.items() if one(table)]
    few = about.patients.min() < ENOUGH
    if not better_than_chance(about):
        if few:
            missed = f"With so few {about.groups}, a real difference could have been missed."
            return (
                CAUTION,
                f"Not shown: on {about.groups} not seen before, {about.untold} beyond what guessing could do. {missed}",
            )
        return ALARM, f"No: on {about.groups} not seen before, {about.untold} better than by guessing."
    if few and alarms:
        return ALARM, f"Not yet an answer: too few {about.groups}, and {about.it} can also be told from what is no biomarker."
    if alarms:
        their, they = ("their", "they") if about.quantity is None else ("its", "it")
        return (
            ALARM,
            f"{about.told[0].upper()}{about.told[1:]}, but perhaps not by {their} biology: {they} can also be told from what is no biomarker.",
        )
    if few:
        return (
            CAUTION,
            f"{about.told[0].upper()}{about.told[1:]}, but on too few {about.groups} for a claim: a trial of the method, not evidence.",
        )
    lost = [score for score in _held_out_elsewhere(result) if not score.auc.low > 0.5]
    if lost:
        return ALARM, f"{about.told[0].upper()}{about.told[1:]}, but not when {_elsewhere(lost[0].scheme)}."
    tried = [_elsewhere(score.scheme) for score in _held_out_elsewhere(result)]
    if tried:
        return GOOD, f"Yes: on {about.groups} not seen before {about.told}, also when {' and when '.join(tried)}."
    return GOOD, f"Yes: on {about.groups} not seen before {about.told}. Other sites and later dates were not tested."


def _elsewhere(scheme):
    return {
        "leave-site-out": "a whole site was held out",
        "forward-in-time": "training came before testing in time",
        "external": "the frozen model met the external set",
    }.get(scheme, scheme)


def _held_out_elsewhere(result):
    return [score for score in result.other_schemes if score.name == SELECTED]


def cards(result, about):
    """The scores of the nested selection."""
    found = _class_cards(about) if about.quantity is None else _quantity_cards(about)
    for score in _held_out_elsewhere(result):
        name = f"{about.rank_short}, {scheme_name(score.scheme, about)}"
        found.append(Card(*_value(score.auc), name, _telling(result, about, score)))
    return found


def _rough(about):
    return f" With so few {about.groups} the interval itself is rough." if about.patients.min() < ENOUGH else ""


def _class_cards(about):
    nested, two = about.nested, len(about.classes) == 2
    both = "one of each class" if two else "one of a class and one of another"
    pair = f"Shown {both}, it ranks the two rightly in {nested.auc.mean:.0%} of cases." if np.isfinite(nested.auc.mean) else ""
    found = [
        Card(*_value(nested.auc), about.rank, pair + " 0.5 is guessing." + _rough(about)),
        Card(
            *_value(nested.balanced_accuracy),
            "balanced accuracy",
            f"Share of each class that is recognised, mean over classes; guessing gives {1 / len(about.classes):.2f}.",
        ),
    ]
    counts = confusion(nested.folds, about.y, len(about.classes))
    if two:
        right = counts.diagonal() / np.maximum(counts.sum(axis=1), 1e-12)
        shares = f"{right[0]:.0%} | {right[1]:.0%}"
        found.append(Card(shares, "", "recognised", f"of {about.rows} that are {about.classes[0]} | {about.classes[1]}, when held out."))
        name = about.classes[positive(about.classes)]
        text = f"of {about.rows} that are {name}, where nine of ten others are rightly left alone."
        found.append(Card(*_value(nested.measures["sensitivity"]), "sensitivity at 90 % specificity", text))
    else:
        found.append(Card(f"{counts.diagonal().sum() / counts.sum():.0%}", "", "recognised", f"of all {about.rows} when held out."))
    return found


def _quantity_cards(about):
    measures = about.nested.measures
    pair = f"Shown two {about.groups}, it puts them in the right order in {measures['concordance'].mean:.0%} of cases. 0.5 is guessing."
    spread = f"The {about.rows} themselves spread by {about.quantity.std():.3g} (standard deviation)."
    return [
        Card(*_value(measures["concordance"]), "concordance", pair + _rough(about)),
        Card(
            *_value(measures["r2"]), "R², variance explained", "0 is no better than telling everyone the mean, 1 perfect; below 0 is worse."
        ),
        Card(*_value(measures["rmse"]), f"usual error of {about.label}", f"Root of the mean squared error, in its units. {spread}"),
        Card(*_value(measures["mae"]), "mean absolute error", f"of {about.label}, when held out."),
        Card(*_value(measures["spearman"]), "rank correlation", "Spearman's, within the folds: 0 is guessing, 1 perfect."),
    ]


def _telling(result, about, score):
    """What a score elsewhere rests on."""
    external = result.external
    if score.scheme != "external" or external is None:
        return "The harder and more telling test."
    return f"{about.count(external.n_groups, 'patient')} ({external.name}), {scored(external)}."


def scored(external):
    """``scored once`` or ``scored 3 times``."""
    return "scored once" if external.times == 1 else f"scored {external.times} times"


def _value(interval):
    if not np.isfinite(interval.mean):
        return "not defined", ""
    return f"{interval.mean:.2f}", f"{interval.low:.2f} to {interval.high:.2f}"


def _times(p_value):
    """A p-value as a frequency.

    >>> _times(0.089), _times(0.001)
    ('89 times in 1000', 'once in 1000 times or less')
    """
    times = round(p_value * 1000)
    return f"{times} times in 1000" if times > 1 else "once in 1000 times or less"


def _shuffled(result, nested):
    """What shuffled labels say of the nested score."""
    if not np.isfinite(nested.p_value):
        return "labels were not shuffled, so this rests on the interval alone"
    shuffles = result.problem.settings.study.shuffles
    if np.isclose(nested.p_value, 1 / (shuffles + 1), rtol=1e-6):
        return f"none of {shuffles} shufflings of the labels did as well"
    return f"shuffled labels do as well {_times(nested.p_value)}"


def threats(result, about):
    """What speaks against the result, worst first, and then what speaks for it."""
    found = [
        *_size(result, about),
        *_score(result, about),
        *_controls(result, about),
        *_batches(result),
        *_schemes(result, about),
        *_external(result, about),
        *_technical(result),
    ]
    found += [*_markers(result), *_settings(result, about), *_losses(result, about)]
    order = {ALARM: 0, CAUTION: 1, GOOD: 2}
    return sorted(found, key=lambda threat: order[threat.level])


def _size(result, about):
    smallest = int(about.patients.min())
    if smallest < ENOUGH:
        name, place = about.classes[int(about.patients.argmin())], f"in {about.level}"
        yield Threat(
            ALARM,
            f"Too few {about.groups}",
            f"Only {about.count(smallest, 'patient')} {place} '{name}'. Whatever the score, this is too few for a claim: "
            f"it takes at least {ENOUGH} a {about.level} for the interval to mean much, and far more for a test to be used.",
        )
    if about.patient == about.row:
        yield Threat(
            CAUTION,
            "No patient column",
            f"Every {about.row} is taken for another patient. If some come from one person, the scores are too good; "
            "name the column with --group.",
        )
    copies = result.problem.copies
    if copies and copies.together:
        yield Threat(
            CAUTION,
            "Copies",
            f"{about.count(copies.together, 'row')} {_repeat(copies.together)} another exactly. Each counts as one {about.patient} with that, so that none was "
            "held out while its copy was learned.",
        )
    if copies and copies.apart:
        yield Threat(
            CAUTION,
            "Copies with another label",
            f"{about.count(copies.apart, 'row')} {_repeat(copies.apart)} another exactly, but with another label: one of each two may be wrong.",
        )


def _repeat(number):
    return "repeats" if number == 1 else "repeat"


def _score(result, about):
    nested = about.nested
    if not better_than_chance(about):
        yield Threat(
            ALARM,
            "Not shown to be better than guessing",
            f"{about.rank_short} {interval_text(nested.auc)}, where 0.5 is guessing; {_shuffled(result, nested)}.",
        )
    else:
        yield Threat(GOOD, "Better than guessing", f"{_shuffled(result, nested).capitalize()}.")
    gap = nested.train_auc - nested.auc.mean
    if gap > 0.1:
        yield Threat(
            CAUTION,
            "Learned by heart",
            f"On their own training data the models reach {nested.train_auc:.2f}, on {about.groups} held out {nested.auc.mean:.2f}. "
            "The difference is memory, not knowledge; more data would narrow it.",
        )


def _scored(controls, most=4):
    """The controls with their scores, strongest first, those beyond `most` as a number."""
    ranked = sorted(controls, key=lambda control: -control.auc.mean)
    told = [f"{source(control)} ({_auc(control)})" for control in ranked[:most]]
    return _listed(told + ([f"{len(ranked) - most} more"] if len(ranked) > most else []))


def _auc(control):
    auc = control.auc
    rank = "concordance" if control.predicts == "quantity" else "AUC"
    return f"{rank} {auc.mean:.2f}, {auc.low:.2f} to {auc.high:.2f}" if np.isfinite(auc.mean) else "it could not be measured"


def _controls(result, about):
    nuisance = [control for control in result.controls if control.of_label and control.control != SHUFFLED]
    flagged = [control for control in nuisance if control.flag]
    what = "The class" if about.quantity is None else about.it
    if flagged:
        yield Threat(
            ALARM,
            "Told from what is no biomarker",
            f"{what} can also be told from {_scored(flagged)}. A model may learn that instead of the biology: balance it by design, "
            "or show that the markers hold within its levels.",
        )
    doubtful = [control for control in nuisance if unsettled(control)]
    if doubtful:
        text = f"Here {about.it if about.quantity is not None else 'the class'} was told from {_scored(doubtful)}. With so few {about.groups} that can be chance, but do not rule it out."
        yield Threat(CAUTION, "Perhaps told from what is no biomarker", text)
    passed = [source(control) for control in nuisance if not (control.flag or unsettled(control))]
    if passed:
        yield Threat(
            GOOD,
            "Controls passed",
            f"No sign that {about.it if about.quantity is not None else 'the class'} can be told from {_listed(passed, 'or')}.",
        )
    for control in result.controls:
        if control.control == SHUFFLED:
            if control.flag and better_than_chance(about):  # else `_score` has said it
                yield Threat(ALARM, "Shuffled labels are learned", control.verdict)
        elif not control.of_label and control.flag:
            yield Threat(CAUTION, f"Batch effect: {control.predicts}", f"{control.verdict} ({_auc(control)}.)")
        elif unsettled(control):
            yield Threat(CAUTION, f"Perhaps a batch effect: {control.predicts}", f"{verdict(control)} ({_auc(control)}.)")


def _batches(result):
    for name, table in result.tables.items():
        told, anyway = together(table)
        if one(table):
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
            text = f"{about.rank_short} {interval_text(score.auc)} when {_elsewhere(scheme)}, against {interval_text(about.nested.auc)}."
            if score.auc.low > 0.5 and score.auc.mean > about.nested.auc.mean - 0.1:
                yield Threat(GOOD, f"Holds by {role}", text)
            else:
                yield Threat(ALARM if not score.auc.low > 0.5 else CAUTION, f"Falls by {role}", text)
        elif role in result.roles:
            yield Threat(
                ALARM,
                f"No {role} could be held out",
                f"The {role}s do not each hold two classes, or leave too few of one in the training data: {place} was not tested.",
            )
        elif role == "site":
            yield Threat(CAUTION, "One site", "No site was named: nothing here shows that the result holds in another hospital.")


def _external(result, about):
    external = result.external
    if external is None:
        yield Threat(
            CAUTION,
            "No external set",
            "All scores come from the data that were studied. Keep a set apart (--external or --hold-out) and score it once, at the end.",
        )
        return
    auc, text = external.score.auc, f"{about.rank_short} {interval_text(external.score.auc)} on {external.name}, {scored(external)}."
    if external.times > 1:
        text += " Whoever looks again after changing anything chooses on this set: it is no longer external, and its score may flatter."
        yield Threat(CAUTION, f"External set {scored(external)}", text)
    elif np.isfinite(auc.mean):
        holds = auc.low > 0.5 and auc.mean > about.nested.auc.mean - 0.1
        level = GOOD if holds else CAUTION if auc.low > 0.5 else ALARM
        yield Threat(level, "Holds on the external set" if holds else "Falls on the external set", text)
    if external.unfamiliar > 0.2 * external.n_rows:
        strange = f"{external.unfamiliar} of its {external.n_rows} {about.rows} are unlike the training data in m/z, total ion current or features."
        yield Threat(CAUTION, "External set is of another kind", strange)


def _technical(result):
    drifting = [drift for drift in result.drifts if drift.flag]
    if drifting:
        text = f"Over the run: {_listed([f'{drift.what} (rank correlation {drift.correlation:+.2f})' for drift in drifting])}."
        yield Threat(CAUTION, "The instrument drifts", text)
    if result.agreement is not None and result.agreement.n_samples >= 3 and np.isfinite(result.agreement.markers):
        level = ALARM if result.agreement.flag else CAUTION if result.agreement.markers < MODERATE else GOOD
        title = "Replicates disagree" if result.agreement.flag else "Replicates"
        yield Threat(level, title, result.agreement.verdict)


def _markers(result):
    if few_features(result):
        return
    stable = [marker for marker in top(result, PANEL) if marker.stability >= STABLE]
    if len(stable) < min(3, len(result.markers)):
        yield Threat(
            CAUTION,
            "The panel is not settled",
            f"{len(stable) or 'None'} of the first {PANEL} markers would be chosen again in half of the draws: other data may name other peaks.",
        )


def _settings(result, about):
    low, high = spread_of(result)
    if high - low > 0.1:
        yield Threat(
            CAUTION,
            "Hangs on the settings",
            f"With other reasonable settings a fixed forest's {about.rank_short} runs from {low:.2f} to {high:.2f}.",
        )
    elif np.isfinite(low):
        yield Threat(
            GOOD,
            "Does not hang on the settings",
            f"With other reasonable settings a fixed forest's {about.rank_short} stays from {low:.2f} to {high:.2f}.",
        )


def _losses(result, about):
    lost = len(result.set_aside)
    if lost > 0.05 * (lost + about.n_rows):
        yield Threat(
            CAUTION, "Spectra set aside", f"{lost} of {lost + about.n_rows} spectra could not be used; see why, and whether of one class."
        )
