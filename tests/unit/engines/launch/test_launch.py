"""Scripts that start a command on many machines: what is in them, and that they run."""

import shlex
import subprocess

import pytest

from tokpipe.engines.launch.config import KubernetesConfig, SlurmConfig, SshConfig
from tokpipe.engines.launch.script import script
from tokpipe.engines.launch.words import ENGINES, launched
from tokpipe.foundation.errors import ConfigError

yaml = pytest.importorskip("yaml")  # huggingface-hub brings it

COUNT = ("count-words", "my $(text)", "it's", "-o", "counts", "--engine", "dask")
TRAIN = ("pretrain", "my shards", "-o", "run", "--engine=mpi", "--gradient-shards", "4")
COMMANDS = {"dask": COUNT, "mpi": TRAIN}
CONFIGS = {
    "slurm": SlurmConfig(nodes=2, processes=2, environment="/my env", partition="long", time="90m"),
    "kubernetes": KubernetesConfig(nodes=2, processes=2, image="me/it:1", claim="data"),
    "ssh": SshConfig(hosts=("a", "me@b"), processes=2, folder="/my work", environment="/my env"),
}


def made(kind, engine):
    config = CONFIGS[kind]
    return script(kind, launched(COMMANDS[engine], config, 4), config, 4)


@pytest.mark.parametrize("engine", COMMANDS)
@pytest.mark.parametrize("kind", ["slurm", "ssh"])
def test_a_script_is_bash_that_holds_the_command_as_it_was_written(kind, engine):
    text = made(kind, engine)
    checked = subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, b"")
    lines = text.replace("\\\n", "")
    call = next(line for line in lines.splitlines() if f"tokpipe {COMMANDS[engine][0]}" in line)
    words = shlex.split(call)
    begin = words.index("tokpipe") + 1
    assert tuple(words[begin:][: len(COMMANDS[engine])]) == COMMANDS[engine]


@pytest.mark.parametrize("engine", COMMANDS)
def test_a_manifest_is_yaml_whose_containers_run_the_command(engine):
    documents = list(yaml.safe_load_all(made("kubernetes", engine)))
    containers = [one for document in documents for one in _containers(document)]
    commands = [one["command"] for one in containers if "command" in one]
    assert all(one["image"] == "me/it:1" for one in containers)
    assert all(one["volumeMounts"][0]["mountPath"] == "/work" for one in containers)
    found = [tuple(c[c.index("tokpipe") + 1 :]) for c in commands if "tokpipe" in c]
    assert [words[: len(COMMANDS[engine])] for words in found] == [COMMANDS[engine]]


def _containers(node):
    if isinstance(node, dict):
        yield from node.get("containers", [])
        node = list(node.values())
    for one in node if isinstance(node, list) else []:
        yield from _containers(one)


def test_slurm_gets_what_was_asked_for():
    lines = made("slurm", "mpi").splitlines()
    wanted = ["--nodes=2", "--ntasks-per-node=2", "--time=01:30:00", "--partition=long"]
    assert {f"#SBATCH {one}" for one in wanted} <= set(lines)
    assert not any("account" in line for line in lines)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("count-words", "t", "-o", "c"), "no --engine"),
        (("count-words", "t", "-o", "c", "--engine", "threads"), "--engine threads"),
        (("count-words", "t", "--engine", "mpi"), "count-words has no --engine mpi"),
        (("pretrain", "s", "--engine", "dask"), "pretrain has no --engine dask"),
        ((*COUNT, "--scheduler", "a:1"), "--scheduler is said by the script"),
        ((*COUNT, "--workers=3"), "--workers is said by the script"),
        (("pretrain", "s", "--engine", "mpi"), "--gradient-shards 2 cannot be shared by 4 ranks"),
        (("pretrain", "s", "--engine", "mpi", "--gradient-shards=6"), "6 cannot be shared"),
        (("tokpipe",), "no --engine"),
    ],
)
def test_a_command_that_cannot_be_shared_out_is_refused(words, problem):
    with pytest.raises(ConfigError, match=problem):
        launched(words, CONFIGS["slurm"], 4)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_name_of_the_program_may_be_written(engine):
    words = COMMANDS[engine]
    assert launched(("tokpipe", *words), CONFIGS["ssh"], 4) == launched(words, CONFIGS["ssh"], 4)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (SlurmConfig, {"name": "a; rm -r x"}),
        (SlurmConfig, {"partition": "a\n#SBATCH --uid=0"}),
        (SlurmConfig, {"time": "soon"}),
        (SlurmConfig, {"memory": "much"}),
        (SlurmConfig, {"memory": "1kB"}),
        (KubernetesConfig, {}),
        (KubernetesConfig, {"image": "a b"}),
        (KubernetesConfig, {"image": "a", "claim": "A_b"}),
        (KubernetesConfig, {"image": "a", "mount": "here"}),
        (SshConfig, {}),
        (SshConfig, {"hosts": ("-oProxyCommand=x",)}),
        (SshConfig, {"hosts": ("a b",)}),
    ],
)
def test_what_would_be_more_than_a_value_is_refused(kind, settings):
    with pytest.raises(ConfigError):
        kind(**settings)
