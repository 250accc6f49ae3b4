"""The errors a user can cause; the command line prints them as one line and exits with code 2."""

import difflib

MOST_LISTED = 20


class SpectraError(ValueError):
    """Bad input. The message names the file, spectrum, line, column or setting, and the remedy."""


class SettingsError(SpectraError):
    """A setting that does not exist or lies outside its declared bounds."""


class ModelError(SpectraError):
    """A model that cannot be fitted, or asked; a study sets it aside, says so, and goes on with the others."""


class SpectrumError(SpectraError):
    """One spectrum that cannot be used; within a run it is set aside and listed, and the run goes on."""


def choices(name, names):
    """The end of a complaint about an unknown name: the one that was probably meant, and all there are.

    >>> choices("Lable", ["file", "label"])
    "did you mean 'label'? there are file, label"
    >>> choices("age", ["file", "label"])
    'there are file, label'
    """
    names = [str(each) for each in names]
    plain = {each.casefold(): each for each in reversed(names)}
    near = difflib.get_close_matches(str(name).casefold(), plain, n=1)
    more = ", …" if len(names) > MOST_LISTED else ""
    return (f"did you mean {plain[near[0]]!r}? " if near else "") + f"there are {', '.join(names[:MOST_LISTED])}{more}"
