"""What is listed to be compiled ahead is there, and is compiled once, by whoever comes first."""

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tokpipe.cli.main import main
from tokpipe.foundation import compile_ahead, jit
from tokpipe.foundation.arguments import as_text, examples_of, kinds_of
from tokpipe.foundation.compile_ahead import Signature, named, signatures, write_signatures
from tokpipe.foundation.locks import one_at_a_time

ROOT = Path(__file__).parents[3]
SMALL = Signature(
    ("count-words",),
    "tokpipe.words.kernels.order.pack_slots",
    '[["array","<u8",1,"C",true],["array","|u1",1,"C",true],"int","int"]',
)


def test_each_listed_function_takes_as_many_arguments_as_it_has_parameters():
    assert signatures()
    for one in signatures():
        arguments = examples_of(one.kinds)
        assert as_text(kinds_of(arguments)) == one.kinds
        assert named(one.kernel).py_func.__code__.co_argcount == len(arguments), one.kernel


def test_each_listed_command_is_one():
    for name in {each.partition("@")[0] for one in signatures() for each in one.commands}:
        group = main
        for word in name.split():
            group = group.get_command(None, word)
            assert group is not None, name


def test_what_another_way_to_multiply_calls_is_not_missing_here(one_listed, monkeypatch):
    here = SMALL._replace(commands=("pretrain@float32+blas", "embed"))
    write_signatures([here])
    assert signatures("pretrain") == signatures("embed") == [here]
    for way, missing in (("pairs", []), ("float32", [here]), ("blas", [here])):
        monkeypatch.setattr(compile_ahead, "way_here", lambda way=way: way)
        assert compile_ahead.missing("pretrain") == missing
        assert compile_ahead.missing("embed") == compile_ahead.missing("doctor") == [here]


def test_nothing_is_listed_twice():
    found = [(one.kernel, one.kinds) for one in signatures()]
    assert len(found) == len({*found})


@pytest.fixture
def one_listed(monkeypatch, tmp_path):
    monkeypatch.setattr(compile_ahead, "SIGNATURES", tmp_path / "signatures.tsv")
    write_signatures([SMALL])
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr(jit, "_cache_place", lambda: (folder, ""))
    monkeypatch.setattr(jit, "PACKS", tmp_path / "none")
    return folder


def test_what_is_missing_is_known_by_name_alone(one_listed):
    assert signatures("count-words") == signatures() == [SMALL]
    assert compile_ahead.missing("count-words") == [SMALL]
    assert compile_ahead.missing("another command") == [
        SMALL
    ]  # the whole list, nothing of it there
    name = jit.kept_name(SMALL.kernel, SMALL.kinds)
    (one_listed / f"{name}.code").touch()
    assert compile_ahead.missing("count-words") == compile_ahead.missing("another command") == []


def test_what_was_compiled_ahead_is_found_by_the_call(one_listed, tmp_path):
    level = next(iter(jit.levels()), None)
    compile_ahead.compile_listed(signatures(), one_listed, level)
    (entry,) = one_listed.iterdir()
    made = entry.stat().st_mtime_ns
    compile_ahead.compile_listed(signatures(), one_listed, level)
    assert entry.stat().st_mtime_ns == made
    function = jit.Compiled(named(SMALL.kernel).py_func, {})
    function._found(kinds_of(examples_of(SMALL.kinds)), examples_of(SMALL.kinds))
    assert function.origins == ["cache"]


def test_what_another_process_compiles_is_left_to_it(one_listed):
    name = jit.kept_name(SMALL.kernel, SMALL.kinds)
    with one_at_a_time(one_listed / f"{name}.lock") as is_mine:
        assert is_mine
        compile_ahead.compile_listed(signatures(), one_listed, None)
    assert [*one_listed.iterdir()] == []


def test_a_lock_is_waited_for(tmp_path):
    lock, seen = tmp_path / "lock", []

    def wait():
        with one_at_a_time(lock):
            seen.append("second")

    with one_at_a_time(lock):
        other = threading.Thread(target=wait)
        other.start()
        other.join(0.1)
        seen.append("first")
    other.join()
    assert seen == ["first", "second"] and not lock.exists()
    with one_at_a_time(tmp_path / "no folder" / "lock") as is_mine:
        assert is_mine


