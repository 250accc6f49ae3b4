import os
import pathlib

import pytest

DATA = pathlib.Path(os.environ.get("SPECTRA_TEST_DATA", pathlib.Path(__file__).parents[2] / "shared" / "data"))


def pytest_collection_modifyitems(items):
    if not DATA.is_dir():
        for item in items:
            if item.get_closest_marker("data"):
                item.add_marker(pytest.mark.skip(reason="the real spectra are not beside the project"))


@pytest.fixture(scope="session")
def data():
    """Folder of the real spectra."""
    return DATA
