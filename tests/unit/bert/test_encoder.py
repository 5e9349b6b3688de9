"""When the gradients of a layer are there: whoever is told so may take them."""

import numpy as np
import pytest

from tests.unit.bert.models import random_batch, random_parameters, small_config
from tests.unit.bert.test_gradients import VARIANTS
from tests.unit.bert.test_job_heads import JOBS, job_batch, job_config
from tokpipe.bert.encoder import WayBack
from tokpipe.bert.model import Model
from tokpipe.bert.parameters import whole_behind

CASES = {
    **{name: (small_config, changes) for name, changes in VARIANTS.items()},
    **{name: (job_config, {"name": name}) for name in JOBS},
}


def told(config, batch, lowest=-1):
    """Return gradients in the end, and copies of them whenever a layer was said to be done."""
    model = Model(config, random_parameters(config))
    gradients, seen = model.parameters.zeros_like(), {}

    def behind(layer):
        seen[layer] = {name: view.copy() for name, view in gradients.views.items()}

    model.loss_and_gradients(
        batch, gradients, model.workspace(20, 4, 12), dropout_key=7, way=WayBack(lowest, behind)
    )
    return gradients.views, seen


@pytest.mark.parametrize("case", CASES)
def test_what_is_whole_behind_a_layer_changes_no_more(case):
    make, changes = CASES[case]
    config = make(num_hidden_layers=3, **changes)
    batch = job_batch(config) if make is job_config else random_batch(config)
    views, seen = told(config, batch)
    assert list(seen) == [2, 1, 0]
    for layer, copies in seen.items():
        for name, copy in copies.items():
            if whole_behind(name) >= layer:
                np.testing.assert_array_equal(copy, views[name], err_msg=name)
            elif name.startswith("layers."):  # nor is it said later than it is
                assert (copy != views[name]).any(), name


def test_a_table_that_a_head_shares_is_whole_in_the_end_only():
    config = small_config()
    views, seen = told(config, random_batch(config))
    early = seen[0]["embeddings.token"]
    assert early.any() and (early != views["embeddings.token"]).any()


def test_of_layers_that_stay_nobody_is_told():
    config = small_config(num_hidden_layers=3)
    assert list(told(config, random_batch(config), lowest=1)[1]) == [2, 1]
