"""A sound folder gives no finding; each fault, put in alone, gives its own."""

import contextlib
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.inspection.folders import ROLES, SPECIALS, WORDPIECE, bpe, wordpiece, write
from tests.unit.inspection.printing import shown
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.errors import InputError
from tokpipe.foundation.manifest import Manifest
from tokpipe.inspection.check.corpus import check_alphabet
from tokpipe.inspection.check.finding import ERROR, NOTE, WARNING, Finding
from tokpipe.inspection.check.folder import check_tokenizer
from tokpipe.inspection.source import read_source
from tokpipe.inspection.terminal.check import findings_renderable
from tokpipe.inspection.terminal.vocabulary import vocabulary_renderable
from tokpipe.inspection.vocabulary import view_vocabulary
from tokpipe.vocab.vocabulary import BYTE_TO_CHAR


def findings(path):
    return check_tokenizer(path)[1]


def only(path):
    found = findings(path)
    assert len(found) == 1, found
    return found[0]


def sound(tmp_path, content=None, **files):
    return write(tmp_path / "t", content or wordpiece(), **files)


def test_a_sound_wordpiece_folder_gives_no_finding(tmp_path):
    config = {**ROLES, "do_lower_case": True}
    folder = sound(
        tmp_path,
        vocab="\n".join(WORDPIECE) + "\n",
        tokenizer_config=config,
        special_tokens_map=ROLES,
    )
    assert findings(folder) == []


def test_a_sound_bpe_folder_gives_no_finding(tmp_path):
    merges = "#version: 0.2\na b\nab c\n"
    folder = sound(tmp_path, bpe(), merges=merges)
    (folder / "vocab.json").write_text(json.dumps(bpe()["model"]["vocab"]))
    assert findings(folder) == []


def test_a_token_that_stands_twice(tmp_path):
    folder = sound(tmp_path)
    text = (folder / "tokenizer.json").read_text().replace('"hug": 15', '"##s": 15')
    (folder / "tokenizer.json").write_text(text)
    found = findings(folder)
    assert "'##s' stands 2 times, with the ids 14, 15" in found[0].problem
    assert found[0].level == WARNING


def test_a_repeated_line_of_a_bare_vocab_txt(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join([*WORDPIECE, "hug"]))
    assert "'hug' stands 2 times, with the ids 15, 19" in findings(path)[0].problem


def test_an_id_of_two_tokens_and_the_gap_that_it_leaves(tmp_path):
    content = wordpiece()
    content["model"]["vocab"]["hug"] = 10
    problems = [found.problem for found in findings(sound(tmp_path, content))]
    assert problems[0] == "the id 10 belongs to 2 tokens: '##a', 'hug'"
    assert "the first is 15" in problems[1]


def test_ids_with_a_gap(tmp_path):
    content = wordpiece()
    content["model"]["vocab"]["東"] = 99
    found = only(sound(tmp_path, content))
    assert "ids run to 99 but 81 of them belong to no token, the first is 18" in found.problem


def test_a_special_token_with_the_id_of_another(tmp_path):
    content = wordpiece()
    content["post_processor"]["cls"] = ["[CLS]", 4]
    found = only(sound(tmp_path, content))
    assert found.place == "tokenizer.json: post_processor"
    assert found.problem == "'[CLS]' has the id 4, in the vocabulary it has 2"


def test_a_template_with_a_wrong_id(tmp_path):
    content = wordpiece()
    entry = {"id": "[SEP]", "ids": [7], "tokens": ["[SEP]"]}
    content["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"[SEP]": entry},
    }
    found = only(sound(tmp_path, content))
    assert found.problem == "'[SEP]' has the id 7, in the vocabulary it has 3"


def test_a_missing_unknown_token(tmp_path):
    content = wordpiece()
    content["model"]["unk_token"] = "<unk>"
    found = findings(sound(tmp_path, content))[0]
    assert "'<unk>' is not in the vocabulary" in found.problem


