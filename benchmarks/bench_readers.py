"""Time to read one spectrum of 42,388 points, per format, and a cohort."""

from benchmarks.peers.readers import folder
from spectra import Cohort, read_cohort, read_spectrum


class Readers:
    params = ("one.csv", "one.csv.gz", "one.mzML", "0_A1")
    param_names = ("file",)

    def setup(self, file):
        self.path = folder() / file
        read_spectrum(self.path)

    def time_read_spectrum(self, file):
        read_spectrum(self.path)


class Cohorts:
    def setup(self):
        self.manifest = folder() / "manifest.csv"
        self.store = folder() / "stored.cohort"
        read_cohort(self.manifest).save(self.store)
        Cohort.open(self.store)

    def time_read_cohort(self):
        read_cohort(self.manifest)

    def time_open_cohort(self):
        Cohort.open(self.store)

    def peakmem_read_cohort(self):
        read_cohort(self.manifest)
