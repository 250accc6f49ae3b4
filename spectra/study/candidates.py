"""The black boxes that compete, simplest first: who they are, what they may be tuned over, and others by import path."""

import importlib
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from spectra._validation import check_choice
from spectra.errors import SpectraError
from spectra.study import models, networks
from spectra.study.search import Space


class Candidate(NamedTuple):
    """A model and its search space.

    build : callable (seed, **parameters) -> scikit-learn estimator, unfitted
    space : name -> `Space` of each parameter that may be chosen
    fixed : parameters that are set
    scaled : bool, whether it learns from standardised features
    spectra : bool, whether it learns from the spectra themselves instead of the peaks
    known : bool, whether model and parameters are those declared here, so that the library need not check them at every fit
    """

    name: str
    build: Callable[..., Any]
    space: dict[str, Space]
    fixed: dict[str, Any]
    scaled: bool = True
    spectra: bool = False
    known: bool = True

    def estimator(self, seed, point):
        """The unfitted estimator at one point of the space."""
        return self.build(seed, **self.fixed | point)


def _row(name, build, scaled=True, spectra=False, **space):
    return Candidate(name, build, space, {}, scaled, spectra)


_NEIGHBOURS = Space((3, 9, 25), 1, 50)
_FOREST = {"max_features": Space(("sqrt",)), "min_samples_leaf": Space((1,), 1, 10)}
_FOREST_QUANTITY = {"max_features": Space((0.3,), 0.1, 1.0), "min_samples_leaf": Space((1,), 1, 10)}
_BOOSTING = {"learning_rate": Space((0.1,), 0.02, 0.3), "max_depth": Space((3,), 1, 8), "max_features_per_tree": Space((0.3,), 0.1, 1.0)}
_NETS = {"learning_rate": Space((3e-3,), 1e-4, 1e-2), "weight_decay": Space((1e-2,), 1e-4, 1.0)}

CLASSIFIERS = [
    _row("majority class", models.majority),
    _row("naive Bayes", models.bayes, var_smoothing=Space((1e-9, 1e-1), 1e-9, 1.0)),
    _row("nearest shrunken centroids", models.centroids, shrink_threshold=Space((0.0, 0.5, 1.0, 2.0), 0.0, 4.0, False)),
    _row("k nearest neighbours", models.neighbours_class, n_neighbors=_NEIGHBOURS),
    _row("logistic regression L2", models.logistic_l2, C=Space((1e-4, 1e-3, 1e-2, 1e-1), 1e-5, 10.0)),
    _row("logistic regression L1", models.logistic_l1, C=Space((0.03, 0.1, 0.3, 1.0), 0.01, 10.0)),
    _row(
        "logistic regression elastic net",
        models.logistic_elastic,
        C=Space((0.03, 0.3), 0.005, 1.0),
        l1_ratio=Space((0.5,), 0.1, 0.9, False),
    ),
    _row("linear SVM", models.svm_class, kernel=Space(("linear",)), C=Space((1e-4, 1e-3, 1e-2), 1e-5, 10.0)),
    _row("RBF SVM", models.svm_class, kernel=Space(("rbf",)), C=Space((1.0, 10.0), 0.1, 100.0), width=Space((0.3, 1.0), 0.05, 3.0)),
    _row("decision tree", models.tree_class, False, max_depth=Space((2, 4, None)), min_samples_leaf=Space((3,), 1, 20)),
    _row("random forest", models.forest_class, False, **_FOREST),
    _row("extra-trees", models.extra_class, False, **_FOREST),
    _row("gradient boosting", models.boosting_class, False, **_BOOSTING),
    _row("neural network", models.network_class, alpha=Space((1.0, 100.0), 1e-2, 1e3)),
    _row("convolutional network", networks.convolutional_class, True, True, **_NETS),
    _row("recurrent network", networks.recurrent_class, True, True, **_NETS),
]
REGRESSORS = [
    _row("mean", models.mean),
    _row("k nearest neighbours", models.neighbours_quantity, n_neighbors=_NEIGHBOURS),
    _row("ridge regression", models.ridge, alpha=Space((1.0, 10.0, 100.0, 1000.0, 1e4), 0.1, 1e5)),
    _row("lasso", models.lasso, alpha=Space((0.01, 0.03, 0.1, 0.3), 1e-3, 1.0)),
    _row("elastic net", models.elastic, alpha=Space((0.02, 0.06, 0.2, 0.6), 1e-3, 2.0), l1_ratio=Space((0.5,), 0.1, 0.9, False)),
    _row("linear SVM", models.svm_quantity, kernel=Space(("linear",)), C=Space((1e-3, 1e-2, 1e-1), 1e-5, 10.0)),
    _row("RBF SVM", models.svm_quantity, kernel=Space(("rbf",)), C=Space((1.0, 10.0), 0.1, 100.0), width=Space((0.3, 1.0), 0.05, 3.0)),
    _row("decision tree", models.tree_quantity, False, max_depth=Space((2, 4, None)), min_samples_leaf=Space((3,), 1, 20)),
    _row("random forest", models.forest_quantity, False, **_FOREST_QUANTITY),
    _row("extra-trees", models.extra_quantity, False, **_FOREST_QUANTITY),
    _row("gradient boosting", models.boosting_quantity, False, **_BOOSTING),
    _row("neural network", models.network_quantity, alpha=Space((0.1, 10.0), 1e-2, 1e3)),
    _row("convolutional network", networks.convolutional_quantity, True, True, **_NETS),
    _row("recurrent network", networks.recurrent_quantity, True, True, **_NETS),
]
_TABLES = {"classification": CLASSIFIERS, "regression": REGRESSORS}
NAMES = tuple(dict.fromkeys(candidate.name for candidate in CLASSIFIERS + REGRESSORS))
ALL = "all"


