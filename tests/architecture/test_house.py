"""The rules of the house that a machine can check."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import grimp
import pytest

import tokpipe
from tokpipe.foundation.jit import kernel_sources

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "tokpipe"


def test_layers_and_doors_hold():
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert command, "import-linter belongs to the test extra"
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_nobody_inside_imports_the_root():
    importers = grimp.build_graph("tokpipe").find_modules_that_directly_import("tokpipe")
    assert importers <= {"tokpipe.cli.main"}, importers


def test_compiled_code_is_kept_under_the_name_of_all_that_it_is_made_of():
    """Else a changed helper or constant would leave the machine code of before in use."""
    graph = grimp.build_graph("tokpipe")
    known = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in kernel_sources()
    }
    kernels = {name for name in graph.modules if "kernels" in name.split(".")}
    imported = {
        name for kernel in kernels for name in graph.find_modules_directly_imported_by(kernel)
    }
    assembled = {name for name in imported if name.endswith("intrinsics")}
    imported |= {
        name for each in assembled for name in graph.find_modules_directly_imported_by(each)
    }
    assert kernels <= known and imported <= known, (kernels | imported) - known


@pytest.mark.parametrize("package", sorted(p.parent for p in PACKAGE.glob("*/__init__.py")))
def test_package_init_is_a_docstring_alone(package):
    """One that is a public name itself names what is in it, too, and nothing else."""
    home, body = f"tokpipe.{package.name}", ast.parse((package / "__init__.py").read_text()).body
    assert ast.get_docstring(ast.Module(body, []))
    for node in body[1:] if home in tokpipe._HOME.values() else []:
        assert isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{home}.")
        assert all(alias.asname == alias.name for alias in node.names)
    assert home in tokpipe._HOME.values() or not body[1:]


def test_help_imports_nothing_heavy():
    heavy = ("datasets", "llvmlite", "numba", "numpy", "pyarrow", "rich", "tokenizers", "torch")
    code = (
        "import sys; from tokpipe.cli.main import main\n"
        "try: main(['--help'])\n"
        f"except SystemExit: print('heavy:', [m for m in {heavy} if m in sys.modules])"
    )
    printed = subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT)
    assert printed.strip().endswith("heavy: []")


def test_nothing_that_may_run_code_from_a_file_is_used():
    """No pickle but of compiled code, in a private folder or the wheel; no eval, no exec."""
    modules = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = path.relative_to(PACKAGE).as_posix()
            if isinstance(node, ast.Import | ast.ImportFrom):
                imported = {alias.name.split(".")[0] for alias in node.names}
                imported.add((getattr(node, "module", None) or "").split(".")[0])
                found |= {(name, module) for module in imported & modules}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found |= {(name, called) for called in {node.func.id} & {"eval", "exec"}}
            elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                is_off = isinstance(node.value, ast.Constant) and node.value.value is False
                found |= set() if is_off else {(name, "allow_pickle")}
    of_compiled_code = {f"foundation/{name}.py" for name in ("code_store", "machine_code")}
    assert found <= {(name, "pickle") for name in of_compiled_code}, found


def test_every_public_name_is_there_and_documented():
    assert {*tokpipe._HOME, "__version__"} == set(tokpipe.__all__) <= set(dir(tokpipe))
    for name, home in tokpipe._HOME.items():
        found = getattr(tokpipe, name)
        defined = found.__name__ if isinstance(found, ModuleType) else found.__module__
        assert defined == home and found.__doc__, name


def test_types_are_told():
    assert (PACKAGE / "py.typed").exists()
