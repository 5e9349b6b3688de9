import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokpipe.corpus.kernels.delimited
import tokpipe.corpus.kernels.jsonl
import tokpipe.corpus.kernels.lines  # noqa: F401  (registers its kernels)
from tests.parity.cases_corpus import CASES
from tokpipe.corpus.kernels.lines import first_invalid
from tokpipe.foundation.arrays import padded
from tokpipe.foundation.jit import KERNELS

OURS = sorted(name for name in KERNELS if name.startswith("tokpipe.corpus."))


def test_every_kernel_of_the_readers_has_cases():
    assert sorted(CASES) == OURS


@pytest.mark.parametrize("name", OURS)
@given(data=st.data())
def test_kernel_equals_its_reference(name, data):
    arguments = data.draw(CASES[name])
    ours, theirs = KERNELS[name](*arguments), KERNELS[name].reference(*arguments)
    np.testing.assert_equal(ours, theirs)


def test_every_two_byte_start_and_border_code_point_is_judged_as_python_does():
    tails = (b"", b"\x80", b"\x80\x80", b"\xbf\xbf", b"a")
    for first in range(256):
        for second in range(256):
            for tail in tails:
                text = bytes([first, second]) + tail
                try:
                    text.decode()
                    expected = -1
                except UnicodeDecodeError as error:
                    expected = error.start
                assert first_invalid(padded(text), 0, len(text)) == expected, text
