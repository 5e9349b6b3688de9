"""Lessons, questions, riddles, and the almanac."""

from corpora.world import told
from corpora.world.draws import Draws
from corpora.world.nature import MONTHS, SEASON_OF, SEASONS, WEEKDAYS, some_animals
from corpora.world.people import CHILDREN, WITH_TRADE
from corpora.world.places import LANDS, TOWNS
from corpora.world.trades import TRADES
from corpora.world.writer import Pattern, Writer


def animal_lesson(draws: Draws) -> list[str]:
    """Tell what one or two animals say, eat and give, and where they live."""
    page = Writer(draws)
    page.write("[About animals|What Rose the teacher told about animals|From the book of animals]")
    for animal in some_animals(draws, 1 + draws.below(2)):
        page.set(a=animal)
        gift: Pattern = told.GIFT if animal.gift else ""
        first = draws.pick([told.NATURE, told.CALL])
        rest = [told.LAIR, told.FEED, told.YOUNG, gift]
        page.write(
            "[The {a} is an animal that everybody knows.|Everybody knows the {a}.|"
            "Today we speak of the {a}.|Look at the {a}.]",
            first,
            *draws.sample(rest, 4),
        )
    return page.paragraphs


def questions(draws: Draws) -> list[str]:
    """Let Rose the teacher ask the children, who know the answers."""
    page = Writer(draws)
    page.write(
        "[In the school of Millbrook|At school in Millbrook|On {day}] Rose the teacher [asked the "
        "children|took the chalk and asked|began the lesson].".replace(
            "{day}", draws.pick(WEEKDAYS[:5])
        )
    )
    for _ in range(4 + draws.below(3)):
        page.set(c=draws.pick(CHILDREN))
        ask, answer = _question(page)
        page.write(
            f'"{ask}" [asked Rose|said the teacher|she asked]. "{answer}" [said|answered] {{c}}.'
        )
    page.write(page.maybe('"Very good," said Rose, and rang the bell.'))
    return page.paragraphs


def _question(page: Writer) -> tuple[str, str]:
    draws = page.draws
    day, month = draws.below(7), draws.below(12)
    page.set(
        l=draws.pick(LANDS),
        a=some_animals(draws, 1)[0],
        s=draws.pick(SEASONS),
        t=draws.pick(TOWNS),
        r=draws.pick(TRADES),
        day=WEEKDAYS[day],
        next=WEEKDAYS[(day + 1) % 7],
        month=MONTHS[month],
        then=MONTHS[(month + 1) % 12],
        of=SEASON_OF[MONTHS[month]],
    )
    return draws.pick(
        [
            ("What is the capital of {l}?", "The capital of {l} is {l.capital},"),
            ("Which land has {l.capital} as its capital?", "That is {l},"),
            ("What does a {a} say?", "A {a} {a.call.third},"),
            ("What does a {a} eat?", "It eats {a.food},"),
            ("Where does a {a} live?", "A {a} lives {a.home},"),
            ("What is a young {a} called?", "A {a.young},"),
            ("What do people wear in {s}?", "In {s} they wear {s.clothes},"),
            ("What happens in {s}?", "In {s} {s.sign},"),
            ("Which day comes after {day}?", "After {day} comes {next},"),
            ("Which month comes after {month}?", "{then} comes after {month},"),
            ("In which season is {month}?", "{month} is in {of},"),
            ("What does a {r} do?", "A {r} {r.work.third},"),
            ("What does a {r} need?", "A {r} needs {r.material} and a {r.tool},"),
            ("When is market day in {t}?", "The market of {t} is on {t.market_day},"),
            ("What is {t} known for?", "{t} is known for {t.known_for},"),
        ]
    )


def geography(draws: Draws) -> list[str]:
    """Tell of two or three lands, their capitals and goods."""
    page = Writer(draws)
    page.write("[The lands around us|About the lands|A lesson about lands and capitals]")
    for land in draws.sample(LANDS, 2 + draws.below(2)):
        page.set(l=land)
        people = "The people who live there are called {l.people}."
        page.write(
            *draws.sample([told.CAPITAL, told.LAND], 2),
            page.maybe(["It {l.lies}.", people]),
        )
    return page.paragraphs


def riddles(draws: Draws) -> list[str]:
    """Ask two or three riddles about animals and trades, each with its answer."""
    page = Writer(draws)
    page.write("[Riddles|Who am I?|Three people sat by the fire and asked riddles.|A riddle]")
    for _ in range(2 + draws.below(2)):
        page.set(a=some_animals(draws, 1)[0], r=draws.pick(TRADES))
        page.set(w=WITH_TRADE[page.slots["r"].name])
        if draws.chance(1, 2):
            clues = [
                "I live {a.home}.",
                "I eat {a.food}.",
                "I {a.call.base}.",
                "My child is called a {a.young}.",
                "I am {a.nature}.",
            ]
            answer = ["[Answer:|I am] the {a}.", "Who am I? A {a}."]
        else:
            clues = [
                "I {r.work.base}.",
                "I work {r.place}.",
                "I hold a {r.tool} in my hand.",
                "I need {r.material}.",
                "In {w.town} my name is {w}.",
            ]
            answer = ["[Answer:|I am] the {r}.", "Who am I? A {r}."]
        page.write(*draws.sample(clues, 3), answer)
    return page.paragraphs


def almanac(draws: Draws) -> list[str]:
    """Tell of a season and its months."""
    season = draws.pick(SEASONS)
    page = Writer(draws, s=season, m=draws.pick(season.months))
    before = SEASONS[SEASONS.index(season) - 1]
    after = SEASONS[(SEASONS.index(season) + 1) % 4]
    page.set(before=before, after=after)
    page.write("[From the almanac: {s}|{s}|The months of {s}]")
    page.write(
        "[After {before} comes {s}.|{before} is over, and {s} comes.|{s} comes between {before} "
        "and {after}.]",
        *draws.sample(
            [
                "{s} is {s.feel}, and the days are {s.days}.",
                "In {s} {s.sign}.",
                "The months of {s} are {s.months_listed}.",
                "Everybody wears {s.clothes}.",
            ],
            3,
        ),
    )
    page.write(
        "[{m} is a month of {s}.|In {m} it is {s.feel}.]",
        "[Now people {s.work.base}.|This is the time to {s.work.base}.|In {m} farmers "
        "{s.work.base}.]",
        "[In the evening there is {s.dish}.|The dish of the season is {s.dish}.|]",
        "[Soon it will be {after}.|When {s} is over, {after} comes.]",
    )
    return page.paragraphs
