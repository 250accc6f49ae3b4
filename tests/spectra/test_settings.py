import inspect

import pytest

import spectra
from spectra import settings as declared
from spectra.errors import SettingsError
from spectra.settings import Settings


def test_the_dumped_text_reads_back_as_the_same_settings():
    changed = declared.change(Settings(), "peaks", snr=4.5, half_window=7)
    for comments in (False, True):
        assert declared.parse(declared.dump(changed, comments=comments)) == changed


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[smooth]\nhalf_window = 0", ["[smooth] half_window", ">= 1"]),
        ("[smooth]\nwindow = 3", ["[smooth]", "window"]),
        ('[smooth]\nmethod = "best"', ["[smooth] method", "best"]),
        ('[bin]\nmethod = "loose"', ["[bin] method", "loose"]),
        ("[smoth]\nhalf_window = 3", ["smoth"]),
        ('[peaks]\nsnr = "high"', ["[peaks] snr"]),
        ("peaks = 3", ["peaks"]),
        ("[peaks", ["TOML"]),
    ],
)
def test_a_wrong_setting_is_named(text, words):
    with pytest.raises(SettingsError) as caught:
        declared.parse(text, "mine.toml")
    message = str(caught.value)
    assert message.startswith("mine.toml") and "\n" not in message
    for word in words:
        assert word in message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"absent\.toml"):
        declared.load(tmp_path / "absent.toml")


def declared_sections():
    for step in declared.PER_SPECTRUM:
        for name, section in declared.methods(step).items():
            if name != "none":
                yield step, section.function or name, section()
    for step in declared.LEARNED:
        for section in [method() for method in declared.methods(step).values()] or [getattr(Settings(), step)]:
            if section.function:
                yield step, section.function, section


@pytest.mark.parametrize(("step", "name", "section"), list(declared_sections()), ids=lambda value: str(value)[:20])
def test_a_declaration_has_the_names_and_defaults_of_what_it_calls(step, name, section):
    known = inspect.signature(getattr(spectra, name)).parameters
    for option, value in section.options.items():
        assert option in known, f"{name} takes no {option}"
        assert known[option].default == value, f"{name}: default of {option}"


def test_every_sweep_lies_within_its_bounds():
    for step in declared.PER_SPECTRUM + declared.LEARNED:
        for option in declared.options(Settings(), step):
            for value in option.sweep:
                declared.change(Settings(), step, **{option.name: value})


def test_what_a_step_left_out_could_do_is_told():
    text = declared.dump(Settings(), comments=True)
    assert "#   linear: The square root of m/z" in text and "Options: calibrants, tolerance_ppm, outlier_ppm, min_calibrants." in text
    assert "#   icc: Peaks on which the replicates" in text
    assert declared.parse(text) == Settings()


def test_an_unknown_step_is_named_when_changed():
    with pytest.raises(SettingsError, match="no step 'peak'; did you mean 'peaks'"):
        declared.change(Settings(), "peak", snr=3)
