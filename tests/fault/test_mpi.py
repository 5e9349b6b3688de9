"""Training by several processes: killed, stopped and refused, and the same bits in the end."""

import os
import resource
import shutil
import signal
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fault.conftest import PATIENCE, Command
from tests.unit.training.folders import write_shards
from tests.unit.training.stopping import contents

MPIEXEC = Path(sys.prefix) / "bin" / "mpiexec"
HAS_MPI = find_spec("mpi4py") is not None and (MPIEXEC.is_file() or shutil.which("mpiexec"))
pytestmark = pytest.mark.skipif(not HAS_MPI, reason="the extra mpi is not installed")

TRAIN = (
    *("pretrain", "shards", "-o", "out", "--save-steps", "8", "--eval-steps", "8", "-q"),
    *("--batch-tokens", "300", "--hidden-size", "16", "--num-hidden-layers", "2"),
    *("--num-attention-heads", "2", "--intermediate-size", "32", "--gradient-shards", "8"),
)
SHORT, LONG = ("--steps", "24"), ("--steps", "100000")


@pytest.fixture
def shards(tmp_path):
    write_shards(tmp_path / "shards", rows=200, longest=20)


class Ranks(Command):
    """A command as several processes, started by `tokpipe mpi` or by `mpiexec` itself."""

    def __init__(self, folder, ranks, *arguments, plain=False):
        super().__init__(folder, *arguments)
        self.ranks, self.plain = ranks, plain

    def started(self, *more, before=(), **settings):
        count = str(self.ranks)
        if self.plain:
            mpiexec = str(MPIEXEC) if MPIEXEC.is_file() else "mpiexec"
            return super().started(
                "--engine", "mpi", *more, before=(mpiexec, "-n", count, *before), **settings
            )
        self.program = ("-m", "tokpipe", "mpi", "-n", count, *before)
        return super().started(*more, **settings)

    def begun(self, sign="out/checkpoint-000008", **settings):
        """Start, and return the process once there is a file."""
        process, limit = self.started(**settings), time.monotonic() + PATIENCE
        while not (self.folder / sign).exists():
            assert process.poll() is None and time.monotonic() < limit
            time.sleep(0.01)
        return process


