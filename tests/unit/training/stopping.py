"""Trainings that a person stops by Ctrl-C, and what folders hold when they have gone on."""

import json
from contextlib import contextmanager

import pytest

from tests.fault.conftest import hashes
from tokpipe.training import trainer as trainer_module
from tokpipe.training.log import TIMES


def contents(folder):
    """Return the hash of every file, and logs as their lines without times."""
    found = {name: h for name, h in hashes(folder).items() if not name.endswith("log.jsonl")}
    for log in folder.rglob("log.jsonl"):
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        kept = [{k: v for k, v in line.items() if k not in TIMES} for line in lines]
        found[str(log.relative_to(folder))] = kept
    return found


class StopAt:
    """A person who stops the training at a step, by Ctrl-C."""

    def __init__(self, step):
        self.step, self.stopped = step, False

    def begins(self, step, steps, model):
        pass

    def sees(self, line, share):
        self.stopped |= line.step >= self.step


@contextmanager
def stopping(monkeypatch, step):
    """Give the watch of a training that Ctrl-C ends at a step."""
    watch, join = StopAt(step), trainer_module.threading.Thread.join

    def interrupted(self, timeout=None):
        join(self, 0.001)
        if watch.stopped and self.name == "tokpipe-train":
            watch.stopped = False
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(trainer_module.threading.Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            yield watch
