"""The page: it stands alone, it says what the numbers say, and nothing in the data can break it."""

import dataclasses
import html
import html.parser
import re
import shutil
import subprocess
import xml.etree.ElementTree

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import auc as area_under

from spectra.containers import Cohort, FeatureMatrix, Spectrum
from spectra.pipeline import NUISANCE, learned_steps, preprocess
from spectra.report import (
    belief,
    evidence,
    matrix,
    models,
    multiverse,
    sensitivity,
    signals,
    subject,
    summary,
    threats,
    write_process_report,
    write_report,
)
from spectra.report import markers as marker_figures
from spectra.report.appendix import command, settings_rows
from spectra.settings import Settings, change
from spectra.study import StudyResult, scores, seen
from spectra.study.audit import SHUFFLED, Control, class_from_nuisance, cross_table, judge
from spectra.study.curve import Point
from spectra.study.evaluation import SELECTED, Problem
from spectra.study.markers import Marker
from spectra.study.multiverse import Universe
from spectra.study.panel import Member, Panel
from spectra.study.result import ModelScore
from spectra.study.scores import Interval
from spectra.study.sensitivity import Variant
from spectra.study.splits import grouped_splits
from spectra.study.technical import SHIFT, Agreement, Drift

HOSTILE = ["<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "$x_1$ & {{ 7*7 }}", "naïve 患者 </style>"]
UNPRINTABLE = ["a\x00b\x1b[31m", "bell\x07\x01", "\u202eevil\x85"]
FACTS = {"command": "study", "seed": 0, "n_jobs": 2, "input": "folder/manifest.csv", "roles": {"label": "label"}, "seconds": 3.0}
VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(html.parser.HTMLParser):
    """Checks that tags are balanced; gathers ids, references and visible text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.references, self.tags, self.words, self.figures = [], [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            assert not name.startswith("on"), f"{tag} has {name}"
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href"):
                self.references.append(value)
            self.references += re.findall(r"url\(([^)]*)\)", value or "")
            if tag == "svg" and name == "aria-label":
                self.figures.append(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def random_cohort(n_patients=12, classes=2, prefix="s"):
    """Two spectra a patient; the height of one peak follows the class."""
    random = np.random.default_rng(3)
    mz = np.linspace(1000, 9000, 2500)
    found, rows = [], []
    for i in range(n_patients):
        heights = random.lognormal(6, 0.2, 5) * np.where(np.arange(5) == i % classes, 3, 1)
        for replicate in range(2):
            y = 1000 * np.exp(-(mz - 1000) / 1500) + 50
            for height, centre in zip(heights, (1500.0, 2500.0, 4000.0, 5500.0, 7500.0), strict=True):
                y = y + height * np.exp(-0.5 * ((mz - centre) / (centre / 200)) ** 2)
            name = f"{prefix}{i}_{replicate}"
            found.append(Spectrum(mz, random.poisson(y).astype(float), name))
            rows.append({"file": name, "patient": f"{prefix}{i}", "site": "north" if i % 4 < 2 else "south"})
    return Cohort.from_spectra(found, pd.DataFrame(rows))


def folds_for(y, n_classes, *, skill, repeats=2, n_folds=3, seed=0):
    """Held-out probabilities of a made-up model; `skill` 0 guesses, 3 is nearly always right."""
    random = np.random.default_rng(seed)
    folds = []
    for _ in range(repeats):
        for rows in np.array_split(random.permutation(y.size), n_folds):
            belief = random.normal(size=(rows.size, n_classes)) + skill * (y[rows][:, None] == np.arange(n_classes))
            belief = np.exp(belief)
            folds.append((np.sort(rows), (belief / belief.sum(axis=1, keepdims=True))[np.argsort(rows)]))
    return folds


def model_score(name, y, n_classes, *, skill=2.0, scheme="random-grouped", auc=(0.9, 0.8, 0.97), p=0.001):
    interval = Interval(*auc)
    folds = folds_for(y, n_classes, skill=skill)
    measures = dict.fromkeys(["auc", "balanced_accuracy", "accuracy", "sensitivity", "brier"], interval)
    return ModelScore(name, scheme, measures, 0.99, p, 1.5, {"model=random forest, a=1": 4, "b=2": 2}, folds)


def build(data, y, groups, classes, *, auc=(0.9, 0.8, 0.97), p=0.001, raw=None, nuisance=None, settings=None, **changes):
    """A StudyResult with made-up scores around real data."""
    settings = settings or Settings()
    problem = Problem(data, settings, y, groups, classes, 0)
    steps = learned_steps(settings, data)
    features = steps.fit_transform(data, y)
    n = len(classes)
    order = range(min(12, features.shape[1]))
    markers = [Marker(features.names[j], float(features.mz[j]), 0.9 - 0.05 * j, classes[j % n], 1.2 - 0.1 * j, j, []) for j in order]
    result = StudyResult(
        problem=problem,
        raw=raw,
        digests=seen.digests(data),
        nuisance=nuisance,
        quality=None,
        roles={"label": "label"},
        scores=[model_score("random forest", y, n), model_score(SELECTED, y, n, auc=auc, p=p)],
        other_schemes=[],
        final={"name": "random forest", "parameters": {"max_features": "sqrt"}, "inner_auc": 0.9},
        steps=steps,
        features=features,
        controls=[],
        markers=markers,
        sensitivity=[],
        tables={},
        set_aside=[],
        notes=[],
    )
    return dataclasses.replace(result, **changes)


def control(name="noise level", predicts="class", auc=(0.55, 0.4, 0.7), flag=False):
    return Control(name, predicts, Interval(*auc), 0.01 if flag else 0.6, flag, "The class can be told." if flag else "No sign.")


def table_result(n_rows=60, n_features=6, classes=("bad", "good"), names=None, groups=None, **changes):
    random = np.random.default_rng(5)
    y = np.arange(n_rows) % len(classes)
    values = random.normal(size=(n_rows, n_features)) + (np.arange(n_features) == 0) * y[:, None]
    names = names or [f"feature {j}" for j in range(n_features)]
    frame = pd.DataFrame({"label": [classes[k] for k in y]})
    features = FeatureMatrix(values, np.full(n_features, np.nan), np.ones(values.shape, bool), frame, names)
    return build(features, y, np.arange(n_rows) if groups is None else groups, list(classes), **changes)


def cohort_result(classes=("ill", "well"), prefix="s", n_patients=12, **changes):
    raw = random_cohort(n_patients, len(classes), prefix)
    data, nuisance = preprocess(raw, Settings(), n_jobs=1)
    y = np.repeat(np.arange(n_patients) % len(classes), 2)
    more = {
        "roles": {"label": "label", "group": "patient", "site": "site"},
        "other_schemes": [model_score(SELECTED, y, len(classes), scheme="leave-site-out")],
        "controls": [control(), control("features", "site", (0.9, 0.8, 1.0), True), control("spot", auc=(0.9, 0.8, 1), flag=True)],
        "sensitivity": [
            Variant("peaks", "snr", 2.0, True, 20, 0.9, 1.0),
            Variant("peaks", "snr", 3.0, False, 12, 0.7, 0.5),
            Variant("baseline", "iterations", 50, False, 0, float("nan"), float("nan"), "too short"),
            Variant("bin", "tolerance", 0.002, True, 20, 0.9, 1.0),
            Variant("bin", "tolerance", 0.004, False, 18, 0.88, 0.8),
        ],
        "universes": [
            Universe([("peaks", "snr", 3.0), ("bin", "tolerance", 0.004)], 11, 0.68, 0.4),
            Universe([("peaks", "snr", 3.0), ("bin", "tolerance", 0.004), ("filter", "min_frequency", 0.5)], 9, 0.6, 0.3),
            Universe([("filter", "min_frequency", 0.5)], 15, 0.85, 0.9),
            Universe([("filter", "min_frequency", 0.1)], 25, 0.86, 0.9),
        ],
        "run_order": ("acquired", np.arange(2.0 * n_patients)),
        "drifts": [
            Drift("total ion current", "acquired", -0.8, 0.001, -0.4, True, "It falls."),
            Drift("noise level", "acquired", 0.1, 0.9, 0.0, False, "No sign."),
        ],
        "agreement": Agreement("sample", 12, 24, [0.3], [0.2], 0.3, 0.4, True, "Replicates of a sample agree badly."),
        "curve": [Point(4.0, Interval(0.6, 0.4, 0.8), 1.0), Point(8.0, Interval(0.8, 0.6, 0.95), 1.0)],
        "panel": Panel(
            [Member(0, [3], 1.0), Member(1, [], 0.4)],
            Interval(0.88, 0.7, 0.95),
            [(1, Interval(0.7, 0.5, 0.9)), (2, Interval(0.88, 0.7, 0.95))],
            [2, 1],
        ),
        "tables": {"site": cross_table(raw.samples["site"], y, raw.samples["patient"].to_numpy(), list(classes))},
        "set_aside": [{"file": f"{prefix}bad.csv", "reason": f"{prefix} holds NaN"}],
        "notes": [f"Two points of {prefix} were trimmed."],
    }
    groups = raw.samples["patient"].to_numpy()
    return build(data, y, groups, list(classes), raw=raw, nuisance=nuisance, **(more | changes))


@pytest.fixture(scope="module")
def full():
    return cohort_result()


@pytest.fixture(scope="module")
def page(full, tmp_path_factory):
    """Text and parsed page of `full`."""
    return page_of(full, tmp_path_factory.mktemp("page"))


def page_of(result, folder, facts=FACTS):
    write_report(folder / "report.html", result, facts)
    text = (folder / "report.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_the_page_needs_nothing_else(page):
    text, page = page
    assert text.startswith("<!DOCTYPE html>")
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    assert all(reference.startswith(("#", "data:image/png;base64,")) for reference in page.references)
    assert "@import" not in text and not re.search("https?:", re.sub(r"base64,[^\"]*", "", text))
    assert len(page.ids) == len(set(page.ids))
    assert {reference[1:] for reference in page.references if reference.startswith("#")} <= set(page.ids)


def test_the_same_result_gives_the_same_bytes(full, page, tmp_path):
    assert page_of(full, tmp_path)[0] == page[0]


def test_sections_stand_in_order(page):
    _, page = page
    order = ["summary", "models", "schemes", "audit", "markers", "spectra", "sensitivity", "aside", "notes", "settings", "again"]
    assert [name for name in page.ids if name in order] == order
    for word in ("too few", "column 'spot'", "leave", "sbad.csv", "s holds NaN", "Two points of s were trimmed.", "too short"):
        assert word in page.text


def test_what_is_not_known_is_left_out(tmp_path):
    _, page = page_of(table_result(names=[*HOSTILE, "a" * 200, "b"]), tmp_path)
    assert "script" not in page.tags and HOSTILE[2] in page.text
    assert not {"schemes", "audit", "spectra", "sensitivity", "aside", "notes"} & set(page.ids)
    assert {"summary", "models", "markers", "settings", "again"} <= set(page.ids)
    assert "m/z" not in page.text and "spectrum" not in page.text and "smooth" not in page.text


def test_characters_that_no_page_may_hold_are_marked(tmp_path):
    text, page = page_of(cohort_result(classes=UNPRINTABLE, prefix=UNPRINTABLE[1], notes=[*UNPRINTABLE, "half \ud800"]), tmp_path)
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert "a\ufffdb\ufffd[31m" in page.text and "bell\ufffd\ufffd" in page.text
    pictures = re.findall("<svg.*?</svg>", text, re.DOTALL)
    assert len(pictures) > 10
    for picture in pictures:
        xml.etree.ElementTree.fromstring(picture)


def test_nothing_in_the_data_can_break_out(tmp_path):
    result = cohort_result(classes=HOSTILE, prefix=HOSTILE[1], notes=HOSTILE)
    facts = FACTS | {"input": f"/data/{HOSTILE[0]}.csv", "roles": {"label": HOSTILE[2]}}
    text, page = page_of(dataclasses.replace(result, roles={"label": HOSTILE[2], "group": "patient"}), tmp_path, facts)
    assert "script" not in page.tags and "img" not in page.tags
    assert "<script" not in text and "onerror=alert(2)>" not in text
    assert text.count("</style>") == 1
    for name in HOSTILE:
        assert name in page.text


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.peer
@pytest.mark.skipif(BROWSER is None, reason="no chromium to look at the page with")
def test_a_browser_has_nothing_to_complain_of(tmp_path):
    result = table_result(classes=HOSTILE[:2], names=[*HOSTILE, "a", "b"])
    page_of(result, tmp_path, FACTS | {"input": f"/data/{HOSTILE[0]}.csv"})
    words = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}"]
    seen = subprocess.run([*words, "--dump-dom", f"file://{tmp_path / 'report.html'}"], capture_output=True, text=True, timeout=120)
    assert "</html>" in seen.stdout and "Candidates compared" in seen.stdout
    assert "CONSOLE" not in seen.stderr, seen.stderr
    (tmp_path / "report.html").write_text("<script>console.error('it is heard')</script>")
    heard = subprocess.run([*words, "--dump-dom", f"file://{tmp_path / 'report.html'}"], capture_output=True, text=True, timeout=120)
    assert "it is heard" in heard.stderr


FIGURES = [
    models.comparison,
    models.learning_curve,
    models.decisions,
    belief.per_patient,
    models.schemes,
    threats.controls,
    threats.nuisance,
    threats.over_the_run,
    marker_figures.panel_sizes,
    marker_figures.distributions,
    marker_figures.stability,
    marker_figures.profiles,
    marker_figures.whole_profiles,
    matrix.peak_matrix,
    sensitivity.sensitivity,
    multiverse.pairs,
    multiverse.multiverse,
]


@pytest.mark.parametrize("function", FIGURES, ids=lambda function: function.__name__)
def test_every_figure_is_labelled(full, function):
    figure, title, caption = function.__wrapped__(full, subject.subject(full))
    assert title and len(caption) > 40
    drawn = [axis for axis in figure.axes if axis.axison]
    lowest = [axis for axis in drawn if axis.get_xticks().size and not axis.get_shared_x_axes().get_siblings(axis)[1:]]
    assert drawn and all(axis.get_xlabel() or axis.get_ylabel() for axis in lowest)
    assert any(axis.get_xlabel() for axis in drawn)


def test_the_audit_says_why_a_p_of_one_may_be_an_alarm(full):
    caption = threats.controls.__wrapped__(full, subject.subject(full))[2]
    assert "fewer than 20 patients" in caption and "0.9 or more" in caption


def test_every_drift_is_drawn_with_its_unit(full):
    drift = full.drifts[0]._replace(what=SHIFT)
    five = dataclasses.replace(full, drifts=[drift, *(drift._replace(what=name, flag=False) for name in NUISANCE)])
    figure, *_ = threats.over_the_run.__wrapped__(five, subject.subject(five))
    drawn = {axis.get_title(): axis.get_ylabel() for axis in figure.axes if axis.get_visible()}
    assert drawn[f"{SHIFT} (drifts)"] == "ppm" and len(drawn) == 5 and all(drawn.values())


def test_every_figure_has_a_title_and_words_for_those_who_cannot_see_it(full, page):
    _, page = page
    assert len(page.figures) == len(FIGURES) + len(full.problem.classes)
    assert len(set(page.figures)) == len(page.figures)
    assert page.tags.count("figure") == page.tags.count("figcaption") == len(page.figures)


@pytest.mark.parametrize("n_classes", [3, 14])
def test_many_classes(n_classes, tmp_path):
    classes = [f"dose {k}" for k in range(n_classes)]
    _, page = page_of(table_result(n_rows=6 * n_classes, classes=classes), tmp_path)
    assert "dose 2" in page.text


def test_a_study_without_markers_or_scores(tmp_path):
    nothing = table_result(auc=(np.nan, np.nan, np.nan))
    nothing = dataclasses.replace(nothing, markers=[marker._replace(stability=0.0) for marker in nothing.markers])
    _, page = page_of(nothing, tmp_path)
    assert "No feature was chosen repeatedly" in page.text and "not defined" in page.text


def test_a_large_table_stays_small(tmp_path):
    text, _ = page_of(table_result(n_rows=1600, n_features=774), tmp_path)
    assert len(text) < 3_000_000


def test_averaged_replicates_have_no_raw_spectra_to_show(full):
    assert signals.pictures(None, full.problem.data, full.problem.settings) == []


@pytest.mark.parametrize("n_classes", [2, 4])
def test_the_area_under_the_drawn_curve_is_the_auc(n_classes):
    y = np.arange(240) % n_classes
    folds = folds_for(y, n_classes, skill=1.0)
    curves = [models.mean_roc(folds, y, k) for k in ([1] if n_classes == 2 else range(n_classes))]
    area = np.mean([area_under(models.GRID, curve) for curve in curves])
    assert area == pytest.approx(scores.auc(folds, y[None, :], np.ones((1, y.size)))[0], abs=0.01)


@pytest.mark.parametrize(("power", "flatter"), [(1.0, False), (3.0, True)])
def test_calibration_tells_overconfidence(power, flatter):
    random = np.random.default_rng(1)
    said = random.uniform(0.02, 0.98, 3000)
    y = (random.random(3000) < said).astype(int)
    odds = (said / (1 - said)) ** power
    probability = np.column_stack([1 / (1 + odds), odds / (1 + odds)])
    result = table_result()
    nested = dataclasses.replace(result.scores[-1], folds=[(np.arange(3000), probability)])
    about = subject.subject(result)._replace(nested=nested, y=y, n_rows=3000)
    found = belief.calibration(about)
    assert found.brier == pytest.approx(np.mean((probability[:, 1] - y) ** 2))
    inside = (found.low <= found.said) & (found.said <= found.high)
    assert inside.mean() < 0.5 if flatter else inside.mean() >= 0.8
    assert (found.low <= found.seen).all() and (found.seen <= found.high).all()


def test_calibration_shows_no_probability_that_no_model_gave():
    y = np.arange(240) % 4
    sure = np.eye(4)[y]
    about = subject.subject(table_result())
    nested = dataclasses.replace(table_result().scores[-1], folds=[(np.arange(240), sure)])
    found = belief.calibration(about._replace(nested=nested, y=y, n_rows=240, classes=["a", "b", "c", "d"]))
    assert set(found.said.tolist()) == {0.0, 1.0} and np.array_equal(found.said, found.seen)


def test_calibration_needs_rows():
    few = table_result(n_rows=20)
    assert belief.calibration(subject.subject(few)) is None


def test_confusion_counts_each_row_once():
    y = np.array([0, 0, 0, 1, 1])
    sure = np.eye(2)
    folds = [(np.arange(5), sure[[0, 0, 1, 1, 1]]), (np.arange(5), sure[[0, 0, 0, 1, 0]])]
    np.testing.assert_allclose(models.confusion(folds, y, 2), [[2.5, 0.5], [0.5, 1.5]])


def test_the_hardest_patients_are_those_called_something_else(full):
    about = subject.subject(full)
    n_wrong, rows = belief.hardest(full, about)
    assert n_wrong >= len(rows)
    assert all(row["truly"] != row["called"] and float(row["probability"]) <= 0.5 for row in rows)


@pytest.mark.parametrize(
    ("changes", "level", "words"),
    [
        ({}, "good", "Yes"),
        ({"auc": (0.55, 0.4, 0.7), "p": 0.4}, "alarm", "not told apart better than by guessing"),
        ({"auc": (0.7, 0.55, 1.0), "p": 0.09, "groups": np.arange(60) % 10}, "caution", "Not shown"),
        ({"controls": [control(auc=(0.9, 0.8, 1), flag=True)]}, "alarm", "perhaps not by their biology"),
        ({"groups": np.arange(60) % 10}, "caution", "too few"),
        ({"groups": np.arange(60) % 10, "controls": [control(flag=True)]}, "alarm", "Not yet an answer"),
    ],
)
def test_the_answer_in_a_sentence(changes, level, words):
    result = table_result(**changes)
    found = summary.headline(result, subject.subject(result))
    assert found[0] == level and words in found[1]


def test_a_fall_at_other_sites_is_an_alarm():
    y = np.arange(60) % 2
    elsewhere = model_score(SELECTED, y, 2, scheme="leave-site-out", auc=(0.5, 0.3, 0.7))
    result = table_result(other_schemes=[elsewhere], roles={"label": "label", "site": "site"})
    about = subject.subject(result)
    assert summary.headline(result, about)[0] == "alarm"
    assert "Falls by site" in [threat.title for threat in evidence.threats(result, about)]
    uncertain = dataclasses.replace(result, other_schemes=[model_score(SELECTED, y, 2, scheme="leave-site-out", auc=(0.85, 0.4, 1.0))])
    assert ("alarm", "Not shown by site") in [threat[:2] for threat in evidence.threats(uncertain, about)]
    alone = dataclasses.replace(result, other_schemes=[])
    assert "No site could be held out" in [threat.title for threat in evidence.threats(alone, about)]


def test_every_way_of_holding_out_has_a_column():
    y = np.arange(60) % 2
    elsewhere = [model_score(SELECTED, y, 2, scheme=scheme) for scheme in ("leave-site-out", "forward-in-time")]
    result = table_result(other_schemes=elsewhere)
    ways, rows = models.scheme_rows(result, subject.subject(result))
    assert len(ways) == 3 and [row["name"] for row in rows] == ["best model, selected inside", "random forest"]
    assert all(mean == "0.900" for mean, _ in rows[0]["cells"])
    assert rows[1]["cells"][1:] == [("", "")] * 2  # not tried there


def test_a_score_of_a_quantity_is_nowhere_called_auc(tmp_path):
    result = table_result()
    quantity = result.problem.y + 0.01 * np.arange(60)
    interval = Interval(0.9, 0.8, 0.97)
    measures = dict.fromkeys(["concordance", "r2", "rmse", "mae", "spearman"], interval)
    score = ModelScore(SELECTED, "random-grouped", measures, 0.99, 0.01, 1.5, {}, [(np.arange(60), quantity[:, None])])
    made = {
        "problem": result.problem._replace(quantity=quantity),
        "scores": [score],
        "panel": Panel([Member(0, [], 1.0)], interval, [(1, interval)], [1]),
        "sensitivity": [Variant("filter", "min_frequency", 0.25, True, 6, 0.9, 1.0)],
        "controls": [control()],
    }
    text, page = page_of(dataclasses.replace(result, **made), tmp_path)
    assert "Panels chosen this way reach concordance 0.90" in text and "a fixed forest's concordance" in html.unescape(text)
    assert not [words for words in page.words if "AUC" in words or "ROC" in words]


def test_the_page_says_beside_the_panel_that_it_is_not_settled_or_no_finding(full, tmp_path):
    text, _ = page_of(full, tmp_path)
    assert "1 of these 2 was chosen in fewer than half of the splits: with other patients, another peak would stand in its place." in text
    assert "The panel is not settled" not in text  # half of it is
    weak = full.panel._replace(members=[Member(0, [3], 0.0), Member(1, [], 0.4)])
    told = {threat.title: threat.text for threat in evidence.threats(dataclasses.replace(full, panel=weak), subject.subject(full))}
    assert told["The panel is not settled"].startswith("2 of its 2 peaks were chosen in fewer than half of the splits")
    settled = dataclasses.replace(full, panel=weak._replace(members=[Member(0, [3], 1.0)]))
    assert summary.panel_words(settled, subject.subject(settled))[0] == ""
    chance = cohort_result(auc=(0.6, 0.4, 0.8))
    assert "and no finding" in page_of(chance, tmp_path)[0]


def test_few_features_are_said_to_be_chosen_by_thirds(tmp_path):
    text, _ = page_of(table_result(n_features=6), tmp_path)
    assert "was then among the 2 best of a forest" in text and "always among the ten" not in text
    markers = [Marker(f"feature {j}", float("nan"), 0.3, "good", 1.0, j, []) for j in range(6)]
    unsettled = table_result(n_features=6, markers=markers)
    assert "The panel is not settled" in {threat.title for threat in evidence.threats(unsettled, subject.subject(unsettled))}


def test_light_peaks_that_differ_have_names_that_differ():
    names = [subject.marker_name(Marker("", mz, 1.0, "a", 1.0, 0, [])) for mz in (4.98, 5.01, 4211.34)]
    assert names == ["m/z 4.98", "m/z 5.01", "m/z 4211.3"]


def test_a_perfect_confounder_is_named():
    table = pd.DataFrame({"bad": [30, 0], "good": [0, 30]}, index=["north", "south"])
    result = table_result(tables={"site": table})
    assert summary.headline(result, subject.subject(result))[0] == "alarm"
    assert "Class and site are one" in [threat.title for threat in evidence.threats(result, subject.subject(result))]
    (found,) = threats.cross_tables(result)
    assert found["alarm"] and "cannot be told apart" in found["verdict"]


def test_the_first_page_tells_of_a_drift_and_of_replicates_that_disagree(full):
    told = {threat.title: threat.level for threat in evidence.threats(full, subject.subject(full))}
    assert told["The instrument drifts"] == evidence.CAUTION and told["Replicates disagree"] == evidence.ALARM


def test_a_control_that_too_few_patients_cannot_settle_is_not_called_passed():
    doubtful = control("features", "site", (1.0, 1.0, 1.0))
    assert threats.unsettled(doubtful) and "Not settled" in threats.verdict(doubtful)
    assert not threats.unsettled(control()) and threats.verdict(control()) == "No sign."


def test_a_batch_that_cannot_be_told_from_the_class_is_shown_without_a_score(tmp_path):
    nothing = (float("nan"),) * 3
    unknown = Control("features", "site", Interval(*nothing), float("nan"), True, "Its effect cannot be told from the disease at all.")
    _, page = page_of(table_result(controls=[unknown]), tmp_path)
    assert "Its effect cannot be told from the disease at all." in page.text and "nan" not in page.text.split()
    assert threats.controls(table_result(controls=[unknown]), subject.subject(table_result())) is None


def test_shuffled_labels_are_no_biomarker_and_no_control_passed():
    for flag in (False, True):
        shuffled = control(SHUFFLED, auc=(0.8, 0.7, 0.9), flag=flag)
        result = table_result(controls=[control(), shuffled])
        told = {threat.title: threat.text for threat in evidence.threats(result, subject.subject(result))}
        assert not any("shuffled labels" in text for title, text in told.items() if "biomarker" in title or title == "Controls passed")
        assert told.get("Shuffled labels are learned") == (shuffled.verdict if flag else None)


def test_nuisance_numbers_are_not_called_columns(full):
    splits = grouped_splits(full.problem.y, full.problem.groups, folds=2, repeats=1, seed=0)
    site = pd.DataFrame({"site": full.raw.samples["site"]})
    tests, _ = class_from_nuisance(full.problem, splits, full.nuisance, site, resamples=100, permutations=99)
    assert [name for name in map(threats.source, judge(tests)) if "column" in name] == ["column 'site'"]


def test_the_label_of_a_group_is_a_word():
    for name, word in (("patient_id", "patient"), ("Sample", "sample"), ("SubjectNr", "subject"), ("x1", "patient"), ("ids", "patient")):
        result = table_result(roles={"label": "label", "group": name})
        assert subject.subject(result).patient == word
    assert subject.subject(table_result()).patient == "row"


def test_settings_that_differ_are_marked():
    rows = settings_rows(change(Settings(), "peaks", snr=3))
    changed = [(row["step"], option["name"]) for row in rows for option in row["options"] if option["changed"]]
    assert changed == [("peak finding", "snr")]
    assert all(option["words"] for row in rows for option in row["options"])


def test_the_command_can_be_pasted_into_a_shell():
    facts = {"command": "study", "input": "a folder/m.csv", "roles": {"label": "quality>=6", "site": None}, "seed": 3}
    assert command(facts) == "spectra study 'a folder/m.csv' --label 'quality>=6' --settings settings.toml --seed 3 --out again"


def test_a_processed_cohort(full, tmp_path):
    facts = {"command": "process", "input": "folder/manifest.csv"}
    path = tmp_path / "report.html"
    write_process_report(path, full.raw, full.problem.data, full.nuisance, full.features, full.problem.settings, facts)
    page = Page(path.read_text(encoding="utf-8"))
    assert {"summary", "spectra", "overview", "settings", "again"} <= set(page.ids)
    assert f"{len(full.raw)} spectra of folder/manifest.csv" in page.text
    assert "folds" not in page.text


def test_examples_are_typical_and_have_their_raw_spectrum(full):
    found = signals.examples(full.raw, full.problem.data, full.problem.y)
    names = full.problem.data.samples["file"]
    assert [full.problem.y[row] for row, _ in found] == [0, 1]
    assert all(names.iloc[row] == full.raw.samples["file"].iloc[origin] for row, origin in found)
