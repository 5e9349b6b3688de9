from importlib.metadata import version

import pytest

from tokpipe.foundation import processors
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.processors import LEVELS, is_tried, levels, levels_of, versions

V3, V4 = LEVELS["x86-64-v3"], LEVELS["x86-64-v4"]


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (set(), []),
        (V3 - {"bmi2"}, []),
        (V3, ["x86-64-v3"]),
        (V3 | {"avx512f"}, ["x86-64-v3"]),
        (V3 | V4 | {"amx_tile"}, ["x86-64-v4", "x86-64-v3"]),
        (V4, []),
    ],
)
def test_a_processor_has_the_levels_whose_flags_it_has(flags, found):
    assert levels_of(flags) == found


@pytest.mark.parametrize(
    ("numba", "tried"), [("0.67.9", False), ("0.68.0", True), ("0.68.1rc1", True), ("1.0", False)]
)
def test_the_compiler_is_changed_only_where_that_was_tried(numba, tried):
    assert is_tried(numba) == tried


def test_versions_are_those_of_the_packages():
    found = versions()
    assert (found["numba"], found["llvmlite"]) == (version("numba"), version("llvmlite"))


def test_another_processor_asked_of_numba_has_no_level(monkeypatch):
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    levels.cache_clear()
    try:
        assert levels() == []
        generic = processors.this_processor()
        monkeypatch.setenv("NUMBA_CPU_NAME", "nehalem")
        assert processors.this_processor() != generic
    finally:
        levels.cache_clear()


def test_where_linux_says_nothing_of_the_processor_it_has_no_level(monkeypatch, tmp_path):
    monkeypatch.setattr(processors, "_CPUS", tmp_path / "cpuinfo")
    assert processors._flags() == set()
    (tmp_path / "cpuinfo").write_text("processor : 0\nflags\t\t: fpu avx2 bmi2\n\nflags : more\n")
    assert processors._flags() == {"fpu", "avx2", "bmi2"}


def told(path, vendor, flags):
    path.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {' '.join(flags)}\n")
    return path


@pytest.mark.parametrize(
    ("vendor", "flags", "auto", "has_bfloat16"),
    [
        ("AuthenticAMD", V3 | V4 | {"avx512_bf16"}, "bfloat16", True),
        ("AuthenticAMD", V3 | V4, "float32", True),
        ("AuthenticAMD", V3 | {"avx512_bf16"}, "float32", False),
        ("GenuineIntel", V3 | V4 | {"avx512_bf16"}, "float32", True),
        ("GenuineIntel", V3 | V4, "float32", True),
        ("GenuineIntel", V3, "float32", False),
    ],
)
def test_auto_is_what_the_processor_does_faster(
    tmp_path, monkeypatch, vendor, flags, auto, has_bfloat16
):
    monkeypatch.setattr(processors, "_CPUS", told(tmp_path / "cpuinfo", vendor, flags))
    levels.cache_clear()
    try:
        assert processors.precision_for("auto") == auto
        assert processors.precision_for("float32") == "float32"
        assert processors.pairs_pay() == (auto == "bfloat16")
        assert processors.has_pairs() == (has_bfloat16 and "avx512_bf16" in flags)
        if has_bfloat16:
            assert processors.precision_for("bfloat16") == "bfloat16"
        else:
            with pytest.raises(ConfigError, match="takes AVX-512, which this processor has"):
                processors.precision_for("bfloat16")
    finally:
        levels.cache_clear()


def test_a_machine_without_cpuinfo_multiplies_in_float32(tmp_path, monkeypatch):
    monkeypatch.setattr(processors, "_CPUS", tmp_path / "none")
    levels.cache_clear()
    try:
        assert processors.precision_for("auto") == "float32"
    finally:
        levels.cache_clear()


def test_what_numba_is_asked_for_is_not_said_of_the_processor(tmp_path, monkeypatch):
    flags = V3 | V4 | processors.PRODUCTS["int8"]
    monkeypatch.setattr(processors, "_CPUS", told(tmp_path / "cpuinfo", "GenuineIntel", flags))
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    levels.cache_clear()
    try:
        with pytest.raises(ConfigError, match="this processor has AVX512_VNNI, but its code"):
            processors.precision_for("int8")
    finally:
        levels.cache_clear()
