"""Parts of one array to places in another: lists cut, joined, filled, or put between others."""

from tokpipe.foundation.jit import kernel


def copy_ranges_reference(source, starts, ends, out, places):
    for start, end, place in zip(starts.tolist(), ends.tolist(), places.tolist(), strict=True):
        out[place : place + end - start] = source[start:end]


@kernel(reference=copy_ranges_reference)
def copy_ranges(source, starts, ends, out, places):
    """Copy parts of one array into another.

    Parameters
    ----------
    source : int32[K] or int64[K]
    starts, ends : int64[R]
        Where in `source` each part begins and ends.
    out : array of the type of `source`
        Changed in place.
    places : int64[R]
        Where in `out` each part begins.
    """
    for i in range(starts.size):
        shift = places[i] - starts[i]
        for k in range(starts[i], ends[i]):
            out[k + shift] = source[k]
