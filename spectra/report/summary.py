"""The first page: the question, the answer in a sentence and how well it works, in plain language."""

from typing import NamedTuple

import numpy as np

from spectra.report.evidence import ALARM, CAUTION, GOOD, better_than_chance, elsewhere, held_out_elsewhere, listed, scored
from spectra.report.markers import STABLE
from spectra.report.models import confusion, scheme_name
from spectra.report.subject import ENOUGH
from spectra.report.threats import one
from spectra.study.tasks import positive


class Card(NamedTuple):
    """One number of the first page, with its interval where it has one."""

    value: str
    interval: str
    name: str
    text: str


def question(about, source, n_lost):
    """What was asked, of which data."""
    classes = [f"{n:,} {name}" for n, name in zip(about.patients, about.classes, strict=True)]
    named = listed(classes) if len(classes) <= 8 else f"{len(classes)} classes"
    spectra = f", with {about.count(about.n_rows, 'row')} in all"
    if about.row == about.patient:
        repeated = about.n_rows - about.n_groups
        spectra = f" and {'a copy' if repeated == 1 else f'{repeated:,} copies'}" if repeated else ""
    lost = f"; {n_lost} more were set aside" if n_lost else ""
    what = "mass spectrum" if about.spectra is not None else "measured features"
    who = f"{about.count(about.n_groups, 'patient')} ({named}; column '{about.label}'){spectra}"
    if about.quantity is not None:
        span = f"{about.quantity.min():.3g} to {about.quantity.max():.3g}"
        who = f"{about.count(about.n_groups, 'patient')} (column '{about.label}', {span}){spectra}"
        return f"Can '{about.label}' be told by {what}, in a {about.patient} not seen before? Asked of {who}, from {source}{lost}."
    return f"Can the classes be told apart by {what}, in a {about.patient} not seen before? Asked of {who}, from {source}{lost}."


def title(about):
    """The classes as a question, or the label's name where there are many."""
    if about.quantity is not None:
        return f"How much {about.label}?"
    return listed(about.classes, "or") + "?" if len(about.classes) <= 4 else f"Which {about.label}?"


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
    lost = [score for score in held_out_elsewhere(result) if not score.auc.low > 0.5]
    if lost:
        return ALARM, f"{about.told[0].upper()}{about.told[1:]}, but not when {elsewhere(lost[0].scheme)}."
    tried = [elsewhere(score.scheme) for score in held_out_elsewhere(result)]
    if tried:
        return GOOD, f"Yes: on {about.groups} not seen before {about.told}, also when {' and when '.join(tried)}."
    return GOOD, f"Yes: on {about.groups} not seen before {about.told}. Other sites and later dates were not tested."


def cards(result, about):
    """The scores of the nested selection."""
    found = _class_cards(about) if about.quantity is None else _quantity_cards(about)
    for score in held_out_elsewhere(result):
        name = f"{about.rank_short}, {scheme_name(score.scheme, about)}"
        found.append(Card(*_value(score.auc), name, _telling(result, about, score)))
    return found


def _rough(about):
    return f" With so few {about.groups} the interval itself is rough." if about.patients.min() < ENOUGH else ""


def panel_words(result, about):
    """What the panel's table does not say of itself: the warning above it, "" for none, and what it is worth."""
    members, warning = result.panel.members, ""
    weak = sum(member.chosen < STABLE for member in members)
    if not better_than_chance(about):
        warning = (
            f"Nothing was shown to be better than guessing, so these {about.feature}s are what the method would choose, and no finding."
        )
    elif weak:
        which = f"{weak} of these {len(members)}" if len(members) > 1 else f"This {about.feature}"
        were, others = ("were", f"other {about.feature}s") if weak > 1 else ("was", f"another {about.feature}")
        place = "their place" if weak > 1 else "its place"
        warning = f"{which} {were} chosen in fewer than half of the splits: with other {about.groups}, {others} would stand in {place}."
    return warning, _rough(about)


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


def _value(interval):
    if not np.isfinite(interval.mean):
        return "not defined", ""
    return f"{interval.mean:.2f}", f"{interval.low:.2f} to {interval.high:.2f}"
