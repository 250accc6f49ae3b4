"""Results -> one HTML file that needs nothing else: no network, no script, no second file."""

import importlib.resources
import pathlib

import jinja2
from markupsafe import Markup

from spectra.report import appendix, belief, evidence, markers, matrix, models, multiverse, sensitivity, signals, summary, threats
from spectra.report.canvas import printable
from spectra.report.markers import PANEL
from spectra.report.subject import interval_text, subject, value_label
from spectra.study.record import write_atomic

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("spectra.report", "templates"),
    autoescape=True,  # whatever a manifest calls its samples, it stays text
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(path, template, content):
    """Write one page from a template of this package."""
    style = (importlib.resources.files("spectra.report") / "templates" / "style.css").read_text(encoding="utf-8")
    text = _TEMPLATES.get_template(template).render(style=Markup(style), **content)
    write_atomic(path, printable(text))


def _source(facts):
    """The input's name with its folder's, which is the more telling of the two."""
    return "/".join(pathlib.PurePath(str(facts.get("input", "the given data"))).parts[-2:])


def write_report(path, result, facts):
    """The page of a study.

    Parameters
    ----------
    path : path of the HTML file to write
    result : StudyResult
    facts : dict
        What ``run.json`` holds of the run: command, seed, n_jobs, input, input_sha256, data_digest, roles, seconds; absent ones are left out.
    """
    about = subject(result)
    source = _source(facts)
    level, answer = summary.headline(result, about)
    n_wrong, hardest = belief.hardest(result, about)
    marker_rows, marker_power = markers.marker_rows(result)
    steps = tuple(appendix.STEPS) if about.spectra is not None else ("study",)
    warning, rough = summary.panel_words(result, about) if result.panel else ("", "")
    content = {
        "title": summary.title(about),
        "question": summary.question(about, source, len(result.set_aside)),
        "level": level,
        "answer": answer,
        "cards": summary.cards(result, about),
        "threats": evidence.threats(result, about),
        "about": about,
        "n_panel": PANEL,
        "model_rows": models.model_rows(result),
        "measure_heads": models.measure_heads(result),
        "shuffled_models": ", ".join(result.problem.settings.study.shuffle_models),
        "scheme_rows": models.scheme_rows(result, about) if result.other_schemes else None,
        "external": result.external,
        "external_scored": evidence.scored(result.external) if result.external else "",
        "hardest": hardest,
        "n_wrong": n_wrong,
        "control_rows": threats.control_rows(result, about),
        "technical_rows": threats.technical_rows(result),
        "cross_tables": threats.cross_tables(result),
        "marker_rows": marker_rows,
        "panel": result.panel,
        "panel_rows": markers.panel_rows(result) if result.panel else [],
        "panel_warning": warning,
        "panel_rough": rough,
        "panel_score": interval_text(result.panel.score) if result.panel else "",
        "bound": markers.bound_text(result, about),
        "marker_unit": value_label(result, marker_power),
        "failures": sensitivity.failures(result),
        "set_aside": result.set_aside,
        "notes": result.notes,
        "final": result.final,
        "n_features": result.features.shape[1],
        "settings_rows": appendix.settings_rows(result.problem.settings, steps),
        "command": appendix.command(facts),
        "provenance": appendix.provenance(facts),
        "pictures": _study_pictures(result, about),
    }
    render(path, "study.html.j2", content)


def _study_pictures(result, about):
    settings, top = result.problem.settings, markers.top(result, 1)
    steps = []
    if about.spectra is not None:
        centre = top[0].mz if top else None
        steps = signals.pictures(result.raw, about.spectra, settings, y=about.y, classes=about.classes, centre=centre)
    return {
        "comparison": models.comparison(result, about),
        "learning_curve": models.learning_curve(result, about),
        "decisions": models.decisions(result, about),
        "per_patient": belief.per_patient(result, about),
        "schemes": models.schemes(result, about),
        "controls": threats.controls(result, about),
        "nuisance": threats.nuisance(result, about),
        "over_the_run": threats.over_the_run(result, about),
        "panel_sizes": markers.panel_sizes(result, about),
        "distributions": markers.distributions(result, about),
        "stability": markers.stability(result, about),
        "profiles": markers.profiles(result, about),
        "whole_profiles": markers.whole_profiles(result, about),
        "matrix": matrix.peak_matrix(result, about),
        "steps": steps,
        "sensitivity": sensitivity.sensitivity(result, about),
        "pairs": multiverse.pairs(result, about),
        "multiverse": multiverse.multiverse(result, about),
    }


def write_process_report(path, raw, processed, nuisance, features, settings, facts):
    """The page of a run that only processed spectra.

    Parameters
    ----------
    path : path of the HTML file to write
    raw, processed : Cohort, before and after the per-spectrum steps
    nuisance : DataFrame, one row per processed spectrum
    features : FeatureMatrix
    settings : Settings
    facts : dict, as for `write_report`
    """
    counts = [len(peaks) for peaks in processed.peaks]
    source = _source(facts)
    content = {
        "title": source,
        "source": source,
        "n_spectra": len(processed),
        "n_features": features.shape[1],
        "fewest": min(counts),
        "most": max(counts),
        "total": sum(counts),
        "set_aside": processed.set_aside,
        "notes": processed.notes,
        "settings_rows": appendix.settings_rows(settings, tuple(step for step in appendix.STEPS if step != "study")),
        "command": appendix.command(facts),
        "provenance": appendix.provenance(facts),
        "pictures": {
            "steps": signals.pictures(raw, processed, settings),
            "nuisance": threats.nuisance_in_order(nuisance, settings),
            "matrix": matrix.plain_matrix(features),
        },
    }
    render(path, "process.html.j2", content)
