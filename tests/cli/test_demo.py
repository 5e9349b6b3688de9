def test_demo_goes_the_whole_way_and_does_not_do_it_twice(tokpipe, tmp_path):
    ran = tokpipe("demo")
    assert ran.code == 0, ran.err
    made = tmp_path / "tokpipe-demo"
    assert sorted(path.name for path in made.iterdir()) == ["byte-bpe", "wordpiece", "world.arrow"]
    assert "Go on with:" in ran.out
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    again = tokpipe("demo", "--json")
    assert again.code == 0
    assert again.json["quality"]["wordpiece"]["tokens_per_word"] < 2
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_demo_touches_no_foreign_folder(tokpipe, tmp_path):
    (tmp_path / "thesis.txt").write_text("three years")
    ran = tokpipe("demo", "-o", tmp_path)
    assert ran.code == 4
    assert "thesis.txt" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_dry_run_makes_nothing(tokpipe, tmp_path):
    assert tokpipe("demo", "--dry-run").code == 0
    assert list(tmp_path.iterdir()) == []