def rank_pids(folder):
    """Return the number of the process of each rank that works in a folder."""
    found = {}
    for place in Path("/proc").iterdir():
        if not place.name.isdigit():
            continue
        try:
            variables = dict(
                line.partition("=")[::2] for line in (place / "environ").read_text().split("\0")
            )
            is_here = (place / "cwd").resolve() == folder.resolve()
            words = (place / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if is_here and "PMI_RANK" in variables and "tokpipe" in words:
            found[int(variables["PMI_RANK"])] = int(place.name)
    return found


def ended(process, seconds=10.0):
    """Wait for the end; return exit code and messages."""
    begin = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - begin < seconds, err
    return process.returncode, err.decode(), out.decode()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process makes of the training."""
    folder = tmp_path_factory.mktemp("alone")
    write_shards(folder / "shards", rows=200, longest=20)
    assert Command(folder, *TRAIN, *SHORT, "--threads", "1").run().code == 0
    return contents(folder / "out")


@pytest.mark.parametrize(("ranks", "threads", "plain"), [(2, 2, True), (4, 1, False)])
def test_ranks_and_threads_make_the_bytes_of_one(ranks, threads, plain, tmp_path, shards, alone):
    words = (*TRAIN, *SHORT, "--threads", threads)
    ran = Ranks(tmp_path, ranks, *words, plain=plain).run()
    assert ran.code == 0, ran.err
    assert contents(tmp_path / "out") == alone
    assert ran.out.count("A model in out") == 1


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [1, 8])
def test_one_and_eight_ranks_make_the_bytes_of_one(ranks, tmp_path, shards, alone):
    assert Ranks(tmp_path, ranks, *TRAIN, *SHORT).run().code == 0
    assert contents(tmp_path / "out") == alone


@pytest.mark.parametrize(("before", "then"), [(2, 4), (4, 0)])
def test_a_killed_rank_stops_all_and_others_go_on_to_the_same_bytes(
    before, then, tmp_path, shards, alone
):
    process = Ranks(tmp_path, before, *TRAIN, *SHORT).begun()
    victim = rank_pids(tmp_path).get(before - 1)
    if victim is not None:  # else it was faster than we
        os.kill(victim, signal.SIGKILL)
        code, err, _ = ended(process)
        if code:
            assert code == 1
            assert "has died" in err and "the last checkpoint is out/checkpoint-0000" in err
            assert f"To go on: tokpipe mpi -n {before} pretrain shards" in err
            assert "Traceback" not in err and "BAD TERMINATION" not in err
    process.communicate()
    assert not rank_pids(tmp_path)
    words = (*TRAIN, *SHORT)
    going_on = Ranks(tmp_path, then, *words) if then else Command(tmp_path, *words)
    going_on.finished()
    assert contents(tmp_path / "out") == alone


def test_killed_under_mpiexec_itself_it_names_the_last_checkpoint(tmp_path, shards):
    process = Ranks(tmp_path, 2, *TRAIN, *LONG, plain=True).begun()
    os.kill(rank_pids(tmp_path)[0], signal.SIGKILL)
    code, err, _ = ended(process)
    assert code != 0
    assert "the last checkpoint is out/checkpoint-0000" in err
    assert "To go on: mpiexec -n 2 tokpipe pretrain shards" in err
    assert err.count("error:") == 1


def test_it_is_started_again_where_that_is_asked_for(tmp_path, shards, alone):
    command = Ranks(tmp_path, 2, *TRAIN, *SHORT, "--force")
    process = command.begun(before=("--max-restarts", "2"))
    victim = rank_pids(tmp_path).get(1)
    if victim is not None:
        os.kill(victim, signal.SIGKILL)
    code, err, _ = ended(process, 60)
    assert code == 0, err
    assert contents(tmp_path / "out") == alone


@pytest.mark.parametrize(
    ("number", "target"),
    [
        (signal.SIGINT, "all"),
        (signal.SIGTERM, "rank 1"),
        pytest.param(signal.SIGTERM, "all", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, "rank 0", marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, "rank 1", marks=pytest.mark.slow),
    ],
)
def test_a_signal_stops_all_behind_the_same_step(number, target, tmp_path, shards):
    process = Ranks(tmp_path, 2, *TRAIN, *LONG).begun()
    pid = process.pid if target == "all" else rank_pids(tmp_path)[int(target[-1])]
    os.kill(pid, number)
    code, err, _ = ended(process, 4)
    assert code == 128 + number, err
    newest = max(path.name for path in (tmp_path / "out").glob("checkpoint-*"))
    assert f"out/{newest} is kept. To go on:\n  tokpipe mpi -n 2 pretrain shards" in err
    assert err.count("stopped by") == 1
    last = (tmp_path / "out/log.jsonl").read_text().splitlines()[-1]
    assert f'"step": {int(newest[-6:])},' in last
    assert not rank_pids(tmp_path)


def test_nobody_trains_on_when_the_command_that_started_them_is_killed(tmp_path, shards):
    process = Ranks(tmp_path, 2, *TRAIN, *LONG).begun()
    assert rank_pids(tmp_path)
    process.kill()
    process.communicate()  # its pipes are open until the ranks have ended
    limit = time.monotonic() + 10
    while rank_pids(tmp_path) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not rank_pids(tmp_path)
    assert [*(tmp_path / "out").glob("checkpoint-*/tokpipe.json")]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("network", [{}, {"UCX_TLS": "tcp,self", "MPIR_CVAR_NOLOCAL": "1"}])
def test_wide_layers_on_their_way_keep_nobody(number, network, tmp_path, shards):
    """What was sent early, and is not received by who stops, is megabytes."""
    wide = ("--hidden-size", "256", "--num-hidden-layers", "4", "--threads", "2")
    command = Ranks(tmp_path, 4, *TRAIN, *LONG, *wide)
    for wait in (0.1, 0.35, 0.6):
        process = command.begun(env=network)
        time.sleep(wait)
        os.kill(rank_pids(tmp_path)[2], number)
        code, err, _ = ended(process)
        assert code == (1 if number == signal.SIGKILL else 128 + number), err
        assert "Traceback" not in err and not rank_pids(tmp_path)
        shutil.rmtree(tmp_path / "out")


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--gradient-shards", "3"), 2, "gradient_shards=3 parts"),
        (("--epsilon", "3"), 2, "no such option"),
        (("--learning-rate", "1e38", "--max-grad-norm", "0", "--warmup-steps", "9"), 1, "loss is"),
        (("--intermediate-size", "40000", "--hidden-size", "40000"), 5, "training takes about"),
    ],
)
def test_what_is_wrong_is_said_once_with_one_exit_code(more, code, said, tmp_path, shards):
    ran = Ranks(tmp_path, 2, *TRAIN, *SHORT, *more).run()
    assert ran.code == code, ran.err
    assert ran.err.count("error:") == 1 and said in ran.err
    assert "Traceback" not in ran.err


def test_rounded_gradients_are_another_training_that_nobody_goes_on_with(tmp_path, shards, alone):
    rounded = ("--mpi-dtype", "bfloat16")
    ran = Ranks(tmp_path, 2, *TRAIN, *rounded, "--steps", "12").run()
    assert ran.code == 0, ran.err
    assert contents(tmp_path / "out") != alone
    for ranks, how in ((4, rounded), (2, ())):
        ran = Ranks(tmp_path, ranks, *TRAIN, *how, "--steps", "24").run()
        assert ran.code == 4, ran.err
        assert "ranks" in ran.err


def test_a_folder_that_another_process_writes_is_refused_by_all(tmp_path, shards):
    writer = Ranks(tmp_path, 2, *TRAIN, *LONG).begun()
    ran = Ranks(tmp_path, 2, *TRAIN, *LONG).run()
    assert ran.code == 4, ran.err
    assert "is being written by" in ran.err and ran.err.count("error:") == 1
    writer.send_signal(signal.SIGTERM)
    assert ended(writer)[0] == 143


def test_a_disk_that_fills_up_under_the_first_rank_stops_all(tmp_path, shards):
    process = Ranks(tmp_path, 2, *TRAIN, *LONG).begun()
    full = (9000, resource.RLIM_INFINITY)
    resource.prlimit(rank_pids(tmp_path)[0], resource.RLIMIT_FSIZE, full)
    code, err, _ = ended(process)
    assert code == 4, err
    assert err.count("error:") == 1 and "checkpoint-0000" in err
    assert not rank_pids(tmp_path)


def test_jobs_vectors_and_scores_of_two_are_those_of_one(tmp_path, shards):
    """Fine-tuned folders, vectors and what evaluations print."""
    words = ("good", "bad", "fine", "film", "plot", "a", "the")
    texts = [" ".join(words[(n * k) % 7] for k in range(1, 2 + n % 8)) for n in range(60)]
    rows = "".join(f"{text}\t{int('good' in text)}\n" for text in texts)
    (tmp_path / "train.tsv").write_text(f"sentence\tlabel\n{rows}")
    (tmp_path / "texts.txt").write_text("\n".join(texts))
    assert Command(tmp_path, *TRAIN, "--steps", "8").run().code == 0
    learn = ("finetune", "classification", "out", "--train", "train.tsv", "--epochs", "1", "-q")
    ask = (("evaluate", "job-1", "train.tsv"), ("evaluate", "out", "shards"))
    embed = ("embed", "out", "texts.txt", "-q")
    said = {}
    for ranks in (1, 2):

        def run(*given, of=ranks):
            one = Command(tmp_path, *given) if of == 1 else Ranks(tmp_path, of, *given, plain=True)
            ran = one.run()
            assert ran.code == 0, ran.err
            return [line for line in ran.out.splitlines() if "second" not in line]

        run(*learn, "-o", f"job-{ranks}")
        run(*embed, "-o", f"vectors-{ranks}.npy")
        said[ranks] = [run(*given, "--json", "-q") for given in ask]
    assert contents(tmp_path / "job-1") == contents(tmp_path / "job-2")
    assert said[1] == said[2]
    one, two = ((tmp_path / f"vectors-{ranks}.npy").read_bytes() for ranks in (1, 2))
    assert one == two
