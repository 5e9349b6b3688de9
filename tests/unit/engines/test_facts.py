import platform

import numba
import pytest

from tokpipe.engines.facts import differences, own_facts, require_same_facts
from tokpipe.foundation.errors import ClusterError
from tokpipe.foundation.version import __version__


def test_the_facts_are_those_of_this_process():
    facts = own_facts()
    assert facts["tokpipe"] == __version__ and facts["numba"] == numba.__version__
    assert platform.python_version().startswith(facts["python"]) and len(facts["kernels"]) == 16


@pytest.mark.parametrize("name", ["tokpipe", "python", "numba", "kernels"])
def test_a_worker_of_another_version_is_named_with_both(name):
    mine = own_facts()
    require_same_facts(mine, dict(mine), "tcp://a:1")
    with pytest.raises(ClusterError, match=f"tcp://a:1 has {name} 9, here {mine[name]}\n"):
        require_same_facts(mine, {**mine, name: "9"}, "tcp://a:1")


def test_what_only_one_side_has_is_a_difference():
    assert differences({"a": "1"}, {"b": "2"}) == ["a none, here 1", "b 2, here none"]
