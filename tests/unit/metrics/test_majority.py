"""What always saying the same comes to."""

import pytest

from tokpipe.foundation.errors import InputError
from tokpipe.metrics.majority import majority_class, majority_labels


def test_the_majority_is_the_most_frequent_class_and_of_equals_the_first():
    assert majority_class([2, 1, 2, 0]) == 2
    assert majority_class([1, 0, 2]) == 0
    assert majority_class([5]) == 5


def test_of_labels_it_is_what_more_than_half_of_the_rows_have():
    assert majority_labels([[1, 0, 1], [1, 0, 0], [0, 0, 1], [1, 1, 0]]).tolist() == [1, 0, 0]


@pytest.mark.parametrize("labels", [[], [-1, 0], [0.5]])
def test_without_labels_there_is_no_majority(labels):
    with pytest.raises(InputError, match="no majority"):
        majority_class(labels)
    with pytest.raises(InputError, match="no majority"):
        majority_labels(labels)
