"""Every command is documented, with an example, in 80 columns."""

import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tokpipe.cli.main import execute, main
from tokpipe.foundation.code_store import open_pack, write_entry, write_pack
from tokpipe.foundation.jit import levels, pack_path
from tokpipe.foundation.machine_code import Image
from tokpipe.foundation.processors import PRODUCTS, multiplies, precision_for


def commands(group, path=()):
    context = click.Context(group, info_name="tokpipe")
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        yield (*path, name), found
        if isinstance(found, click.Group):
            yield from commands(found, (*path, name))


ALL = dict(commands(main))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_command_is_documented_with_an_example(path):
    found = ALL[path]
    assert found.help
    assert found.examples
    leaf = isinstance(found, click.Group) or any(
        "tokpipe " + " ".join(path) in e for e in found.examples
    )
    assert leaf, "an example must show the command"


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_option_is_explained(path):
    for param in ALL[path].params:
        if isinstance(param, click.Option):
            assert param.help, param.name


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_option_has_the_name_that_is_typed_in_files_and_environment(
    path, tokpipe, monkeypatch
):
    command = getattr(ALL[path], "own", None) or ALL[path]
    typed = [o[2:] for p in command.params if isinstance(p, click.Option) for o in p.opts]
    names = [name.replace("-", "_") for name in typed if name not in ("config", "version", "")]
    Path("all.toml").write_text("\n".join([f"[{'.'.join(path)}]", *(f"{n} = 'x'" for n in names)]))
    ran = tokpipe("check", "all.toml")
    assert ran.code == 1 and "has no setting" not in ran.out  # but values that are wrong
    for name in names:
        monkeypatch.setenv("_".join(("TOKPIPE", *path, name)).replace("-", "_").upper(), "x")
    assert tokpipe(*path, "--help").code == 0


@pytest.mark.parametrize("path", [(), *ALL], ids=lambda path: " ".join(path) or "tokpipe")
@pytest.mark.parametrize("columns", ["80", "200", "20"])
def test_help_fits_the_columns(path, columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert execute([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.isprintable() or not set(shown) & set("\x1b\u00a0\u2011")
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "expected"),
    [("tokpipe train", b"train-vocab"), ("tokpipe encode --tok", b"--tokenizer")],
)
def test_completion_knows_commands_and_options(process, words, expected):
    count = str(words.count(" "))
    env = {"_TOKPIPE_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": count}
    ran = process(env=env)
    assert ran.returncode == 0
    assert expected in ran.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script_is_printed(tokpipe, shell):
    ran = tokpipe("completion", shell)
    assert ran.code == 0
    assert "_TOKPIPE_COMPLETE" in ran.out


def test_doctor_finds_this_machine_fit(tokpipe):
    ran = tokpipe("doctor", "--json")
    states = {finding["name"]: finding["state"] for finding in ran.json["findings"]}
    assert states["self-test"] == "good"
    assert ran.code == 0
    assert "Ready to work" in tokpipe("doctor").out


def test_doctor_measures_products_and_says_which_auto_takes(tokpipe):
    ran = tokpipe("doctor", "--json")
    (found,) = [f["found"] for f in ran.json["findings"] if f["name"] == "products"]
    assert found.endswith(f"--precision auto is {precision_for('auto')}")
    for kind in PRODUCTS:
        rate = re.search(rf"\b{kind} ([\d,]+|not here)", found)[1]
        there = kind == "float32" or multiplies(kind)
        assert (rate != "not here") == there
        assert not there or int(rate.replace(",", "")) > 0


def test_doctor_finds_what_is_wrong(tokpipe, monkeypatch):
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    ran = tokpipe("doctor")
    assert ran.code == 1
    assert "hundred times slower" in " ".join(ran.out.split())


@pytest.mark.parametrize("columns", ["40", "80"])
def test_doctor_keeps_to_the_columns(tokpipe, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    reason = "many words " * 20
    monkeypatch.setattr("tokpipe.foundation.jit._cache_place", lambda: (None, f"{reason}\x1b"))
    ran = tokpipe("doctor")
    paths = max(map(len, ran.out.split()))  # a word is not broken
    assert max(map(len, ran.out.splitlines())) <= max(int(columns), 31 + paths)
    assert "\\x1b" in ran.out and "\x1b" not in ran.out


def test_doctor_says_why_compiled_kernels_are_not_kept(tokpipe, monkeypatch):
    reason = "others may write in /cache"
    monkeypatch.setattr("tokpipe.foundation.jit._cache_place", lambda: (None, reason))
    ran = tokpipe("doctor", "--json")
    (found,) = [f for f in ran.json["findings"] if f["name"] == "kernel cache"]
    assert (found["found"], found["state"]) == (f"not used: {reason}", "odd")
    assert "TOKPIPE_CACHE_DIR" in found["advice"]


@pytest.mark.skipif(not levels(), reason="code is made for x86-64-v3 and better")
def test_doctor_says_where_kernels_come_from(tokpipe, monkeypatch, tmp_path):
    def kernels():
        open_pack.cache_clear()
        ran = tokpipe("doctor", "--json")
        (found,) = [f for f in ran.json["findings"] if f["name"] == "kernels"]
        return found["state"], found["found"]

    monkeypatch.setattr("tokpipe.foundation.jit.PACKS", tmp_path)
    state, said = kernels()
    assert state == "good" and said.startswith("compiled here") and levels()[0] in said
    image = Image("m", "f", b"\x90" * 99, 128, 16, b"", {}, {}, 96)
    write_entry(tmp_path, "m.f-0", image)
    path = pack_path(levels()[0])
    write_pack(path, tmp_path)
    assert kernels() == ("good", f"1 compiled for {levels()[0]}, from the wheel")
    path.write_bytes(path.read_bytes()[:-1])
    state, said = kernels()
    assert state == "odd" and "compiled here" in said and "checksum" in said
    open_pack.cache_clear()


def test_a_warm_command_imports_no_compiler(tokpipe, text_file, tmp_path):
    assert tokpipe("train-vocab", text_file, "-o", tmp_path / "first").code == 0
    code = (
        "import sys; from tokpipe.cli.main import execute\n"
        "code = execute(sys.argv[1:])\n"
        "print(code, *{'datasets', 'llvmlite', 'numba', 'pyarrow', 'tokenizers'} & {*sys.modules})"
    )
    command = [sys.executable, "-c", code, "train-vocab", text_file, "-o", tmp_path / "second"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == "0"