def test_a_helper_ends_with_the_process_that_started_it(tmp_path):
    """It would compile for a minute; its standard input ends with the parent."""
    environment = {"TOKPIPE_CACHE_DIR": str(tmp_path / "cache"), "PYTHONPATH": str(Path.cwd())}
    helper = subprocess.Popen(
        [sys.executable, "-m", "tokpipe.foundation.compile_ahead", "demo"],
        stdin=subprocess.PIPE,
        env=environment,
    )
    helper.communicate(b"", timeout=60)
    assert helper.returncode == 0


COUNT = """
import sys
from tokpipe.cli.main import execute
code = execute(["count-words", sys.argv[1], "-o", "counts"])
from tokpipe.foundation import compile_ahead, jit
called = [compile_ahead.named(one.kernel) for one in compile_ahead.signatures("count-words")]
print(code, {origin for one in called for origin in one.origins}, "numba" in sys.modules)
"""


@pytest.mark.slow
@pytest.mark.skipif(not jit.levels(), reason="code is made for x86-64-v3 and better")
def test_a_first_command_compiles_nothing_where_the_wheel_has_its_code(tmp_path):
    tree, made, cache = (tmp_path / name for name in ("site", "made", "cache"))
    shutil.copytree(ROOT / "tokpipe", tree / "tokpipe")
    shutil.copytree(ROOT / "corpora", tree / "tokpipe/corpora")
    home, needed = tree / "tokpipe/machine_code", signatures("count-words")
    lines = ["\t".join((",".join(one.commands), one.kernel, one.kinds)) for one in needed]
    (home / "signatures.tsv").write_text("\n".join(lines))
    made.mkdir()
    environment = {"PYTHONPATH": str(tree), "TOKPIPE_CACHE_DIR": str(cache), "PATH": os.defpath}
    compiler = [sys.executable, "-m", "tokpipe.foundation.compile_ahead", "--packs", str(made)]
    settings = {"cwd": tmp_path, "env": environment, "check": True}
    subprocess.run([*compiler, jit.levels()[0]], **settings)
    (pack,) = made.glob("*.pack")
    shutil.copy(pack, home)
    command = [sys.executable, "-c", COUNT, str(tree / "tokpipe/corpora/world.txt")]
    counted = subprocess.run(command, **settings, capture_output=True, text=True)
    assert counted.stdout.splitlines()[-1] == "0 {'wheel'} False"
    assert not [*cache.rglob("*.code")]


@pytest.fixture
def hook(monkeypatch):
    """The hook of the wheel's builder, which is no dependency of ours."""
    name = "hatchling.builders.hooks.plugin.interface"
    for end in [i for i, letter in enumerate(name) if letter == "."]:
        monkeypatch.setitem(sys.modules, name[:end], ModuleType(name[:end]))
    interface = ModuleType(name)
    interface.BuildHookInterface = object
    monkeypatch.setitem(sys.modules, name, interface)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.MachineCode()
    core = SimpleNamespace(dependencies=["click>=8", "numba>=0.61", "numpy>=2.0", "scipy"])
    made.metadata, made.root = SimpleNamespace(core=core), str(ROOT)
    return made


def test_a_wheel_is_built_without_machine_code_unless_it_is_asked_for(hook, monkeypatch):
    monkeypatch.delenv("TOKPIPE_MACHINE_CODE", raising=False)
    data = {"force_include": {}}
    hook.initialize("standard", data)
    hook.finalize("standard", data, "")
    assert (hook.dependencies(), data) == ([], {"force_include": {}})


def test_machine_code_that_is_asked_for_is_put_into_the_wheel(hook, monkeypatch):
    def compile_all(command, env, check):
        assert command[-2:] == ["x86-64-v3", "x86-64-v4"] and env["PYTHONPATH"] == str(ROOT)
        (Path(command[-3]) / "some.pack").touch()

    monkeypatch.setenv("TOKPIPE_MACHINE_CODE", "x86-64-v3,x86-64-v4")
    monkeypatch.setattr(subprocess, "run", compile_all)
    data = {"force_include": {}}
    hook.initialize("standard", data)
    ((source, target),) = data["force_include"].items()
    assert Path(source).exists() and target == "tokpipe/machine_code/some.pack"
    assert hook.dependencies() == ["numba>=0.61", "numpy>=2.0", "scipy"]
    hook.finalize("standard", data, "")
    assert not Path(source).exists()


@pytest.mark.slow
def test_the_list_holds_all_that_its_commands_call():
    from tests.signatures import found

    listed = {(one.kernel, one.kinds): {*one.commands} for one in signatures()}
    for one in found():
        assert {*one.commands} <= listed.get((one.kernel, one.kinds), set()), one
