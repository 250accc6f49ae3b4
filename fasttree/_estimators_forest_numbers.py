"""What the forests for numbers share: their fit and score out of the bag."""

from fasttree._estimators_forest import BaseForest, one_column
from fasttree._estimators_predictions import PredictsNumbers
from fasttree._estimators_tree import check_poisson
from fasttree._validation import check_fit, check_weights


class ForestRegressor(PredictsNumbers, BaseForest):
    """What forests for numbers share."""

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
        X, y = check_fit(self, X, one_column(y), regression=True)
        if self.criterion == "poisson":
            check_poisson(y, "strictly positive")
        n_before = self._n_kept()
        if n_before and y.shape[1] != self.n_outputs_:
            raise ValueError(f"warm_start=True needs as many outputs as the first fit, {self.n_outputs_}, not {y.shape[1]}")
        self.n_outputs_ = y.shape[1]
        self._fit(X, y, None, check_weights(sample_weight, len(y)))
        if self.oob_score and (len(self.estimators_) > n_before or not hasattr(self, "oob_score_")):
            value = self._out_of_bag_values(X)[:, :, 0]
            self.oob_prediction_ = value[:, 0] if self.n_outputs_ == 1 else value
            self.oob_score_ = self._oob_metric("r2_score")(y if self.n_outputs_ > 1 else y[:, 0], self.oob_prediction_)
        return self
