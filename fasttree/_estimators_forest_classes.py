"""What the forests for classes share: their fit, class weights and scores out of the bag."""

import warnings

import numpy as np
from sklearn.utils import compute_sample_weight
from sklearn.utils.multiclass import type_of_target

from fasttree._estimators_forest import BaseForest, one_column
from fasttree._estimators_predictions import PredictsClasses
from fasttree._validation import check_fit, check_weights, encode_classes


class ForestClassifier(PredictsClasses, BaseForest):
    """What forests for classes share."""

    _tree_class: type

    def fit(self, X, y, sample_weight=None):
        """Grow the forest.

        Parameters
        ----------
        X : {array_like, sparse matrix} of shape (n_samples, n_features)
        y : array_like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like of shape (n_samples,) or None
            Not negative. With `bootstrap`, rows are drawn in proportion to it.

        Returns
        -------
        self
        """
        self._validate_params()
        X, y = check_fit(self, X, one_column(y), regression=False)
        weight = check_weights(sample_weight, len(y))
        classes, numbers = encode_classes(y)
        n_classes = np.array([len(found) for found in classes])
        n_before = self._n_kept()
        if n_before:
            self._check_same_classes(classes)
        self.n_outputs_ = len(classes)
        self.classes_, self.n_classes_ = (classes[0], len(classes[0])) if len(classes) == 1 else (classes, n_classes)
        by_class = self._class_factors(y, classes, weight)
        if by_class is not None:
            weight = by_class if weight is None else weight * by_class
        row_weight = None
        if self.class_weight == "balanced_subsample" and self.bootstrap:
            every = np.arange(len(y))

            def row_weight(counts):
                return compute_sample_weight("balanced", y, indices=np.repeat(every, counts.astype(np.int64)))

        self._fit(X, numbers, n_classes, weight, row_weight)
        if self.oob_score and (len(self.estimators_) > n_before or not hasattr(self, "oob_score_")):
            self._score_out_of_bag(X, y)
        return self

    def _check_same_classes(self, classes):
        """Refuse to add trees that number the classes differently."""
        known = self.classes_ if self.n_outputs_ > 1 else [self.classes_]
        if len(known) != len(classes) or not all(map(np.array_equal, known, classes)):
            raise ValueError(f"warm_start=True needs the classes of the first fit, {known}, not {classes}")

    def _class_factors(self, y, classes, weight):
        """Factor on each row's weight from `class_weight`, or None."""
        if self.class_weight is None or (self.class_weight == "balanced_subsample" and self.bootstrap):
            return None
        if not isinstance(self.class_weight, str):
            return compute_sample_weight(self.class_weight, y)
        if self.warm_start:
            warnings.warn(
                'class_weight presets "balanced" or "balanced_subsample" are not recommended for warm_start if the fitted data '
                "differs from the full dataset.",
                UserWarning,
                stacklevel=3,
            )
        factors = np.ones(len(y))
        for output, found in enumerate(classes):
            counts = np.bincount(np.searchsorted(found, y[:, output]), weights=weight, minlength=len(found))
            factors *= (counts.sum() / (len(found) * counts))[np.searchsorted(found, y[:, output])]
        return factors

    def _score_out_of_bag(self, X, y):
        kind = type_of_target(y)
        if kind == "multiclass-multioutput" and not callable(self.oob_score):
            raise ValueError(
                f"The type of target cannot be used to compute OOB estimates. Got {kind} while only the following are "
                "supported: continuous, continuous-multioutput, binary, multiclass, multilabel-indicator."
            )
        value = self._out_of_bag_values(X)
        if self.n_outputs_ == 1:
            self.oob_decision_function_ = value[:, 0]
            guess = self.classes_.take(np.argmax(value[:, 0], axis=1))
            y = y[:, 0]
        else:
            self.oob_decision_function_ = np.moveaxis(value, 1, 2)
            guess = np.column_stack([found.take(np.argmax(value[:, k, : len(found)], axis=1)) for k, found in enumerate(self.classes_)])
        self.oob_score_ = self._oob_metric("accuracy_score")(y, guess)
