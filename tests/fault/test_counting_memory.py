"""The bound on memory holds for the whole process, on text that is nothing but new words."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

DRIVER = """
import sys, tokpipe
words = tokpipe.WordsConfig(normalizer="none", lowercase=False, pre_tokenizer="whitespace-split")
counts = tokpipe.count_words([sys.argv[1]], words, memory=int(sys.argv[2]) or None, threads=2)
counts.save(sys.argv[3])
status = dict(line.split(":") for line in open("/proc/self/status"))
print(len(counts), int(status["VmHWM"].split()[0]) * 1024)
"""


def count_apart(path, memory, folder):
    command = [sys.executable, "-c", DRIVER, str(path), str(memory), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return map(int, done.stdout.split())


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_counting_and_saving_stay_under_the_bound_and_give_the_same_bytes(tmp_path):
    path, rng = tmp_path / "random.txt", np.random.default_rng(0)
    letters = rng.integers(97, 123, (3_000_000, 12), dtype=np.uint8)
    letters[:, 11] = 10
    path.write_bytes(letters.tobytes())
    count_apart(path, 0, tmp_path / "compiled")  # compiling, once, takes 100 MB more
    unique, peak = count_apart(path, 0, tmp_path / "free")
    same, bounded = count_apart(path, 256_000_000, tmp_path / "bounded")
    assert unique == same and bounded <= 256_000_000 < peak
    for name in ("counts.arrow", "tokpipe.json"):
        assert (tmp_path / "free" / name).read_bytes() == (tmp_path / "bounded" / name).read_bytes()
