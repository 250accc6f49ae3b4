"""Networks on the spectra themselves: a convolutional and a recurrent one, small enough for a few hundred spectra on one core.

They need PyTorch (the extra ``nn``). Weights and batches come from a generator of their own, never from PyTorch's global one, so that a
network is the same whatever runs beside it.
"""

import importlib.util
import itertools

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from spectra.errors import SpectraError

INPUTS = 512  # windows of a spectrum
STEPS = 32  # of the recurrent network, of sixteen windows each
ABSENT = "PyTorch is not installed: pip install 'spectra[nn]'"


def available():
    """Is PyTorch installed?"""
    return importlib.util.find_spec("torch") is not None


def _torch():
    try:
        import torch
    except ImportError:
        raise SpectraError(ABSENT) from None
    torch.set_num_threads(1)
    return torch


def convolutional(torch, n_outputs):
    """Three convolutions of nine windows, each at half the resolution; then the highest response of each filter."""
    nn = torch.nn
    sizes, layers = (1, 8, 16, 16), []
    for before, after in itertools.pairwise(sizes):
        layers += [nn.Conv1d(before, after, 9, stride=2, padding=4), nn.ReLU()]
    return nn.Sequential(nn.Unflatten(1, (1, -1)), *layers, nn.AdaptiveMaxPool1d(8), nn.Flatten(), nn.Linear(16 * 8, n_outputs))


def recurrent(torch, n_outputs):
    """A gated recurrent unit that reads the spectrum from low to high m/z and answers from its mean state."""

    class Reader(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = torch.nn.GRU(INPUTS // STEPS, 24, batch_first=True)
            self.answer = torch.nn.Linear(24, n_outputs)

        def forward(self, values):
            states, _ = self.cell(values.reshape(len(values), STEPS, -1))
            return self.answer(states.mean(dim=1))

    return Reader()


class _Network(BaseEstimator):
    """Training by AdamW in batches of 32 rows."""

    def __init__(self, kind="convolutional", learning_rate=3e-3, weight_decay=1e-2, epochs=40, random_state=0):
        self.kind = kind
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.epochs = epochs
        self.random_state = random_state

    def _train(self, X, target, n_outputs, loss):
        torch = _torch()
        random = np.random.default_rng(self.random_state)
        self.network_ = {"convolutional": convolutional, "recurrent": recurrent}[self.kind](torch, n_outputs)
        with torch.no_grad():
            for weights in self.network_.parameters():
                bound = (3.0 / max(1, weights[0].numel())) ** 0.5 if weights.dim() > 1 else 0.0
                weights.copy_(torch.from_numpy(random.uniform(-bound, bound, tuple(weights.shape)).astype(np.float32)))
        values = torch.from_numpy(np.ascontiguousarray(X, np.float32))
        steps = torch.optim.AdamW(self.network_.parameters(), lr=self.learning_rate, weight_decay=self.weight_decay)
        for _ in range(self.epochs):
            for rows in np.array_split(random.permutation(len(X)), max(1, len(X) // 32)):
                steps.zero_grad()
                loss(torch, self.network_(values[rows]), target[rows]).backward()
                steps.step()

    def _answer(self, X):
        torch = _torch()
        with torch.no_grad():
            return self.network_(torch.from_numpy(np.ascontiguousarray(X, np.float32))).numpy().astype(np.float64)


class NetworkClassifier(ClassifierMixin, _Network):
    """Class probabilities from a network."""

    def fit(self, X, y):
        """Train on rows of `INPUTS` windows."""
        self.classes_, target = np.unique(y, return_inverse=True)
        target = _torch().from_numpy(target.astype(np.int64))
        self._train(X, target, self.classes_.size, lambda torch, said, true: torch.nn.functional.cross_entropy(said, true))
        return self

    def predict_proba(self, X):
        """Probability of each class."""
        said = self._answer(X)
        said = np.exp(said - said.max(axis=1, keepdims=True))
        return said / said.sum(axis=1, keepdims=True)

    def predict(self, X):
        """The likeliest class."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class NetworkRegressor(RegressorMixin, _Network):
    """A quantity from a network."""

    def fit(self, X, y):
        """Train on rows of `INPUTS` windows."""
        target = _torch().from_numpy(np.asarray(y, np.float32))
        self._train(X, target, 1, lambda torch, said, true: torch.nn.functional.mse_loss(said[:, 0], true))
        return self

    def predict(self, X):
        """The quantity."""
        return self._answer(X)[:, 0]


def convolutional_class(seed, **options):
    return NetworkClassifier("convolutional", random_state=seed, **options)


def recurrent_class(seed, **options):
    return NetworkClassifier("recurrent", random_state=seed, **options)


def convolutional_quantity(seed, **options):
    return NetworkRegressor("convolutional", random_state=seed, **options)


def recurrent_quantity(seed, **options):
    return NetworkRegressor("recurrent", random_state=seed, **options)
