"""Decision trees, forests and gradient boosting in Numba, compatible with scikit-learn.

Names are imported when first used, so ``import fasttree`` is quick and loads neither numba nor scikit-learn.
"""

import importlib

__version__ = "0.1.0"

_MODULES: dict[str, list[str]] = {
    "tree": ["DecisionTreeClassifier", "DecisionTreeRegressor"],
    "inspection": ["explain", "out_of_bag_importances", "predict_quantiles", "proximity"],
    "drawing": ["export_graphviz", "export_text", "plot_tree"],
    "interop": ["load", "save"],
    "forest": ["ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor"],
    "boosting": ["GradientBoostingClassifier", "GradientBoostingRegressor"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'fasttree' has no attribute {name!r}")
    return getattr(importlib.import_module(f"fasttree.{_HOME[name]}"), name)


def __dir__():
    return __all__
