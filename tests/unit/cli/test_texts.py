import io

import pytest

from tokpipe.cli.texts import arriving_lines, given_texts


def stdin(data):
    return io.TextIOWrapper(io.BytesIO(data))


@pytest.mark.parametrize("data", [b"a\nb\n", b"\xef\xbb\xbfa\r\nb", b"\xef\xbb\xbfa\nb\r\n"])
def test_lines_of_standard_input_have_no_mark_of_byte_order_and_no_ends(data):
    assert given_texts(["-"], stdin(data)) == ["a", "b"]
    assert [line for lines in arriving_lines(stdin(data)) for line in lines] == ["a", "b"]
