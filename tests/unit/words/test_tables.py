import time

import numpy as np

from tokpipe.words.tables import names
from tokpipe.words.tables.unicode import record_of, string_of, unicode_tables


def test_every_code_point_has_a_record():
    tables = unicode_tables()
    assert tables["pages"].shape == (0x110000 // 256,)
    assert tables["pages"].max() < tables["records"].size // 256
    assert tables["records"].max() < tables["flags"].size
    assert tables["pages"][0] == 0  # kernels look ASCII up without the pages


def test_known_characters_have_known_properties():
    tables = unicode_tables()
    assert tables["flags"][record_of(ord("a"))] & names.LETTER
    assert tables["flags"][record_of(ord("\u3000"))] & names.SPACE
    assert tables["flags"][record_of(ord("東"))] & names.CHINESE
    assert tables["combining"][record_of(0x0345)] == 240
    assert string_of(tables["lower"][record_of(ord("É"))]) == "é"
    assert string_of(tables["lower_strip"][record_of(ord("É"))]) == "e"
    assert string_of(tables["nfkd"][record_of(ord("ﬁ"))]) == "fi"


def test_replacements_point_at_strings():
    tables = unicode_tables()
    for name in ("lower", "strip", "lower_strip", "nfd", "nfkd"):
        assert tables[name].max() < tables["string_offsets"].size - 1
    assert tables["string_offsets"][-1] == tables["strings"].size


def test_replacements_stay_within_what_scratch_is_sized_for():
    tables = unicode_tables()
    sizes = np.diff(tables["string_offsets"])
    code_points = [c for c in range(0x80, 0x110000) if not 0xD800 <= c < 0xE000]
    records = np.array([record_of(c) for c in code_points[:0x20000]])
    widths = np.array([len(chr(c).encode()) for c in code_points[:0x20000]])
    for name, most in (("lower", 1.5), ("lower_strip", 3), ("strip", 3), ("nfkd", 11)):
        assert (sizes[tables[name][records]] <= most * widths).all(), name


def test_tables_load_in_milliseconds():
    unicode_tables.cache_clear()
    begin = time.perf_counter()
    unicode_tables()
    assert time.perf_counter() - begin < 0.5  # 4 ms on an idle machine
