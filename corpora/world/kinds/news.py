"""News, notices, weather logs and the chronicle."""

from corpora.world import told
from corpora.world.days import some_day, some_day_in
from corpora.world.draws import Draws
from corpora.world.events import CHAINS, EVENTS
from corpora.world.grammar import number
from corpora.world.people import CHILDREN, PEOPLE, WITH_TRADE
from corpora.world.places import CAPITAL, TOWN, TOWNS
from corpora.world.writer import Writer

_CAUSE = [
    "In {t} {c.cause}. [Because of this|So|As a result] {c.effect}.",
    "{c.effect} in {t} because {c.cause}.",
    "First {c.cause} in {t}; then {c.effect}.",
    "{c.cause} in {t}, so {c.effect}.",
]
_TROUBLE = [
    "{c.trouble}.",
    "That is why {c.trouble}.",
    "Soon {c.trouble}.",
    "The result was that {c.trouble}.",
]
_REMEDY = [
    "{c.helper} the {c.helper.trade} {c.remedy}.",
    "Help came from {c.helper}, the {c.helper.trade} of {c.helper.town}, who {c.remedy}.",
    "Then {c.helper} {c.remedy}, as only a {c.helper.trade} can.",
    "It was {c.helper} the {c.helper.trade} who {c.remedy}.",
]
_END = ["{c.end}.", "In the end {c.end}.", "After that {c.end}.", "So {c.end}."]
_QUOTE = [
    '"A {c.helper.trade} {c.helper.trade.work.third}, but sometimes there is other work," said '
    "{c.helper}.",
    '"It was nothing," said {c.helper}, who is known to be {c.helper.manner}.',
    '"Now I would like some {c.helper.dish}," said {c.helper}, and everybody laughed.',
    "The people thanked {c.helper.him} with {c.helper.dish}, {c.helper.his} favourite dish.",
]


def news(draws: Draws) -> list[str]:
    """Report a chain of cause, trouble and help in Vera's newspaper."""
    chain = draws.pick(CHAINS)
    town, day = TOWN[draws.pick(chain.towns)], some_day_in(draws, chain.seasons)
    page = Writer(draws, c=chain, t=town, d=day, year=number(day.year), capital=CAPITAL)
    page.write("The {capital} Herald, {d}[, in the year {year}|]")
    page.write(_CAUSE, _TROUBLE)
    page.write(_REMEDY, _END)
    page.write(page.maybe(_QUOTE, 3, 4))
    return page.paragraphs


def why(draws: Draws) -> list[str]:
    """Ask and answer why something happened, backwards along the chain."""
    chain = draws.pick(CHAINS)
    page = Writer(draws, c=chain, t=draws.pick(chain.towns))
    page.write(
        '["Tell me what happened in {t}," said the child.|A child wanted to know '
        "everything about {t}.]"
    )
    page.write(f'["What happened?"|"What went wrong?"] "{_capital(chain.trouble)}."')
    page.write(f'"Why?" "Because {chain.effect}."')
    page.write(f'"And why [was that|did that happen]?" "Because {chain.cause}."')
    page.write('"Who helped?" "{c.helper} the {c.helper.trade}. {c.helper.he} {c.remedy}."')
    page.write(
        '"And then?" "Then {c.end}."',
        page.maybe('[The child was content.|"Good," said the child, "and now another story."]'),
    )
    return page.paragraphs


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def weather_log(draws: Draws) -> list[str]:
    """Log the weather of some days in a row, as it was, with what it did."""
    town, day = draws.pick(TOWNS), some_day(draws)
    page = Writer(draws, t=town, d=day, year=number(day.year))
    page.write(
        "[Weather in {t}|The weather in {t}|Weather log of {t}], {d.season} of the year {year}"
    )
    for _ in range(4 + draws.below(4)):
        page.set(d=day)
        page.write(
            [
                "{d}: {d.weather.past}.",
                "On {d.weekday}, {d.date}, {d.weather.past}.",
                "{d.weekday}: {d.weather.past}.",
            ],
            page.maybe(
                ["{d.weather.at_sea}."]
                if town.name == "Saltmouth"
                else [
                    "{d.weather.effect}.",
                    "So {d.weather.effect}.",
                    "People wore {d.weather.wear}.",
                ],
                3,
                4,
            ),
        )
        day = day.after(1)
    page.write(page.maybe("It is {d.season}, and in {d.season} it is {d.season.feel}."))
    return page.paragraphs


def chronicle(draws: Draws) -> list[str]:
    """Tell two or three of the great events, in their order."""
    page = Writer(draws)
    page.write(
        "[From the chronicle of the vale|A chronicle of the Vale of Arle|What the old book says]"
    )
    for event in draws.some(EVENTS, 2 + draws.below(2)):
        page.set(e=event, year=number(event.year))
        page.write(told.EVENT, told.EVENT_BODY, told.EVENT_MEMORY)
    return page.paragraphs


def notice(draws: Draws) -> list[str]:
    """Write a notice for the wall of the inn: a lost pet, a helper wanted, a market."""
    kind = draws.pick([_lost, _wanted, _market])
    return kind(draws)


def _lost(draws: Draws) -> list[str]:
    page = Writer(draws, p=draws.pick(PEOPLE), c=draws.pick(CHILDREN))
    page.write("[Lost!|Lost|Who has seen {p.pet}?]")
    page.write(
        "[{p} the {p.trade} of {p.town} is looking for {p.his} {p.pet.animal}.|The "
        "{p.pet.animal} of {p} the {p.trade} has run away.]",
        "[It is {p.pet.colour} and its name is {p.pet}.|It is called {p.pet} and is "
        "{p.pet.colour}.]",
        "[It {p.pet.animal.call.third} when one says its name.|It eats {p.pet.animal.food}.|It "
        "likes {p.pet.animal.food} and {p.pet.animal.habit}.]",
        "[Whoever finds it, please bring it|Please bring it] to the {p.door} door in {p.town}.",
    )
    page.write(page.maybe("Found by {c}! It was {p.pet.animal.home} and {p.pet.animal.call.past}."))
    return page.paragraphs


def _wanted(draws: Draws) -> list[str]:
    page = Writer(draws, p=draws.pick(PEOPLE))
    page.set(one=draws.pick(page.slots["p"].trade.steps))
    page.write("[Helper wanted|A helper wanted in {p.town}]")
    page.write(
        "{p} the {p.trade} [needs|is looking for] a helper.",
        "[The helper must|You must] know how to {one.base}.",
        "[The work is|You will work] {p.trade.place}[, every day but {p.town.market_day}|].",
        "[The {p.trade.tool} is there already|You need no {p.trade.tool} of your own]; {p.he} "
        "gives you {p.dish} at noon.",
    )
    return page.paragraphs


def _market(draws: Draws) -> list[str]:
    town = draws.pick(TOWNS)
    seller = draws.pick([p for p in PEOPLE if p.trade.good])
    page = Writer(draws, t=town, p=seller, g=WITH_TRADE[seller.trade.name].trade.good)
    page.write("[Market in {t}|The market of {t}]")
    page.write(
        told.TOWN_MARKET,
        "{p} the {p.trade} comes from {p.town}.",
        told.PRICE,
        "Afterwards we meet at {t.inn}.",
    )
    return page.paragraphs
