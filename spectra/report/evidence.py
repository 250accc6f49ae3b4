"""What speaks against a result and what for it, each in plain language."""

from typing import NamedTuple

import numpy as np

from spectra.report.markers import PANEL, STABLE, top
from spectra.report.multiverse import spread_of
from spectra.report.subject import ENOUGH, interval_text
from spectra.report.threats import one, source, together, unsettled, verdict
from spectra.study.audit import SHUFFLED
from spectra.study.markers import noted
from spectra.study.notes import on_matrix, on_smoothing
from spectra.study.outcome import SELECTED
from spectra.study.technical import MODERATE

ALARM, CAUTION, GOOD = "alarm", "caution", "good"


class Threat(NamedTuple):
    """One thing that speaks against the result, or for it (level "good")."""

    level: str
    title: str
    text: str


def better_than_chance(about):
    """Is the nested score above what guessing gives: interval above one half, and few shuffled labellings as good, where any were tried?"""
    return about.nested.auc.low > 0.5 and not about.nested.p_value > 0.05


def listed(words, last="and"):
    """Words as a sentence lists them."""
    return ", ".join(words[:-1]) + f" {last} " + words[-1] if len(words) > 1 else words[0]


def elsewhere(scheme):
    """What was done to test in another place or at another time."""
    return {
        "leave-site-out": "a whole site was held out",
        "forward-in-time": "training came before testing in time",
        "external": "the frozen model met the external set",
    }.get(scheme, scheme)


def held_out_elsewhere(result):
    """Scores of the nested selection where more than patients was held out."""
    return [score for score in result.other_schemes if score.name == SELECTED]


def scored(external):
    """``scored once`` or ``scored 3 times``."""
    return "scored once" if external.times == 1 else f"scored {external.times} times"


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
    found += [*_markers(result), *_matrix(result), *_smoothing(result, about), *_settings(result, about), *_losses(result, about)]
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
    return listed(told + ([f"{len(ranked) - most} more"] if len(ranked) > most else []))


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
    for control in nuisance:
        if control.doubt:
            yield Threat(CAUTION, "Told from what lies between the peaks", f"{control.verdict} ({_auc(control)}.)")
    passed = [source(control) for control in nuisance if not (control.flag or control.doubt or unsettled(control))]
    if passed:
        yield Threat(
            GOOD,
            "Controls passed",
            f"No sign that {about.it if about.quantity is not None else 'the class'} can be told from {listed(passed, 'or')}.",
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
                f"Every value of column '{name}' goes with one class only. Whether the classes or these values differ cannot be told from these data.",
            )
        elif told - anyway > 0.15:
            text = f"Knowing column '{name}' alone, one guesses the class right in {told:.0%} instead of {anyway:.0%}."
            yield Threat(CAUTION, f"Class and {name} go together", text)


def _schemes(result, about):
    tried = {score.scheme: score for score in held_out_elsewhere(result)}
    for role, scheme, place in (("site", "leave-site-out", "another hospital"), ("date", "forward-in-time", "a later year")):
        if scheme in tried:
            score = tried[scheme]
            text = f"{about.rank_short} {interval_text(score.auc)} when {elsewhere(scheme)}, against {interval_text(about.nested.auc)}."
            level, title = _holds(score.auc, about)
            yield Threat(level, f"{title} by {role}", text)
        elif role in result.roles:
            yield Threat(
                ALARM,
                f"No {role} could be held out",
                f"The {role}s do not each hold two classes, or leave too few of one in the training data: {place} was not tested.",
            )
        elif role == "site":
            yield Threat(CAUTION, "One site", "No site was named: nothing here shows that the result holds in another hospital.")


def _holds(auc, about):
    """What a score elsewhere says of the nested one: the level, and how a title begins."""
    level = GOOD if auc.low > 0.5 else ALARM
    if not auc.mean > about.nested.auc.mean - 0.1:
        return (CAUTION if level == GOOD else level), "Falls"
    return level, "Holds" if level == GOOD else "Not shown"


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
        level, title = _holds(auc, about)
        yield Threat(level, f"{title} on the external set", text)
    if external.unfamiliar > 0.2 * external.n_rows:
        strange = f"{external.unfamiliar} of its {external.n_rows} {about.rows} are unlike the training data in m/z, total ion current or features."
        yield Threat(CAUTION, "External set is of another kind", strange)


def _technical(result):
    drifting = [drift for drift in result.drifts if drift.flag]
    if drifting:
        text = f"Over the run: {listed([f'{drift.what} (rank correlation {drift.correlation:+.2f})' for drift in drifting])}."
        yield Threat(CAUTION, "The instrument drifts", text)
    if result.agreement is not None and result.agreement.n_samples >= 3 and np.isfinite(result.agreement.markers):
        level = ALARM if result.agreement.flag else CAUTION if result.agreement.markers < MODERATE else GOOD
        title = "Replicates disagree" if result.agreement.flag else "Replicates"
        yield Threat(level, title, result.agreement.verdict)


def _markers(result):
    if result.panel:
        weak = [member for member in result.panel.members if member.chosen < STABLE]
        if 2 * len(weak) > len(result.panel.members):
            what = f"{len(weak)} of its {len(result.panel.members)} peaks were chosen in fewer than half of the splits"
            yield Threat(CAUTION, "The panel is not settled", f"{what}: other data may name other peaks.")
        return
    stable = [marker for marker in top(result, PANEL) if marker.stability >= STABLE]
    if len(stable) < min(3, noted(result.features.shape[1])):
        yield Threat(
            CAUTION,
            "The panel is not settled",
            f"{len(stable) or 'None'} of the first {PANEL} markers would be chosen again in half of the draws: other data may name other peaks.",
        )


def _matrix(result):
    told = on_matrix(result.named_peaks(PANEL), result.features.mz)
    if told:
        yield Threat(CAUTION, "Peaks among the matrix", told)


def _smoothing(result, about):
    told = on_smoothing(result.raw, about.spectra, result.problem.settings) if result.raw is not None else ""
    if told:
        yield Threat(CAUTION, "Smoothed flat", told)


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
