"""Portraits of people, families, towns, and a journey between two of them."""

from corpora.world import told
from corpora.world.draws import Draws
from corpora.world.events import EVENTS
from corpora.world.grammar import listing, number
from corpora.world.people import PEOPLE, WITH_TRADE, Person, children_of, neighbours, relations
from corpora.world.places import ROADS_BOTH_WAYS, TOWN, TOWNS
from corpora.world.writer import Pattern, Writer


def portrait(draws: Draws) -> list[str]:
    """Tell who a person is: home and work, tool and price, pet and taste, kin."""
    person = draws.pick(PEOPLE)
    kin, other = draws.pick(relations(person))
    supplier = WITH_TRADE.get(person.trade.supplier)
    page = Writer(draws, p=person, g=person.trade.good, t=person.town, k=other, kin=kin, u=supplier)
    page.write(told.HOME, told.WORK, page.maybe(told.MANNER), page.maybe(told.KIN))
    supply: Pattern = told.SUPPLY if supplier else ""
    price: Pattern = told.PRICE if person.trade.good else ""
    page.write(*draws.sample([told.TOOL, supply, price], 3))
    page.write(*draws.sample([told.PET, told.DISH, told.TOWN_MARKET], 3))
    page.write(page.maybe(_ENDINGS))
    return page.paragraphs


_ENDINGS = [
    "That is {p}, the {p.trade} of {p.town}.",
    "So if you ever come to {p.town}, knock at the {p.door} door and say hello to {p}.",
    "When {p} is away, {p.town} has no {p.trade}, and everybody notices it.",
    "Nobody in {p.town} can imagine the town without {p.him}.",
]


def family(draws: Draws) -> list[str]:
    """Tell of a person, the kin, and what the children want to be."""
    person = draws.pick([p for p in PEOPLE if children_of(p)])
    spouse = next(k for kin, k in relations(person) if kin in ("wife", "husband"))
    child = children_of(person)[0]
    kin = "wife" if spouse.female else "husband"
    page = Writer(
        draws,
        p=person,
        k=spouse,
        kin=kin,
        c=child,
        years=number(child.age),
        w=WITH_TRADE[child.wish],
    )
    page.write(
        [
            "{p} and {k} live in {p.town} in the house with the {p.door} door.",
            "In the house with the {p.door} door in {p.town} live {p} and {p.his} {kin} {k}.",
            "{p} and {p.his} {kin} {k} live {p.town.setting}, in {p.town}.",
        ],
        "{p} is a {p.trade} and {k} is a {k.trade}.",
        "{p} {p.trade.work.third}[, while|, and] {k} {k.trade.work.third}.",
        page.maybe(
            "[The two|They] also have a {p.pet.animal}, {p.pet}, and a {k.pet.animal}, {k.pet}."
        ),
    )
    page.write(
        "[Their {c.son} is called {c}.|They have a {c.son}, {c}.|{c} is their {c.son}.]",
        "[{c} is {years} years old.|At {years}, {c} goes to the school of Rose the teacher.|]",
        [
            "{c.he} does not want to become a {p.trade} or a {k.trade}, {c.he} wants to be a "
            "{w.trade} like {w} in {w.town}.",
            "When somebody asks {c.him} what {c.he} wants to be, {c.he} says: a {w.trade}!",
            "One day {c} would like to be a {w.trade}, because a {w.trade} {w.trade.work.third}.",
        ],
        [
            "{p} laughs about it, but {k} has already bought {c.him} a {w.trade.tool}.",
            '"Then you will need a {w.trade.tool}," says {p}.',
            '"Then you must go to {w.town} and learn from {w}," says {k}.',
            "On {c.his} birthday {c.he} was allowed to visit {w} {w.trade.place}.",
        ],
    )
    return page.paragraphs


def town(draws: Draws) -> list[str]:
    """Describe a town: place, fame, market, people, and what happened there."""
    here = draws.pick(TOWNS)
    people = [person for person in PEOPLE if person.town is here]
    event = draws.pick([event for event in EVENTS if event.town is here])
    page = Writer(draws, t=here, e=event, year=number(event.year))
    page.write(told.TOWN_PLACE, *draws.sample([told.TOWN_FAME, told.TOWN_MARKET, told.TOWN_INN], 3))
    page.write(
        "[Who lives here?|What do the people do?|]",
        *(_resident(draws, person) for person in draws.sample(people, 3)),
    )
    page.write(told.TOWN_SIGHT, told.EVENT, told.EVENT_BODY, told.EVENT_MEMORY)
    return page.paragraphs


def _resident(draws: Draws, person: Person) -> str:
    return Writer(draws, p=person).say(
        [
            "{p} the {p.trade} {p.trade.work.third} {p.trade.place}.",
            "{p} is the {p.trade}; {p.he} {p.trade.work.third}.",
            "There is {p}, the {p.manner} {p.trade}, with {p.his} {p.pet.animal} {p.pet}.",
            "Behind the {p.door} door lives {p}, who {p.trade.work.third}.",
            "For {p.trade.product} you go to {p} the {p.trade}.",
        ]
    )


def journey(draws: Draws) -> list[str]:
    """Tell of a way from one town to the next."""
    road = draws.pick(ROADS_BOTH_WAYS)
    start, end = TOWN[road.start], TOWN[road.end]
    traveller = draws.pick([person for person in PEOPLE if person.town is start])
    host = draws.pick([person for person in PEOPLE if person.town is end])
    page = Writer(
        draws,
        p=traveller,
        t=end,
        h=host,
        r=road,
        start=start,
        miles=number(road.miles),
        others=listing(neighbours(host)),
    )
    page.write(
        [
            "{p} the {p.trade} [wanted|had] to go from {start} to {t}.",
            "[One morning|Early one day] {p} the {p.trade} left {start} and [set out|took the "
            "road] for {t}.",
            "The road from {start} to {t} goes {r.heading}, and {p} the {p.trade} knew it well.",
        ],
        "[It is {miles} miles to the {r.heading}.|The way is {miles} miles long and leads "
        "{r.heading}.|{t} lies {miles} miles {r.heading} of {start}.]",
        "The road [passes|goes past] {r.passes}.",
        page.maybe(
            "[{p.he} walked|{p.he} went on foot], and {p.pet} the {p.pet.animal} stayed at home."
        ),
    )
    page.write(
        "After {miles} miles {p.he} saw {t.seen}.",
        [
            '"There is {t}," {p.he} said, "the town {t.setting}."',
            "Now {p.he} knew that {p.he} had come to {t}.",
            "That is how one knows {t} from far away.",
        ],
        "[{p.he} went to {h} the {h.trade}, who was {h.trade.place}.|{p.he} found {h} the "
        "{h.trade} {h.trade.place}.|{h} the {h.trade} was the first to greet {p.him}.]",
        "[{p.he} talked with {h}, and later with {others} too.|]",
    )
    page.write(
        "In the evening {p.he} [ate {h.dish} at {t.inn}|sat at {t.inn} with {h}|went to bed at "
        "{t.inn}].",
        page.maybe(
            '"You must stay until {t.market_day}," said {h}, "because then we have our '
            'market, with the best {t.known_for} in the vale."'
        ),
    )
    return page.paragraphs
