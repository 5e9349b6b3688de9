"""One changed bit of a shard folder: every command that reads it refuses before it works."""

import pytest

from tokpipe.corpus.bundled import bundled_corpus

COMMANDS = [
    ("pretrain", "out", "--preset", "tiny", "--steps", "2", "-o", "run"),
    ("inspect", "shards", "out"),
    ("check", "out"),
    ("decode", "-t", "out", "out/train/data-00000-of-00001.arrow", "-o", "run"),
]


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    from tokpipe.shards.build import BuildConfig, build_shards
    from tokpipe.tokenizer.build import train_vocab
    from tokpipe.vocab.config import VocabConfig

    root, english = tmp_path_factory.mktemp("shards"), bundled_corpus() / "english"
    train_vocab([english], VocabConfig(vocab_size=(400,)), output=root / "tok")
    build_shards([english], root / "tok", root / "out", BuildConfig())
    return {
        path.relative_to(root): path.read_bytes()
        for path in (root / "out").rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("name", ["train/data-00000-of-00001.arrow", "tokenizer.json"])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_one_bit_is_refused_before_the_work(tokpipe, tmp_path, shards, command, name):
    for path, content in shards.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    file = tmp_path / "out" / name
    changed = bytearray(file.read_bytes())
    at = len(changed) // 2 if name.endswith("arrow") else changed.index(b'"the"') + 2
    changed[at] ^= 1
    file.write_bytes(changed)
    ran = tokpipe(*command)
    assert ran.code == (1 if command[0] == "check" else 4), ran.err
    assert f"{name}" in ran.out + ran.err and "sha256 begins with" in ran.out + ran.err
    assert not (tmp_path / "run").exists()
