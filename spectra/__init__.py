"""From raw MALDI-TOF mass spectra to a validated biomarker panel.

Names are imported when first used, so ``import spectra`` is quick and loads neither numba nor scikit-learn.
"""

import importlib

__version__ = "0.1.0"

_MODULES = {
    "alignment": ["WarpAligner"],
    "baseline": ["convex_hull", "median_baseline", "rolling_ball", "snip", "tophat"],
    "baseline_penalized": ["airpls", "arpls", "asls", "drpls", "fit_baseline"],
    "binning": ["FrequencyFilter", "PeakBinner", "bin_peaks"],
    "calibration": ["Calibration", "Calibrator", "calibrate"],
    "containers": ["Cohort", "FeatureMatrix", "PeakList", "Spectrum", "Warp"],
    "errors": ["SettingsError", "SpectraError", "SpectrumError"],
    "identification": ["Molecule", "link_forms", "match_masses", "read_library"],
    "io": [
        "bruker_axis",
        "bruker_calibration",
        "open_cohort",
        "read_cohort",
        "read_manifest",
        "read_spectrum",
        "read_table",
        "save_cohort",
        "write_bruker",
        "write_csv",
    ],
    "noise": ["noise_local", "noise_mad", "noise_quantile", "noise_supersmoother"],
    "normalization": ["normalize_median", "normalize_peak", "normalize_rms", "normalize_tic", "total_ion_current"],
    "normalization_pqn": ["PQNormalizer"],
    "peaks": ["find_peaks", "flag_saturated"],
    "peaks_cwt": ["find_peaks_cwt"],
    "peaks_fit": ["find_peaks_fit"],
    "peaks_isotopes": ["monoisotopic_peaks"],
    "peaks_width": ["WidthModel", "fit_widths"],
    "quality": ["check_quality", "spectrum_quality"],
    "replicates": ["ReplicateFilter", "average_replicates", "replicate_agreement"],
    "simulate": ["Simulation", "simulate_cohort"],
    "simulate_flight": ["Instrument", "flight_time"],
    "smoothing": ["moving_average", "running_median", "savitzky_golay", "savitzky_golay_growing", "whittaker"],
    "transform": ["cube_root", "logarithm", "resample", "square_root", "trim"],
    "wavelets": ["denoise_wavelet", "dwt", "idwt", "iswt", "swt", "wavelet_filters", "wavelet_names"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'spectra' has no attribute {name!r}")
    return getattr(importlib.import_module(f"spectra.{_HOME[name]}"), name)


def __dir__():
    return __all__
