import numpy as np
import pytest

from spectra import simulate_cohort
from spectra.pipeline import call, signal_stages
from spectra.settings import Settings, from_dict, methods

SIGNALS = [(step, name) for step in ("transform", "smooth", "baseline", "normalize", "noise") for name in methods(step)]


@pytest.fixture(scope="module")
def spectrum():
    cohort = simulate_cohort(2, seed=4).cohort
    return cohort.axis_of(0)[5000:9000], cohort.intensity_of(0)[5000:9000]


@pytest.mark.parametrize(("step", "name"), SIGNALS)
@pytest.mark.filterwarnings("ignore:.* stopped at max_iterations:RuntimeWarning")
def test_every_declared_method_runs_with_its_defaults(spectrum, step, name):
    settings = from_dict({step: {"method": name}})
    assert getattr(settings, step).method == name
    stages = signal_stages(settings, *spectrum)
    assert all(np.isfinite(stage).all() and stage.shape == spectrum[0].shape for stage in stages.values())
    noise = call(settings.noise, spectrum[0], stages["corrected"])
    assert np.isfinite(noise).all() and np.min(noise) > 0


def test_the_defaults_are_the_steps_of_the_foundation():
    settings = Settings()
    assert [getattr(settings, step).method for step in ("transform", "smooth", "baseline", "normalize", "noise")] == [
        "square_root",
        "savitzky_golay",
        "snip",
        "normalize_tic",
        "noise_mad",
    ]
