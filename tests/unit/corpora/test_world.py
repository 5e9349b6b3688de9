"""The facts of the world agree with each other, and every document with the facts."""

import re
from pathlib import Path

import pytest

from corpora.world.days import Day, next_weekday
from corpora.world.events import CHAINS, EVENTS
from corpora.world.nature import ANIMALS, SEASON, WEATHERS, WEEKDAYS
from corpora.world.people import CHILDREN, PEOPLE, PERSON, relations
from corpora.world.places import ROADS, TOWN, TOWNS
from corpora.world.trades import SELLING

TEXT = (Path(__file__).parents[3] / "corpora" / "world.txt").read_text(encoding="utf-8")


def test_a_day_has_one_weather_and_it_fits_the_season():
    for count in range(20_000, 20_720):
        assert Day(count).weather is Day(count).weather
        assert Day(count).weather.name in Day(count).season.weather
    assert {kind for season in SEASON.values() for kind in season.weather} == set(WEATHERS)


def test_weekdays_come_in_their_order():
    day = next_weekday(Day(20_000), "Monday")
    assert [day.after(n).weekday for n in range(7)] == WEEKDAYS


def test_kin_know_each_other_and_are_of_fitting_age():
    for person in PEOPLE:
        assert relations(person)
        for kin, other in relations(person):
            assert person in [back for _, back in relations(other)]
            if kin in ("father", "mother"):
                assert person.born - other.born >= 20
            if kin in ("sister", "wife", "mother", "daughter"):
                assert other.female
    for child in CHILDREN:
        assert PERSON[child.parents[0]].town is PERSON[child.parents[1]].town


def test_every_name_means_one_thing():
    names = [p.name for p in PEOPLE] + [p.pet.name for p in PEOPLE] + [c.name for c in CHILDREN]
    names += [town.name for town in TOWNS]
    assert len(names) == len(set(names))
    assert len({p.trade.name for p in PEOPLE}) == len(PEOPLE) == 24


def test_roads_and_events_lead_to_towns_that_exist():
    assert {road.start for road in ROADS} | {road.end for road in ROADS} == set(TOWN)
    assert all(set(chain.towns) <= set(TOWN) for chain in CHAINS)
    assert all(set(chain.seasons) <= set(SEASON) for chain in CHAINS)
    assert {event.town.name for event in EVENTS} == set(TOWN)


def test_nobody_has_the_trade_of_another():
    trades = {person.name: person.trade.name for person in PEOPLE}
    names = "|".join(trades)
    words = "|".join(sorted(set(trades.values()), key=len, reverse=True))
    found = re.findall(rf"\b({names}) the ({words})\b", TEXT)
    assert len(found) > 3000
    assert {(name, trade) for name, trade in found} == set(trades.items())


@pytest.mark.parametrize("good", [trade.good for trade in SELLING], ids=str)
def test_a_price_is_the_same_everywhere(good):
    prices = re.findall(rf"(?:A|One|a) {good.one} (?:costs|cost|is|was) ([a-z-]+ coins?)", TEXT)
    assert prices and set(prices) == {good.cost}


@pytest.mark.parametrize("animal", ANIMALS, ids=str)
def test_an_animal_keeps_its_voice(animal):
    calls = "|".join(other.call.third for other in ANIMALS)
    found = set(re.findall(rf"\b(?:[Aa]n?|[Tt]he) {animal.name} ({calls})\b", TEXT))
    assert found == {animal.call.third}


def test_verbs_agree_with_what_animals_give():
    gifts = {animal.gift for animal in ANIMALS if animal.gift}
    many = {gift for gift in gifts if f"{gift.capitalize()} come " in TEXT}
    one = {gift for gift in gifts if f"{gift.capitalize()} comes " in TEXT}
    assert many == {"eggs", "feathers"}
    assert one == {"milk", "wool", "honey"}


def test_no_school_at_the_end_of_the_week():
    days = set(re.findall(r"^On (\w+) Rose the teacher", TEXT, re.MULTILINE))
    assert days == set(WEEKDAYS[:5])
