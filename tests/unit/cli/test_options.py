import click
import pytest

from tokpipe.cli.options import Bytes, CommaList, Count, Optional


def test_defaults_are_those_of_the_configuration(bakery):
    code, _, bake = bakery("bake-bread")
    assert code == 0
    assert bake == type(bake)()


def test_every_kind_of_option_is_read(bakery):
    line = "bake-bread --loaves 1.2k --oven wood_fire --no-hot --rye --weights 8k,16k,500"
    code, _, bake = bakery(*line.split(), "--spices", "anise, [x],", "--flour-bytes", "64KiB")
    assert code == 0
    assert bake.loaves == 1200
    assert (bake.oven, bake.hot, bake.rye) == ("wood-fire", False, True)
    assert bake.weights == (8000, 16000, 500)
    assert bake.spices == ("anise", "[x]")
    assert bake.flour_bytes == 65536


def test_none_is_a_word(bakery):
    assert bakery("bake-bread", "--salt", "none", "--spices", "None")[2].salt is None


def test_underscores_are_read_as_dashes(bakery):
    code, _, bake = bakery("bake_bread", "--flour_bytes", "1MB", "--no_hot")
    assert code == 0
    assert (bake.flour_bytes, bake.hot) == (1_000_000, False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--loaves", "many"], "--loaves: 'many' is not a count"),
        (["--loaves", "0"], "loaves=0 is below the least allowed value, 1"),
        (["--oven", "microwave"], "--oven: 'microwave' is not one of 'gas', 'wood-fire'"),
        (["--loave", "1"], "Did you mean '--loaves'?"),
        (["--no-hott"], "Did you mean '--no-hot'?"),
        (["--salt", "2"], "salt=2.0 is above the greatest allowed value, 1"),
        (["--weights", "1,x"], "--weights: 'x' is not a count"),
    ],
)
def test_bad_options_are_usage_errors(bakery, capsys, arguments, said):
    assert bakery("bake-bread", *arguments)[0] == 2
    assert said in capsys.readouterr().err


def test_help_shows_headings_defaults_and_examples(bakery, capsys):
    assert bakery("bake-bread", "--help")[0] == 0
    shown = capsys.readouterr().out
    assert "$ bakery bake-bread --loaves 3" in shown
    assert "Dough\n" in shown
    assert "--rye / --white" in shown
    assert "[default: 1MiB]" in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("kind", [Count(), Bytes(), Optional(Count()), CommaList(Count())])
@pytest.mark.parametrize("text", [str(2**63), "9" * 20, "9999999999g"])
def test_numbers_that_no_array_holds_are_refused(kind, text):
    greatest = 2**63 - 1
    assert kind.convert(str(greatest), None, None) in (greatest, (greatest,))
    with pytest.raises(click.BadParameter, match=f"greatest allowed value, {greatest}"):
        kind.convert(text, None, None)
