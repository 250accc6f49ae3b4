"""Imports point down only: DESIGN's floors, read from the sources."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]

# From the top floor to the bottom; modules on one floor may not import each other, except where a floor is marked "mixed".
SPECTRA = [
    {"spectra.__main__"},
    {"spectra.cli"},
    {"spectra.warmup"},
    {"spectra.report"},
    {"spectra.study"},
    {"spectra.pipeline"},
    {"spectra.settings"},
    {
        "spectra.transform",
        "spectra.smoothing",
        "spectra.wavelets",
        "spectra.baseline",
        "spectra.normalization",
        "spectra.replicates",
        "spectra.noise",
        "spectra.quality",
        "spectra.peaks",
        "spectra.alignment",
        "spectra.binning",
        "spectra.identification",
        "spectra.calibration",
        "spectra.simulate",
    },
    {"spectra.io"},
    {"spectra._steps"},
    {"spectra.containers"},
    {"spectra._validation", "spectra._threads"},
    {"spectra.errors"},
    {"spectra._kernels"},
]
FASTTREE = [
    {"fasttree.warmup"},
    {"fasttree.tree", "fasttree.forest", "fasttree.boosting", "fasttree.inspection", "fasttree.interop", "fasttree.drawing"},
    {"fasttree._estimators"},
    {"fasttree._boosting_base"},
    {"fasttree._boosting_fit", "fasttree._boosting_saving", "fasttree._boosting_shapley"},
    {"fasttree._boosting_model"},
    {"fasttree._boosting_predict", "fasttree._boosting_crew", "fasttree._boosting_columns", "fasttree._boosting_init"},
    {"fasttree._boosting_round"},
    {"fasttree._growth", "fasttree._boosting_grow", "fasttree._boosting_tables"},
    {"fasttree._boosting_search"},
    {"fasttree._boosting_presort"},
    {"fasttree._boosting_split", "fasttree._boosting_rows"},
    {"fasttree._boosting_state"},
    {"fasttree._tree", "fasttree._splitting", "fasttree._binning", "fasttree._losses"},
    {"fasttree._histogram"},
    {"fasttree._boosting_sync"},
    {"fasttree._validation", "fasttree._threads", "fasttree._pages", "fasttree._estimator"},
    {"fasttree._categories"},
    {"fasttree._jit"},
]
MIXED = {
    "spectra.noise",
    "spectra.peaks",
    "spectra.alignment",
    "spectra.binning",
    "spectra.calibration",
    "fasttree.forest",
    "fasttree.inspection",
    "fasttree.interop",
}


def floor_of(module, floors):
    """Index of the floor whose entry is the longest prefix of `module`."""
    best, where = "", None
    for level, names in enumerate(floors):
        for name in names:
            if (module == name or module.startswith((name + ".", name + "_"))) and len(name) > len(best):
                best, where = name, level
    return best, where


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def modules(package):
    for path in sorted((ROOT / package).rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        if not name.endswith("__init__") or name.count(".") > 1:
            yield name.removesuffix(".__init__"), path


def upward(name, imported, floors):
    """True when module `name` may not import `imported`."""
    (own, here), (other, there) = floor_of(name, floors), floor_of(imported, floors)
    if there is None or own == other:
        return False
    return there < here or (there == here and own not in MIXED)


@pytest.mark.parametrize(("package", "floors"), [("spectra", SPECTRA), ("fasttree", FASTTREE)])
def test_imports_point_down(package, floors):
    wrong = []
    for name, path in modules(package):
        assert floor_of(name, floors)[1] is not None, f"{name} has no floor: add it to the table"
        wrong += [f"{name} imports {other}" for other in imports_of(path) if other.startswith(package) and upward(name, other, floors)]
    assert not wrong


def test_fasttree_does_not_know_spectra():
    assert not [name for name, path in modules("fasttree") for other in imports_of(path) if other.split(".")[0] == "spectra"]


def test_an_upward_import_is_seen():
    assert upward("spectra.io.text", "spectra.peaks.find_peaks", SPECTRA)
    assert upward("spectra.smoothing", "spectra.baseline.snip", SPECTRA)
    assert not upward("spectra.study.audit", "spectra.containers.Cohort", SPECTRA)
    assert upward("fasttree._tree", "fasttree.forest", FASTTREE)