def test_a_role_without_a_token_and_a_role_that_files_disagree_on(tmp_path):
    config = {**ROLES, "mask_token": "<mask>"}
    folder = sound(tmp_path, tokenizer_config=config, special_tokens_map=ROLES)
    found = findings(folder)
    assert [(f.place, f.level) for f in found] == [
        ("tokenizer_config.json: mask_token", ERROR),
        ("special_tokens_map.json: mask_token", ERROR),
    ]
    assert found[1].problem == "'[MASK]' here, '<mask>' in tokenizer_config.json"


def test_a_role_whose_token_is_cut_like_other_text(tmp_path):
    content = wordpiece()
    content["added_tokens"] = content["added_tokens"][:4]
    folder = sound(tmp_path, content, tokenizer_config=ROLES)
    problems = [found.problem for found in findings(folder)]
    assert "'[MASK]' is not special in tokenizer.json: it is cut like other text" in problems


def test_roles_that_bert_needs_and_nobody_names(tmp_path):
    roles = {role: token for role, token in ROLES.items() if role != "mask_token"}
    found = only(sound(tmp_path, tokenizer_config=roles))
    assert (found.level, found.place) == (WARNING, "tokenizer_config.json: mask_token")


def test_a_vocab_txt_of_another_vocabulary(tmp_path):
    lines = [*WORDPIECE]
    lines[6], lines[7] = lines[7], lines[6]
    found = only(sound(tmp_path, vocab="\n".join(lines)))
    assert found.place == "vocab.txt:7"
    assert found.problem == "'h', but the id 6 is 'b' in tokenizer.json"


def test_a_vocab_txt_that_is_too_short(tmp_path):
    found = only(sound(tmp_path, vocab="\n".join(WORDPIECE[:-1])))
    assert found.problem == "18 lines, but tokenizer.json has 19 tokens"


def test_a_vocab_json_with_another_id(tmp_path):
    folder = sound(tmp_path, bpe())
    (folder / "vocab.json").write_text(json.dumps({**bpe()["model"]["vocab"], "ab": 7}))
    assert "'ab' has the id 7, there 4" in only(folder).problem


def test_merges_txt_in_another_order(tmp_path):
    found = only(sound(tmp_path, bpe(), merges="ab c\na b\n"))
    assert found.place == "merges.txt: rank 0"


def test_casing_that_differs_between_files(tmp_path):
    found = only(sound(tmp_path, tokenizer_config={**ROLES, "do_lower_case": False}))
    assert found.place == "tokenizer_config.json: do_lower_case"


def test_a_model_with_too_few_embeddings(tmp_path):
    folder = sound(tmp_path)
    (folder / "config.json").write_text('{"vocab_size": 18}')
    assert only(folder).problem == "18, but ids run to 18: the embedding lacks rows"


@pytest.mark.parametrize(
    ("size", "level"), [(20, WARNING), (24, NOTE), (64, NOTE), (40, WARNING), (32, NOTE)]
)
def test_rows_without_a_token_are_a_note_where_they_make_a_multiple(tmp_path, size, level):
    folder = sound(tmp_path)
    (folder / "config.json").write_text(f'{{"vocab_size": {size}}}')
    found = only(folder)
    assert found.level == level and found.problem.startswith(f"{size}, but only 19 ids are in use")
    assert ("padded to a multiple" in found.problem) == (level == NOTE)


def test_a_merge_of_an_unknown_token(tmp_path):
    content = bpe()
    content["model"]["merges"].append(["abc", "d"])
    found = only(sound(tmp_path, content))
    assert found.place == "tokenizer.json: model.merges[2]"
    assert found.problem == "('abc', 'd'): the token 'd' is not in the vocabulary"


def test_a_token_that_no_merge_makes(tmp_path):
    content = bpe()
    content["model"]["vocab"]["cab"] = 6
    found = only(sound(tmp_path, content))
    assert found.level == WARNING
    assert found.problem == "1 token is out of reach of the merges: 'cab'"


