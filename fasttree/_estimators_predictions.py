"""What trees and forests predict of the values that rows get: classes and their shares, or numbers."""

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin


class PredictsClasses(ClassifierMixin):
    """For estimators with ``_values(X)``, shares of the classes, shape (n_samples, n_outputs, n_classes)."""

    def predict_proba(self, X):
        """Shares of the classes in each row's leaf; of a forest, their means over the trees.

        Parameters
        ----------
        X : {array_like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes), or list of such arrays, one per output
        """
        value = self._values(X)
        if self.n_outputs_ == 1:
            return value[:, 0]
        return [value[:, output, :n_classes] for output, n_classes in enumerate(self.n_classes_)]

    def predict_log_proba(self, X):
        """Logarithms of `predict_proba`; minus infinity for classes that no leaf holds."""
        proba = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(proba) if self.n_outputs_ == 1 else [np.log(part) for part in proba]

    def predict(self, X):
        """Class of the greatest share in each row's leaf; of a forest, of the greatest mean share. The first of ties.

        Parameters
        ----------
        X : {array_like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        proba = self.predict_proba(X)
        if self.n_outputs_ == 1:
            return self.classes_.take(np.argmax(proba, axis=1))
        return np.column_stack([found.take(np.argmax(part, axis=1)) for found, part in zip(self.classes_, proba, strict=True)])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


class PredictsNumbers(RegressorMixin):
    """For estimators with ``_values(X)``, shape (n_samples, n_outputs, 1)."""

    def predict(self, X):
        """Value of each row's leaf, the mean or by absolute error the median of the training targets there; of a forest, the trees' mean.

        Parameters
        ----------
        X : {array_like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        value = self._values(X)[:, :, 0]
        return value[:, 0] if self.n_outputs_ == 1 else value
