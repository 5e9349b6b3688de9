"""How things are made: a trade step by step, its year, a day with a helper."""

from corpora.world import told
from corpora.world.draws import Draws
from corpora.world.nature import SEASONS
from corpora.world.people import CHILDREN, PEOPLE, WITH_TRADE
from corpora.world.writer import Pattern, Writer

_ORDER = [
    "First {x}.",
    "[Then|After that|Next] {x}.",
    "[Now|Next|Then] {x}.",
    "[After that|When this is done,] {x}.",
    "[At last|Finally|In the end] {x}.",
]


def how_to(draws: Draws) -> list[str]:
    """Explain a trade in steps, as advice."""
    person = draws.pick(PEOPLE)
    page = Writer(draws, p=person, r=person.trade, g=person.trade.good)
    page.write(
        "[How to {r.work.base}|How a {r} {r.work.third}|{p} the {r} explains how to {r.work.base}]"
    )
    page.write(
        "[You need {r.material} and a {r.tool}.|A {r} needs {r.material} and a "
        "{r.tool}.|Have {r.material} and your {r.tool} ready.]"
    )
    steps = person.trade.steps
    for place, step in enumerate(steps):
        page.set(x=step.base)
        page.write(_ORDER[-1] if place == len(steps) - 1 else _ORDER[min(place, 3)])
    price: Pattern = told.PRICE if person.trade.good else ""
    page.write(
        page.maybe(
            [
                "That is all, says {p}.",
                "Now you {r.work.base} like {p} of {p.town}.",
                "{p} has done it like this for years.",
            ]
        ),
        page.maybe(price),
    )
    return page.paragraphs


def helper(draws: Draws) -> list[str]:
    """Tell how a child helps for a day and learns the steps of a trade."""
    child = draws.pick(CHILDREN)
    master = WITH_TRADE[child.wish] if draws.chance(1, 2) else draws.pick(PEOPLE)
    page = Writer(draws, c=child, p=master)
    page.write(
        "{c} [wanted to|was allowed to|came to] help {p} the {p.trade} in {p.town} for a day.",
        "[{c.he} wants to be a {p.trade} one day.|]" if child.wish == master.trade.name else "",
        '"A {p.trade} {p.trade.work.third}," said {p}. "[Watch me|Look how I do it]."',
    )
    telling = ["First {p} {x.past}.", "Then {p.he} {x.past}.", "After that {p.he} {x.past}."]
    tried = [
        '"Now you {x.base}!" said {p}, and {c} did it.',
        "Then {c} {x.past}, too.",
        "{c} {x.past}, and {p} helped {c.him}.",
    ]
    shown = []
    for place, step in enumerate(draws.some(master.trade.steps, 3)):
        page.set(x=step)
        shown.append(page.say(telling[min(place, 2)], page.maybe(tried)))
    page.write(*shown)
    page.write(
        "[In the evening|At the end of the day] {p} gave {c} {p.dish}[ and a {p.trade.tool}|].",
        "[{p.pet} the {p.pet.animal} {p.pet.animal.call.past}.|]",
        '"[It is not easy to be a {p.trade}|Tomorrow I will be tired|I have learned a lot]," said '
        "{c}.",
    )
    return page.paragraphs


def year(draws: Draws) -> list[str]:
    """Tell of a person's year, season by season."""
    person = draws.pick(PEOPLE)
    page = Writer(draws, p=person)
    start = draws.below(4)
    page.write(
        "[The year of a {p.trade}|A year with {p}, the {p.trade} of {p.town}|{p} through the year]"
    )
    for season in (SEASONS[(start + turn) % 4] for turn in range(4)):
        page.set(s=season, x=draws.pick(person.trade.steps), month=draws.pick(season.months))
        page.write(
            [
                "In {s} {s.sign}.",
                "In {month} it is {s.feel}.",
                "{s} comes, and the days are {s.days}.",
            ],
            [
                "{p} {x.third}, as in every season.",
                "People {s.work.base}, but {p} {p.trade.work.third}.",
                "{p} {p.trade.work.third} and wears {s.clothes}.",
                "{p.he} {x.third}, and in the evening {p.he} eats {s.dish}.",
            ],
            page.maybe(
                [
                    "{p.pet} the {p.pet.animal} {p.pet.animal.call.third}.",
                    "{p.his} {p.pet.animal} is {p.pet.animal.home}.",
                ],
                1,
                3,
            ),
        )
    page.write("[So the year goes round.|And then the year begins again.|That is the year of {p}.]")
    return page.paragraphs


def at_work(draws: Draws) -> list[str]:
    """Look on while two people of one town work."""
    one = draws.pick(PEOPLE)
    two = draws.pick([p for p in PEOPLE if p.town is one.town and p is not one])
    page = Writer(draws, t=one.town)
    page.write("[It is early in {t}.|Morning in {t}.|The bell rings in {t}, the town {t.setting}.]")
    for person in (one, two):
        page.set(p=person, x=draws.pick(person.trade.steps), g=person.trade.good)
        price: Pattern = told.PRICE if person.trade.good else ""
        page.write(
            [
                "{p} the {p.trade} is already {p.trade.place}.",
                "Listen, that is {p} the {p.trade} {p.trade.place}.",
                "Behind the {p.door} door {p} is awake.",
            ],
            [
                "{p.he} is {p.trade.work.ing}.",
                "{p.he} is {x.ing}.",
                "Now {p.he} is {x.ing} with {p.his} {p.trade.tool} beside {p.him}.",
            ],
            page.maybe(told.TOOL),
            page.maybe(price),
            page.maybe(told.PET, 1, 3),
        )
    return page.paragraphs
