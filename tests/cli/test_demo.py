def test_demo_goes_the_whole_way_and_does_not_do_it_twice(tokpipe, tmp_path):
    ran = tokpipe("demo", "--steps", "3")
    assert ran.code == 0, ran.err
    made = tmp_path / "tokpipe-demo"
    parts = ["model", "sentences", "shards", "tokenizer"]
    assert sorted(path.name for path in made.iterdir()) == parts
    for said in ("Go on with:", "entropy", "Anna the [MASK] lives in Millbrook."):
        assert said in ran.out
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    again = tokpipe("demo", "--json")
    assert again.code == 0, again.err
    assert 4 < again.json["unigram_entropy"] < 6
    assert again.json["validation_loss"] > 3
    assert len(again.json["masks"]) == 3
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_a_demo_that_was_stopped_goes_on(tokpipe, tmp_path):
    assert tokpipe("demo", "--steps", "3").code == 0
    (tmp_path / "tokpipe-demo/model/tokpipe.json").unlink()  # the last file that it writes
    ran = tokpipe("demo", "--steps", "3")
    assert ran.code == 0, ran.err
    assert "going on from step 3" in ran.err
    assert "shards: there already" in ran.err


def test_demo_touches_no_foreign_folder(tokpipe, tmp_path):
    (tmp_path / "thesis.txt").write_text("three years")
    ran = tokpipe("demo", "-o", tmp_path)
    assert ran.code == 4
    assert "thesis.txt" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_dry_run_makes_nothing(tokpipe, tmp_path):
    assert tokpipe("demo", "--dry-run").code == 0
    assert list(tmp_path.iterdir()) == []
