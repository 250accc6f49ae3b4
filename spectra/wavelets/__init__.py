"""Wavelets: filters, transforms there and back, thresholds, denoising."""

from spectra.wavelets.denoising import denoise_wavelet
from spectra.wavelets.filters import wavelet_filters, wavelet_names
from spectra.wavelets.transforms import dwt, idwt, iswt, swt

__all__ = ["denoise_wavelet", "dwt", "idwt", "iswt", "swt", "wavelet_filters", "wavelet_names"]
