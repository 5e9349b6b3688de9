from tokpipe.corpus.kernels.lines import first_invalid
from tokpipe.foundation.arrays import padded


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
