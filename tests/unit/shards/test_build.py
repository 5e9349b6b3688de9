"""Builds from real text: the same bytes however they are made, and what is in them."""

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.fault.conftest import hashes
from tests.unit.shards.folders import rows_of
from tokpipe.corpus.bundled import bundled_corpus
from tokpipe.examples.build import Rows
from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.examples.masking import Masks
from tokpipe.foundation.errors import ArtifactError, ConfigError, InputError, TokpipeError
from tokpipe.shards.build import BuildConfig, build_shards
from tokpipe.shards.columns import record_batch
from tokpipe.shards.config import ShardConfig
from tokpipe.shards.reader import open_shards
from tokpipe.shards.schema import Column
from tokpipe.tokenizer.build import train_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer
from tokpipe.vocab.config import VocabConfig

ENGLISH = bundled_corpus() / "english"
SMALL = ShardConfig(block_bytes=16 << 10, shard_bytes=8 << 10, validation_fraction=0.2)
STATIC = MaskConfig(masking="static", dupe_factor=2)


@pytest.fixture(scope="module")
def vocabularies(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vocabularies")
    for model in ("wordpiece", "byte-bpe"):
        settings = VocabConfig(model=model, vocab_size=(600,))
        train_vocab([ENGLISH], settings, output=folder / model)
    return folder


@pytest.fixture
def build(vocabularies, tmp_path):
    """Build shards of the bundled English texts, or others, in a folder of their own."""

    def run(out="shards", inputs=ENGLISH, model="wordpiece", shards=SMALL, **settings):
        names = ("threads", "piece_bytes", "force")
        how = {name: settings.pop(name) for name in names if name in settings}
        config = BuildConfig(shards=shards, **settings)
        inputs = inputs if isinstance(inputs, list) else [inputs]
        build_shards(inputs, vocabularies / model, tmp_path / out, config, **how)
        return tmp_path / out

    return run


@pytest.mark.parametrize("masks", [STATIC, MaskConfig()], ids=["static", "dynamic"])
@pytest.mark.parametrize(("recipe", "model"), [("bert", "wordpiece"), ("roberta", "byte-bpe")])
def test_bytes_do_not_depend_on_threads_nor_pieces(build, recipe, model, masks):
    make = partial(build, model=model, examples=ExampleConfig(recipe=recipe), masks=masks)
    wanted = hashes(make("one", threads=1))
    assert len([name for name in wanted if name.startswith("train/data-")]) > 2
    for threads, piece_bytes in ((2, 3_000), (4, 50_000)):
        assert hashes(make(f"with-{threads}", threads=threads, piece_bytes=piece_bytes)) == wanted


def test_a_byte_level_vocabulary_that_the_library_runs_gives_the_same_rows(build, vocabularies):
    ours = build("ours", model="byte-bpe")
    document = json.loads((vocabularies / "byte-bpe/tokenizer.json").read_text("utf-8"))
    plain = document["pre_tokenizer"]
    document["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [plain]}
    (vocabularies / "foreign.json").write_text(json.dumps(document), "utf-8")
    assert not Tokenizer.load(vocabularies / "foreign.json").is_native
    theirs = build("theirs", model="foreign.json")
    assert rows_of(open_shards(ours).train) == rows_of(open_shards(theirs).train)


def test_another_seed_makes_other_examples(build):
    one, two = (rows_of(open_shards(build(str(seed), seed=seed)).train) for seed in (0, 1))
    assert one != two


WRONG = [
    *({"inputs": inputs} for inputs in ("text.txt", b"text.txt", Path("text.txt"), None, 3)),
    *({"inputs": [ENGLISH, other]} for other in (None, float("nan"), b"text.txt", 3, ["a"])),
    *({"inputs": inputs} for inputs in ([], (), iter([]))),
    *({name: value} for name in ("tokenizer", "output") for value in (None, 3, b"x")),
    *({"config": config} for config in ({"seed": 1}, 3, "bert", ExampleConfig())),
    *({"config": BuildConfig(**part)} for part in ({"seed": "x"}, {"seed": 1.0}, {"seed": None})),
    *({"config": BuildConfig(**{name: None})} for name in ("examples", "masks", "shards", "read")),
    *({"threads": threads} for threads in (0, -1, 1.5, "2", float("nan"), True)),
    *({"piece_bytes": size} for size in (0, -5, "x", 2.0)),
]


@pytest.mark.parametrize("given", WRONG)
def test_what_is_no_argument_is_refused(given, vocabularies, tmp_path):
    arguments = {"inputs": [ENGLISH], "tokenizer": vocabularies / "wordpiece", "output": tmp_path}
    with pytest.raises((ConfigError, InputError)):
        build_shards(**{**arguments, **given})
    assert list(tmp_path.iterdir()) == []


def test_inputs_may_be_a_generator_and_threads_as_many_as_anybody_likes(
    build, tmp_path, vocabularies
):
    wanted = hashes(build("list"))
    assert hashes(build("many", threads=1_000_000)) == wanted
    inputs = (path for path in [ENGLISH])
    build_shards(inputs, vocabularies / "wordpiece", tmp_path / "lazy", BuildConfig(shards=SMALL))
    assert hashes(tmp_path / "lazy") == wanted


@pytest.mark.parametrize("wanted", [1, 3])
def test_a_number_of_shards_may_be_asked_for(build, wanted):
    shards = ShardConfig(block_bytes=4 << 10, num_shards=wanted, validation_fraction=0.05)
    opened = open_shards(build(shards=shards))
    assert len(opened.train.files) == wanted
    sizes = [shard["rows"] for shard in opened.manifest.facts["shards"]["train"]]
    assert max(sizes) < 1.5 * min(sizes)


def test_more_shards_than_blocks_are_refused(build, tmp_path):
    shards = ShardConfig(num_shards=5)
    with pytest.raises(ConfigError, match="num_shards=5"):
        build(shards=shards)
    assert list(tmp_path.iterdir()) == []


def test_standard_input_gives_the_same_examples(build, monkeypatch):
    text = ENGLISH / "essays.txt"
    from_file = open_shards(build("a", text))
    with text.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        from_stream = open_shards(build("b", "-"))
    assert rows_of(from_stream.train) == rows_of(from_file.train)
    assert from_stream.manifest.inputs == {}
    with pytest.raises(ConfigError, match="num_shards needs the length"):
        build("c", "-", shards=ShardConfig(num_shards=2))


@pytest.mark.parametrize("content", ["", "\n\n \n\t\n"])
def test_input_without_text_is_refused(build, tmp_path, content):
    (tmp_path / "text.txt").write_text(content)
    with pytest.raises(InputError, match=r"text\.txt: "):
        build(inputs=tmp_path / "text.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]


WITHOUT_UNKNOWN = {
    "vocab.txt": "[PAD]\n[CLS]\n[SEP]\n[MASK]\nharbour\nlay\n",
    "tokenizer.json": None,
}


@pytest.mark.parametrize("masks", [STATIC, MaskConfig()], ids=["static", "dynamic"])
@pytest.mark.parametrize("recipe", ["bert", "roberta"])
@pytest.mark.parametrize("name", WITHOUT_UNKNOWN)
def test_a_word_that_no_id_stands_for_is_an_error_and_not_the_id_65535(
    name, recipe, masks, build, tmp_path, vocabularies
):
    content = WITHOUT_UNKNOWN[name]
    if content is None:
        document = json.loads((vocabularies / "wordpiece/tokenizer.json").read_text("utf-8"))
        del document["model"]["vocab"]["[UNK]"]
        document["added_tokens"] = [t for t in document["added_tokens"] if t["content"] != "[UNK]"]
        ids = sorted(document["model"]["vocab"].values())
        names = sorted(document["model"]["vocab"], key=document["model"]["vocab"].get)
        document["model"]["vocab"] = dict(zip(names, range(len(ids)), strict=True))
        for token in document["added_tokens"]:
            token["id"] = document["model"]["vocab"][token["content"]]
        text = json.dumps(document)
        for token in ("[CLS]", "[SEP]"):
            new = document["model"]["vocab"][token]
            text = text.replace(f'"ids": [{new + 1}], "tokens": ["{token}"]',
                                f'"ids": [{new}], "tokens": ["{token}"]')  # fmt: skip
        content = text
    folder = vocabularies / f"none {name.partition('.')[0]}"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(content, "utf-8")
    (tmp_path / "text.txt").write_text("the harbour lay\nlay 東京 harbour\n" * 3)
    with pytest.raises(TokpipeError, match=r"東|the") as raised:
        build(inputs=tmp_path / "text.txt", model=f"{folder.name}/{name}", masks=masks,
              examples=ExampleConfig(recipe=recipe))  # fmt: skip
    assert raised.value.exit_code == 3
    assert not (tmp_path / "shards").exists()


def test_values_that_do_not_fit_their_column_are_refused():
    column = Column("masked_lm_ids", "uint16", True)
    rows = Rows(np.zeros(1, np.int32), np.array([0, 1]), np.ones(1, np.int32))
    for id in (-1, 65_536):
        masks = Masks(np.zeros(1, np.int32), np.full(1, id, np.int32), np.array([0, 1]))
        with pytest.raises(InputError, match=f"masked_lm_ids: {id} is no uint16"):
            record_batch((column,), rows, None, masks)


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_shards_hold_the_same_rows(build, codec):
    plain = open_shards(build("plain"))
    settings = {**SMALL.to_dict(), "compression": codec}
    packed = open_shards(build("packed", shards=ShardConfig.from_dict(settings)), hashes=True)
    assert rows_of(packed.train) == rows_of(plain.train)
    assert rows_of(packed.validation) == rows_of(plain.validation)


def test_dense_labels_say_what_the_masks_say(build):
    import pyarrow as pa

    settings = {**SMALL.to_dict(), "dense_labels": True}
    folder = build(shards=ShardConfig.from_dict(settings), masks=STATIC)
    for file in sorted((folder / "train").glob("*.arrow")):
        for row in pa.ipc.open_stream(file.read_bytes()).read_all().to_pylist():
            length, second = len(row["input_ids"]), row["segment_b_start"]
            labels = [-100] * length
            for position, id in zip(row["masked_lm_positions"], row["masked_lm_ids"], strict=True):
                labels[position] = id
            assert row["labels"] == labels
            assert row["token_type_ids"] == [0] * second + [1] * (length - second)
            assert row["attention_mask"] == [1] * length


def test_static_masks_hide_what_they_say_and_copies_differ(build):
    folder = build(masks=STATIC, shards=ShardConfig(validation_fraction=0))
    part, *others = open_shards(folder).train.parts  # a batch is one copy of one block
    assert len(others) == 1
    mask = open_shards(folder).facts.mask_id
    texts = []
    for copy in (part, *others):
        starts = np.repeat(copy.input_ids.offsets[:-1], np.diff(copy.masked_positions.offsets))
        places = starts + copy.masked_positions.values
        ids = copy.input_ids.values.copy()
        assert 0.7 < np.mean(ids[places] == mask) < 0.9
        ids[places] = copy.masked_ids.values
        assert mask not in ids
        texts.append(ids)
    assert not np.array_equal(*texts)


def test_no_text_of_validation_is_in_train(build, tmp_path, vocabularies):
    lines = [f"{number} the harbour lay still that evening\n\n" for number in range(2_000, 3_000)]
    (tmp_path / "text.txt").write_text("".join(lines))
    opened = open_shards(build(inputs=tmp_path / "text.txt"))
    decode = Tokenizer.load(vocabularies / "wordpiece").decode
    found = []
    for split in opened.splits:
        words = " ".join(decode(row) for row in rows_of(split)).split()
        found.append({word for word in words if word.isdigit()})
    train, validation = found
    assert not train & validation
    assert 150 < len(validation) < 250
    assert len(train | validation) == 1_000
    tally = opened.manifest.facts["tally"]
    assert tally["train"]["documents"] + tally["validation"]["documents"] == 1_000


@pytest.mark.parametrize("line", ["the harbour lay still. ", "the harbour lay still.\n"])
def test_documents_longer_than_a_block_are_cut_and_used_to_the_end(build, tmp_path, line):
    (tmp_path / "text.txt").write_text(line * 3_000)
    shards = ShardConfig(block_bytes=8 << 10, validation_fraction=0)
    make = partial(build, inputs=tmp_path / "text.txt", shards=shards)
    examples = ExampleConfig(recipe="roberta")
    folder = make("whole", examples=examples)
    tally = open_shards(folder).manifest.facts["tally"]["train"]
    assert tally["parts of long documents"] >= 3  # a part is less than twice a block
    whole = len(Tokenizer.load(folder / "tokenizer.json").encode("the harbour lay still.")) - 2
    assert tally["text tokens"] == 3_000 * whole
    again = make("pieces", examples=examples, threads=2, piece_bytes=5_000)
    assert hashes(again) == hashes(folder)


def test_a_stopped_build_goes_on_behind_its_last_record(build, tmp_path, monkeypatch):
    wanted = hashes(build("whole"))
    from tokpipe.shards import engine as module

    done, make = [], module.make

    def stopping(job, recipe):
        done.append(job.resume_point)
        if len(done) == 5:
            raise KeyboardInterrupt
        return make(job, recipe)

    monkeypatch.setattr(module, "make", stopping)
    with pytest.raises(KeyboardInterrupt):
        build("again", threads=1)
    records = sorted((tmp_path / ".again.partial/.unfinished").glob("*.json"))
    assert records
    shards = [json.loads(record.read_text())["rows"] for record in records]
    assert all(shards)
    monkeypatch.setattr(module, "make", make)
    assert hashes(build("again", threads=2)) == wanted


def replaced_by(kind):
    def change(path):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        path.mkdir() if kind == "folder" else path.write_text(kind)

    return change


def changed(key, value):
    def change(path):
        path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))

    return change


BROKEN = [
    ("train", replaced_by("a file")),
    (".unfinished", replaced_by("a file")),
    ("train/data-00002.arrow", replaced_by("folder")),
    *((".unfinished/train-00000.json", change) for change in (
        *map(replaced_by, ("folder", "", "{", "[]", "3", "null", "[" * 100_000)),
        changed("rows", "x"), changed("rows", -5), changed("tokens", 2**63), changed("size", 1),
        changed("tally", {"examples": "a"}), changed("tally", None), changed("next", None),
        changed("next", [[10**30, 0, 0, 0, True, 0, 0], 0]), changed("more", 1),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change"), BROKEN)
def test_a_broken_rest_of_a_build_is_refused_with_the_way_out(
    name, change, build, tmp_path, monkeypatch
):
    from tokpipe.shards import engine as module

    done, make = [], module.make

    def stopping(job, recipe):
        done.append(job)
        if len(done) == 5:
            raise KeyboardInterrupt
        return make(job, recipe)

    with monkeypatch.context() as patch:
        patch.setattr(module, "make", stopping)
        with pytest.raises(KeyboardInterrupt):
            build("again", threads=1)
    (tmp_path / ".again.partial/train/data-00002.arrow").unlink(missing_ok=True)
    change(tmp_path / ".again.partial" / name)
    with pytest.raises(ArtifactError) as raised:
        build("again")
    assert "--force" in raised.value.hint
    assert hashes(build("again", force=True)) == hashes(build("whole"))


def test_a_record_whose_shard_is_gone_is_not_believed(build, tmp_path, monkeypatch):
    wanted = hashes(build("whole"))
    from tokpipe.shards import engine as module

    with monkeypatch.context() as patch:
        patch.setattr(module, "finish_folder", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            build("again")
    shards = sorted((tmp_path / ".again.partial/train").glob("*.arrow"))
    shards[1].unlink()
    shards[2].write_bytes(shards[2].read_bytes()[:-9])
    assert hashes(build("again")) == wanted
