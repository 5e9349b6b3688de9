from dataclasses import dataclass

import numpy as np
import pytest

from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Loaf(Config):
    share: float = setting(0.5, "How much.", least=0, most=1)
    rate: float = setting(1.0, "How fast.")
    slices: int | None = setting(None, "How many.", least=1)
    flour: str = setting("rye", "Which.", choices=("rye", "wheat"))
    names: tuple[str, ...] = setting((), "Of whom.")
    sizes: tuple[int, ...] = setting((), "Of what sizes.")


def test_settings_come_back_as_they_were_with_lists_for_tuples():
    loaf = Loaf(share=0.25, names=("Å", "b"))
    assert loaf.to_dict() == {
        "share": 0.25, "rate": 1.0, "slices": None, "flour": "rye", "names": ["Å", "b"],
        "sizes": [],
    }  # fmt: skip
    assert Loaf.from_dict(loaf.to_dict()) == loaf
    assert loaf.fingerprint() != Loaf().fingerprint() == Loaf().fingerprint()


@pytest.mark.parametrize(("values", "message"), [
    ({"share": 2}, "share=2 is above the greatest allowed value, 1"),
    ({"share": -0.1}, "share=-0.1 is below the least allowed value, 0"),
    ({"slices": 0}, "slices=0 is below the least allowed value, 1"),
    ({"flour": "oat"}, "flour='oat' is not one of rye, wheat"),
    ({"share": float("nan")}, "share=nan is not a finite number"),
    ({"rate": float("inf")}, "rate=inf is not a finite number"),
    ({"flour": "\udcff"}, r"flour='\\udcff' is not UTF-8"),
    ({"names": ("a", "\ud800")}, r"names='\\ud800' is not UTF-8"),
])  # fmt: skip
def test_what_no_setting_can_be_is_refused_by_name(values, message):
    with pytest.raises(ConfigError, match=message):
        Loaf(**values)


@pytest.mark.parametrize("kind", [np.int8, np.uint16, np.int64])
def test_whole_numbers_of_numpy_are_those_of_json(kind):
    loaf = Loaf(slices=kind(3), share=kind(1), sizes=(kind(5), 6), rate=kind(2))
    assert loaf.to_dict() == Loaf(slices=3, share=1, sizes=(5, 6), rate=2).to_dict()
    assert Loaf(sizes=kind(7)).to_dict()["sizes"] == [7]


def test_an_unknown_setting_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match=r"Loaf has no setting 'slice'\nDid you mean 'slices'"):
        Loaf.from_dict({"slice": 3})
