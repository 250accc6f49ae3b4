"""Tables of other libraries, and tables that hold text, as X."""

import numpy as np
import pandas as pd
import pytest

import fasttree

MODELS = pytest.mark.parametrize("name", ["DecisionTreeClassifier", "RandomForestRegressor", "GradientBoostingClassifier"])


def columns(n=120):
    random = np.random.default_rng(0)
    return {"dose": random.normal(size=n), "site": random.choice(["bonn", "kiel", "ulm"], n).astype(object)}


def fitted(name, X, **options):
    X_told = pd.DataFrame(columns())
    y = ((X_told.dose > 0) ^ (X_told.site == "kiel")).to_numpy().astype(int)
    return getattr(fasttree, name)(random_state=0, **options).fit(X, y)


@MODELS
@pytest.mark.parametrize("kind", ["Categorical", "Enum", "text"])
def test_a_table_of_polars_is_as_one_of_pandas(name, kind):
    polars = pytest.importorskip("polars")
    expected = pd.DataFrame(columns()).astype({"site": "category"})
    X = polars.DataFrame(columns())
    types = {"Categorical": polars.Categorical, "Enum": polars.Enum(["ulm", "kiel", "bonn", "rome"]), "text": polars.String}
    X = X.with_columns(polars.col("site").cast(types[kind]))
    theirs, ours = fitted(name, expected), fitted(name, X, **{"categorical_features": ["site"]} if kind == "text" else {})
    assert ours.feature_names_in_.tolist() == ["dose", "site"] and ours.is_categorical_.tolist() == [False, True]
    for model in (theirs, ours):
        assert np.array_equal(model.predict(X), theirs.predict(expected))
    empty = X.with_columns(polars.lit(None).cast(types[kind]).alias("site"), polars.lit(None).cast(polars.Float64).alias("dose"))
    gone = pd.DataFrame({"dose": np.full(120, np.nan), "site": pd.Categorical([None] * 120)})
    assert np.array_equal(ours.predict(empty), theirs.predict(gone))
    with pytest.raises(ValueError, match="same order"):
        ours.predict(X.select(["site", "dose"]))


@MODELS
@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_a_column_of_text_is_told_by_name(name, kind):
    X = pytest.importorskip(kind).DataFrame(columns())
    told = r"column 'site' of X holds text \(could not convert string to float: '\w+'\); make it one of type category"
    with pytest.raises(ValueError, match=told):
        fitted(name, X)
    model = fitted(name, columns()["dose"][:, None])
    with pytest.raises(ValueError, match="column 'site' of X holds text"), pytest.warns(UserWarning, match="X has feature names"):
        model.predict(X[["site"]])
