import numpy as np
import pytest

from tokpipe.bert import blas
from tokpipe.bert.config import BertConfig
from tokpipe.bert.head import Capacity
from tokpipe.bert.model import Model
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.workspaces import Workspaces
from tokpipe.foundation.batch import Batch
from tokpipe.foundation.errors import MemoryLimitError


@pytest.fixture
def model():
    config = BertConfig.preset("tiny", vocab_size=30)
    return Model(config, Parameters.initialised(config, 1))


def batch(*lengths):
    return Batch(np.zeros(sum(lengths), np.int32), np.cumsum([0, *lengths]))


def raising(error):
    def raises(*args, **settings):
        raise error

    return raises


def test_each_borrower_has_its_own_and_gives_it_back(model):
    workspaces = Workspaces(model, Capacity(8, 2, 0), 2, training=False)
    with workspaces.lend(batch(3, 4)) as one, workspaces.lend(batch(8)) as other:
        assert one is not other
        assert one.capacity == other.capacity == (8, 2, 0)
    with workspaces.lend(batch(1)) as again:
        assert again is other or again is one


def test_a_larger_batch_gets_a_larger_one_that_stays(model):
    workspaces = Workspaces(model, Capacity(8, 2, 0), 1)
    with workspaces.lend(batch(3, 3, 3)) as grown:
        assert grown.capacity == (9, 3, 0) and grown.training
    with workspaces.lend(batch(1)) as again:
        assert again is grown


def test_one_that_could_not_grow_leaves_its_place(model, monkeypatch):
    workspaces = Workspaces(model, Capacity(8, 2, 0), 1)
    with monkeypatch.context() as patch:
        patch.setattr(Model, "workspace", raising(MemoryLimitError("no memory")))
        with pytest.raises(MemoryLimitError), workspaces.lend(batch(9)):
            pass
    with workspaces.lend(batch(3)) as again:
        assert again.capacity == (3, 1, 0)


def test_room_that_blas_would_wait_for_is_refused_before(model, monkeypatch):
    monkeypatch.setattr(blas, "room_in_address_space", lambda: 200_000_000)
    Workspaces(model, Capacity(8, 2, 0), 1)
    with pytest.raises(MemoryLimitError, match=r"200\.0 MB of the address .* 3 threads"):
        Workspaces(model, Capacity(8, 2, 0), 3)


def test_about_is_what_batches_need():
    assert Capacity.about(1000, 50.0, 0.15) == (1000, 32, 197)
    assert Capacity.about(4, 1.0, 0.9) == (4, 8, 4)
