"""The reckoning of benchmarks/honesty.py: resuming, counting, drawing, and one cohort of noise."""

import numpy as np
import pytest

from benchmarks import honesty


def made_up(kind, seed):
    row = {"kind": kind, "seed": seed, "made_by": honesty.digest(), "alarms": ["site -> class"] if kind.startswith("confounded") else []}
    if kind == "noise":
        row |= {"auc": 0.5, "low": 0.4, "high": 0.45 if seed == 0 else 0.6, "bins_from_all": 0.5, "peaks_from_all": 0.8}
    return row


def place(row):
    return honesty.KINDS.index(row["kind"]), row["seed"]


def test_a_stopped_run_goes_on_where_it_was(tmp_path, monkeypatch):
    asked = []

    def one(kind, seed):
        asked.append((kind, seed))
        return made_up(kind, seed)

    monkeypatch.setattr(honesty, "one", one)
    counts = dict.fromkeys(honesty.KINDS, 3)
    path = tmp_path / "rows.jsonl"
    whole = honesty.run(counts, path, 1)
    lines = path.read_text().splitlines()
    stale = lines[5].replace(honesty.digest(), "of other settings")
    path.write_text("\n".join([*lines[:4], stale, lines[6][:20]]))
    asked.clear()
    again = honesty.run(counts, path, 1)
    assert sorted(again, key=place) == sorted(whole, key=place)
    assert len(asked) == len(whole) - 4

    found = honesty.summary(again)
    assert found["noise"]["interval covers 0.5"][0] == pytest.approx(2 / 3)
    assert found["noise"]["AUC, peaks_from_all"] == pytest.approx((0.8, 0.8, 0.8))
    assert found["clean"]["any alarm"][0] == 0
    assert found["confounded 0.5"]["any alarm"][0] == 1
    assert found["confounded 0.5"]["any alarm but that of the site's own column"][0] == 0
    honesty.draw(again, tmp_path / "figure.svg")
    assert (tmp_path / "figure.svg").stat().st_size > 5000


def test_shares_have_wilsons_interval():
    assert honesty.share([True] * 5 + [False] * 95) == pytest.approx((0.05, 0.0215, 0.1118), abs=1e-3)


def test_the_customary_way_keeps_what_differs():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 20)
    values = rng.normal(size=(40, 50))
    values[:, 7] += 3 * y
    assert honesty.best_columns(values, y)[0] == 7


def test_steps_counted_in_points_shrink_with_the_points():
    settings = honesty.settings_of("clean")
    assert (settings.baseline.iterations, settings.peaks.half_window) == (25, 5)


def test_a_cohort_of_noise_is_studied():
    row = honesty.one("noise", 0)
    assert row["alarms"] == [] and row["low"] < 0.5 < row["high"] and row["peaks_from_all"] > 0.7
