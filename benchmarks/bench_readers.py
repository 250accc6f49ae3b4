"""Time to read one spectrum of 42,388 points, per format, and a cohort."""

import spectra
from benchmarks import skips_older


def folder():
    from benchmarks.peers.readers import folder

    return folder()


class Readers:
    params = ("one.csv", "one.csv.gz", "one.mzML", "0_A1")
    param_names = ("file",)

    @skips_older
    def setup(self, file):
        self.path = folder() / file
        spectra.read_spectrum(self.path)

    def time_read_spectrum(self, file):
        spectra.read_spectrum(self.path)


class Cohorts:
    @skips_older
    def setup_cache(self):
        """Compile in a process of its own: the compiler's memory isn't the readers'."""
        self.setup()

    @skips_older
    def setup(self):
        self.manifest = folder() / "manifest.csv"
        self.store = folder() / "stored.cohort"
        spectra.read_cohort(self.manifest).save(self.store)
        spectra.Cohort.open(self.store)

    def time_read_cohort(self):
        spectra.read_cohort(self.manifest)

    def time_open_cohort(self):
        spectra.Cohort.open(self.store)

    def peakmem_read_cohort(self):
        spectra.read_cohort(self.manifest)
