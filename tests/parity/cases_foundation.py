"""Arguments for the kernels of the foundation."""

import numpy as np
from hypothesis import strategies as st

CASES = {
    "tokpipe.foundation.seeds.fill_random_bits": st.tuples(
        st.integers(0, 2**64 - 1).map(np.uint64),
        st.integers(0, 2**62),
        st.integers(0, 50).map(lambda n: np.zeros(n, np.uint64)),
    ),
    "tokpipe.foundation.seeds.child_keys": st.lists(
        st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**62)), max_size=9
    )
    .map(lambda pairs: tuple(np.array(pairs, np.uint64).reshape(-1, 2).T))
    .map(lambda pair: (pair[0].copy(), pair[1].astype(np.int64))),
}
