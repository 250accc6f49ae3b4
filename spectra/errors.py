"""The errors a user can cause; the command line prints them as one line and exits with code 2."""


class SpectraError(ValueError):
    """Bad input. The message names the file, spectrum, line, column or setting, and the remedy."""


class SettingsError(SpectraError):
    """A setting that does not exist or lies outside its declared bounds."""


class SpectrumError(SpectraError):
    """One spectrum that cannot be used; within a run it is set aside and listed, and the run goes on."""
