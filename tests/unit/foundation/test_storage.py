import errno
from pathlib import Path

import pytest

from tokpipe.foundation.storage import free_bytes, storage_error, storage_errors

REFUSALS = [errno.EACCES, errno.EROFS, errno.EIO, errno.EDQUOT, errno.EFBIG]


@pytest.mark.parametrize("number", REFUSALS)
def test_refusals_of_the_disk_name_the_path_and_a_way_out(number):
    error = storage_error(OSError(number, "x", "/data/out"), Path("out"))
    assert error.problem.startswith("/data/out: ")
    assert error.hint
    assert error.exit_code == 4


def test_own_temporaries_are_not_named():
    error = storage_error(OSError(errno.EACCES, "x", "/data/.out.1234.tmp"), Path("/data/out"))
    assert error.problem == "/data/out: permission denied"


def test_broken_pipe_is_no_matter_of_the_disk():
    with pytest.raises(BrokenPipeError), storage_errors(Path("out")):
        raise BrokenPipeError


def test_other_errors_pass():
    with pytest.raises(ValueError), storage_errors(Path("out")):
        raise ValueError
    with pytest.raises(OSError, match="no number"), storage_errors(Path("out")):
        raise OSError("no number")


def test_free_bytes_of_what_does_not_exist_yet(tmp_path):
    assert free_bytes(tmp_path / "not" / "yet") == pytest.approx(free_bytes(tmp_path), rel=0.1)