def candidates(names=(), task="classification", *, parameters=None, grids=None, option="models"):
    """The named candidates in the order of simplicity, then others by import path.

    Parameters
    ----------
    names : sequence of str
        Names of candidates, import paths such as ``"sklearn.svm.NuSVC"``, or ``"all"`` for every one that needs no extra; none: all.
    task : {"classification", "regression"}
    parameters, grids : dict of name -> dict, optional
        Parameters that are set, and values that are tried, of single candidates, instead of their own.
    option : str, where the names were given, for errors

    Examples
    --------
    >>> [candidate.name for candidate in candidates(["random forest", "majority class"])]
    ['majority class', 'random forest']
    """
    table, parameters, grids = _TABLES[task], dict(parameters or {}), dict(grids or {})
    known = [candidate.name for candidate in table]
    others = [name for name in dict.fromkeys(names) if "." in name]
    for name in names:
        if name not in known and name in NAMES:
            raise SpectraError(f"[study] {option}: {name!r} is not for {task}; there are {', '.join(known)}")
        if name not in others and name != ALL:
            check_choice(name, f"[study] {option}", (*known, ALL, "an import path such as sklearn.svm.NuSVC"))
    everyone = not names or ALL in names
    found = [candidate for candidate in table if candidate.name in names or (everyone and not candidate.spectra)]
    found += [imported(name, task, option) for name in others]
    for kind, tree in (("parameters", parameters), ("grid", grids)):
        for name in tree.keys() - {candidate.name for candidate in found}:
            raise SpectraError(f"[study] {kind}: {name!r} is none of the models compared: {', '.join(c.name for c in found)}")
    return [_changed(candidate, parameters.get(candidate.name, {}), grids.get(candidate.name, {})) for candidate in found]


def _changed(candidate, parameters, values):
    """The candidate with parameters set and values to try given by the user, checked against what it takes."""
    for name, options in values.items():
        if not isinstance(options, (list, tuple)) or not options:
            raise SpectraError(f"[study] grid: {candidate.name!r}: {name} must be a list of values, not {options!r}")
    space = {name: values_of for name, values_of in candidate.space.items() if name not in parameters}
    space |= {name: Space(tuple(options)) for name, options in values.items()}
    known = candidate.known and not parameters and not values
    changed = candidate._replace(space=space, fixed=candidate.fixed | dict(parameters), known=known)
    if parameters or values:
        try:
            changed.estimator(0, {name: options.grid[0] for name, options in space.items()})
        except TypeError as error:
            raise SpectraError(f"[study] parameters of {candidate.name!r}: {error}") from None
    return changed


def imported(path, task, option="models"):
    """A candidate made of any scikit-learn-compatible estimator, by import path; it learns from standardised features.

    Raises
    ------
    SpectraError
        When the module or class is not there, or lacks a method that a study needs.
    """
    module, _, name = path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise SpectraError(f"[study] {option}: {path}: cannot be imported: {error}") from None
    except AttributeError:
        raise SpectraError(f"[study] {option}: {path}: the module {module} has no {name}") from None
    if not inspect.isclass(kind):
        raise SpectraError(f"[study] {option}: {path} is no class; name a scikit-learn-compatible estimator")
    needed = ["fit", "get_params"] + (["predict"] if task == "regression" else [])
    missing = [method for method in needed if not hasattr(kind, method)]
    if task == "classification" and not (hasattr(kind, "predict_proba") or hasattr(kind, "decision_function")):
        missing.append("predict_proba or decision_function")
    if missing:
        raise SpectraError(f"[study] {option}: {path} cannot be compared for {task}: it lacks {', '.join(missing)}")

    def build(seed, **parameters):
        seeded = {"random_state": seed} if "random_state" in inspect.signature(kind).parameters else {}
        return kind(**seeded | parameters)

    return Candidate(path, build, {}, {}, known=False)