def test_a_token_that_an_earlier_merge_always_prevents(tmp_path):
    # bc = (b, c) is merged after ab, so "abc" is ab c, never a bc; alone, "abc" merges to ab + c,
    # which no merge joins: abc, made of (a, bc) at the last rank, cannot be reached.
    content = bpe()
    content["model"]["vocab"] = {"<unk>": 0, "a": 1, "b": 2, "c": 3, "ab": 4, "bc": 5, "abc": 6}
    content["model"]["merges"] = [["a", "b"], ["b", "c"], ["a", "bc"]]
    assert "'abc'" in only(sound(tmp_path, content)).problem


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        ("Hug", "the normalizer changes them"),
        ("##Ug", "the normalizer changes them"),
        ("##東", "the normalizer changes them"),
        ("a b", "the pre-tokenizer cuts them at white space"),
        ("a.b", "the pre-tokenizer cuts them into several words"),
        ("##.", "the pre-tokenizer cuts them into several words"),
        ("b" * 101, "they are longer than max_input_chars_per_word"),
    ],
)
def test_a_piece_that_no_text_can_reach(tmp_path, piece, reason):
    found = only(sound(tmp_path, wordpiece([*WORDPIECE, piece])))
    assert found.level == WARNING
    assert found.problem.startswith(f"1 piece that no text can reach, because {reason}: '")


def test_a_few_pieces_among_many_that_no_text_can_reach_are_noted(tmp_path):
    many = [f"##{chr(code)}" for code in range(ord("а"), ord("а") + 32)]
    found = only(sound(tmp_path, wordpiece([*WORDPIECE, *many, "Hug"])))
    assert (found.level, found.hint) == (NOTE, "")
    assert found.problem.startswith("1 piece that no text can reach")


@pytest.mark.parametrize("piece", ["##é", "##\u0301", "ß", "7", "##7", "?", "б"])
def test_a_piece_that_some_text_reaches(tmp_path, piece):
    assert findings(sound(tmp_path, wordpiece([*WORDPIECE, piece]))) == []


def test_placeholders_are_noted_and_no_problem(tmp_path):
    found = only(sound(tmp_path, wordpiece([*WORDPIECE, "[unused0]", "[unused1]"])))
    assert (found.level, found.problem) == (NOTE, "2 placeholders: '[unused0]', '[unused1]'")


def test_a_byte_level_vocabulary_without_all_bytes(tmp_path):
    content = bpe()
    tokens = ["<unk>", *BYTE_TO_CHAR[1:]]
    content["model"]["vocab"] = {token: id for id, token in enumerate(tokens)}
    content["model"]["merges"] = []
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    content["pre_tokenizer"] = content["decoder"] = {**level, "use_regex": True}
    problems = [found.problem for found in findings(sound(tmp_path, content))]
    assert "1 byte has no token: 00" in problems


def test_files_that_the_manifest_does_not_know_so(tmp_path):
    folder = sound(tmp_path, vocab="\n".join(WORDPIECE))
    Manifest(kind="tokenizer").write(folder, ["tokenizer.json", "vocab.txt"])
    assert findings(folder) == []
    (folder / "vocab.txt").write_text("\n".join(WORDPIECE) + "\n")
    found = only(folder)
    assert found.level == ERROR and "the manifest says" in found.problem


def test_a_damaged_file_beside_is_a_finding_and_a_damaged_vocabulary_an_error(tmp_path):
    folder = sound(tmp_path)
    (folder / "tokenizer_config.json").write_text("{")
    assert only(folder).place == "tokenizer_config.json"
    (folder / "tokenizer.json").write_text("[" * 100_000)
    with pytest.raises(InputError):
        check_tokenizer(folder)


def test_what_encode_refuses_is_found(tmp_path):
    content = wordpiece()
    content["normalizer"] = {"type": "Mystery"}
    assert only(sound(tmp_path, content)).level == ERROR


def test_characters_of_a_corpus_without_a_token(tmp_path):
    source = read_source(sound(tmp_path))
    words = Strings.from_list(["hugs", "ünz", "z"])
    found = list(check_alphabet(source, words, np.array([90, 4, 6])))
    assert [f.level for f in found] == [WARNING]
    assert found[0].problem == (
        "3 characters of the corpus without a token, in 10 words (10 %): 'z' (10), 'n' (4), 'ü' (4)"
    )
    assert list(check_alphabet(source, Strings.from_list(["hugs"]), np.array([1]))) == []


