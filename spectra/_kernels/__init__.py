"""Numba kernels of the per-spectrum and learned steps, one self-contained file per family."""