def test_hostile_tokens_are_named_harmlessly(tmp_path):
    folder = sound(tmp_path, wordpiece([*WORDPIECE, "\x1b]0;x\x07", "A\u202e[bold]"]))
    found = findings(folder)
    drawn = shown(findings_renderable("t\x1b", "", found))
    assert not set(drawn) & set("\x1b\x07\u202e") and r"\x1b" in drawn
    assert not any(set(f.problem) & set("\x1b\x07\u202e") for f in found)


def test_findings_are_listed_with_the_errors_first():
    found = [
        Finding(NOTE, "c", "third"),
        Finding(WARNING, "b", "second", "do that"),
        Finding(ERROR, "a", "first"),
    ]
    assert shown(findings_renderable("out/wp", "wordpiece", found)) == (
        "out/wp  wordpiece\n"
        "error    a\n"
        "         first\n"
        "warning  b\n"
        "         second\n"
        "         do that\n"
        "note     c\n"
        "         third\n"
        "✗ 1 error, 1 warning, 1 note\n"
    )
    assert shown(findings_renderable("t", "", [])).endswith("✓ no problem found\n")


def test_bert_and_gpt2_as_published(shared_data, tmp_path):
    vocab = shared_data / "vocab"
    found = findings(vocab / "bert-base-uncased-vocab.txt")
    # [unused0] to [unused993]; ##CJK, as CJK characters stand alone; pieces of punctuation.
    assert [f.level for f in found] == [WARNING, WARNING, NOTE][: len(found)] or found
    assert sum("994 placeholders" in f.problem for f in found) == 1
    (tmp_path / "vocab.json").write_bytes((vocab / "gpt2-encoder.json").read_bytes())
    (tmp_path / "merges.txt").write_bytes((vocab / "gpt2-vocab.bpe").read_bytes())
    assert findings(tmp_path) == []


def test_special_tokens_are_never_out_of_reach(tmp_path):
    assert all(token not in str(findings(sound(tmp_path))) for token in SPECIALS)


_VALUES = st.none() | st.booleans() | st.integers(-2, 1 << 40) | st.text(max_size=3)
_JSON = st.recursive(
    _VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)


def _places(content, path=()):
    yield path
    items = content.items() if isinstance(content, dict) else ()
    for key, value in items:
        yield from _places(value, (*path, key))


@given(data=st.data())
@settings(max_examples=60)
def test_a_garbled_folder_gives_findings_or_an_input_error(data):
    content = data.draw(st.sampled_from([wordpiece(), bpe()]))
    files = {"tokenizer.json": content, "tokenizer_config.json": dict(ROLES)}
    name = data.draw(st.sampled_from(sorted(files)))
    *path, last = data.draw(st.sampled_from([p for p in _places(files[name]) if p]))
    inner = files[name]
    for key in path:
        inner = inner[key]
    inner[last] = data.draw(_JSON)
    with tempfile.TemporaryDirectory() as folder:
        for file, value in files.items():
            (Path(folder) / file).write_text(json.dumps(value))
        with contextlib.suppress(InputError):
            source, found = check_tokenizer(Path(folder))
            shown(findings_renderable("t", "", found))
            shown(vocabulary_renderable(view_vocabulary("t", source), source.form))


def test_a_text_is_not_taken_for_a_vocabulary(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("The ferry left.\n\nNobody saw it.\nThe harbour was closed.\n")
    with pytest.raises(InputError, match=r"corpus\.txt holds text, not a token a line"):
        read_source(path)


def test_a_hundred_repeated_tokens_are_summed_up(tmp_path):
    path = tmp_path / "vocab.txt"
    path.write_text("".join(f"w{i // 2}\n" for i in range(200)))
    found = [finding.problem for finding in findings(path)]
    assert sum("stands 2 times" in problem for problem in found) == 10
    assert "90 more faults of this kind" in found
