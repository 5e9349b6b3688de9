"""Diaries and letters: one person's day and news, with the weather of that day."""

from corpora.world.days import Day, some_day, some_day_in
from corpora.world.draws import Draws
from corpora.world.events import CHAINS
from corpora.world.people import PEOPLE, SELLERS, Person, kin_word, relations
from corpora.world.writer import Pattern, Writer

_WEATHER = [
    "Today {d.weather.past}.",
    "{d.weather.past}[ today| again today|].",
    "[It is {d.season}, and today|As so often in {d.season},] {d.weather.past}.",
    "When I [woke up|got up], I saw the {d.weather.noun}: {d.weather.past}.",
]
_EFFECT = [
    "{d.weather.effect}.",
    "So {d.weather.effect}.",
    "I put on {d.weather.wear} and went out.",
    "Nobody went out without {d.weather.wear}.",
]
_MORNING = [
    "In the morning I {s_one.past}, and then I {s_two.past}.",
    "First I {s_one.past}. After that I {s_two.past}.",
    "Before breakfast I {s_one.past}; after breakfast I {s_two.past}.",
    "I {s_one.past} and {s_two.past}[, as I do every day|].",
]
_VISIT = [
    "At noon {k} the {k.trade} came from {k.town} and bought {goods} for {total}.",
    "{k}, the {k.trade} from {k.town}, bought {goods}. I was paid {total}.",
    "I sold {goods} to {k} the {k.trade} and got {total}.",
]
_TALK = [
    "{k} the {k.trade} from {k.town} came by and we talked about {k.his} {k.pet.animal} {k.pet}.",
    "I had a visit from {k}, the {k.trade} of {k.town}, and {k.he} told me about {k.his} work.",
    "{k} came from {k.town}, where {k.he} {k.trade.work.third}, and stayed for an hour.",
]
_PET = [
    "{p.pet} {p.pet.animal.call.past} [all evening|at the door|when I came home].",
    "In the evening I gave {p.pet.animal.food} to {p.pet}, and my {p.pet.animal} was happy.",
    "My {p.pet.animal} {p.pet} is well and {p.pet.animal.habit}.",
]
_SUPPER = [
    "For supper there was {p.dish}, which I like best of all.",
    "Then I ate {p.dish} and went to bed.",
    "I am tired now, but there was {p.dish}, and that was good.",
    "In the evening I had {d.season.dish} and thought of tomorrow.",
]


def diary(draws: Draws) -> list[str]:
    """Write one to three days in a row of a person's diary."""
    person, day = draws.pick(PEOPLE), some_day(draws)
    page = Writer(draws, p=person)
    page.write("[From the diary of|The diary of|Diary of] {p} the {p.trade}, {p.town}")
    for _ in range(1 + draws.below(3)):
        _diary_day(page, day)
        day = day.after(1)
    return page.paragraphs


def _diary_day(page: Writer, day: Day) -> None:
    person: Person = page.slots["p"]
    one, two = page.draws.some(person.trade.steps, 2)
    page.set(d=day, s_one=one, s_two=two, k=_guest(page.draws, person))
    visit: Pattern = _TALK
    if person.trade.good and page.draws.chance(2, 3):
        _set_sale(page, person)
        visit = _VISIT
    page.write(
        "{d}.",
        _WEATHER,
        page.maybe(_EFFECT),
        _MORNING,
        visit,
        page.maybe(_PET),
        page.maybe(_SUPPER),
    )


def _guest(draws: Draws, person: Person) -> Person:
    return draws.pick([other for other in PEOPLE if other.town is not person.town])


def _set_sale(page: Writer, person: Person) -> None:
    good, amount = person.trade.good, 1 + page.draws.below(3)
    assert good is not None
    page.set(goods=good.count(amount), total=good._replace(price=amount * good.price).cost)


def letter(draws: Draws) -> list[str]:
    """Write a letter to kin or a friend: news of the town, work, a question, a gift."""
    person = draws.pick(PEOPLE)
    kin = [other for _, other in relations(person) if other.town is not person.town]
    other = draws.pick(kin) if kin and draws.chance(1, 2) else _guest(draws, person)
    here = [chain for chain in CHAINS if person.town.name in chain.towns]
    chain = draws.pick([chain for chain in here if chain.helper not in (person, other)])
    good = person.trade.good or draws.pick(SELLERS).trade.good
    page = Writer(
        draws,
        p=person,
        k=other,
        d=some_day_in(draws, chain.seasons),
        c=chain,
        gift=good,
        step=draws.pick(person.trade.steps),
        you=draws.pick(other.trade.steps),
        kin=kin_word(other, person),
    )
    page.write("{p.town}, {d.date}")
    page.write("Dear {k},")
    page.write(_GREETING, _SEASON)
    page.write(_NEWS, "{c.cause}, and {c.effect}.", _TROUBLE, _HELP, _END)
    page.write(_OWN_WORK, _QUESTION, page.maybe(_GIFT))
    page.write("[With love, your|Your] {kin} {p}")
    return page.paragraphs


_SEASON = [
    "It is {d.season} now, and {d.season.sign}.",
    "Here {d.weather.past} today.",
    "I am well, and so is {p.pet} the {p.pet.animal}.",
]
_TROUBLE = ["So {c.trouble}.", "You can imagine that {c.trouble}.", "Because of that {c.trouble}."]
_END = ["Soon {c.end}.", "In the end {c.end}."]
_GREETING = [
    "[Thank you for your letter.|Your letter came yesterday.|It is a long time since I wrote.]",
    "How are you, and how is {k.pet} the {k.pet.animal}?",
    "I often think of you in {k.town}, {k.town.setting}.",
]
_NEWS = [
    "There is news from {p.town}.",
    "You will not believe what happened in {p.town}.",
    "Did you hear what happened in {p.town}?",
]
_HELP = [
    "But {c.helper} the {c.helper.trade} {c.remedy}.",
    "Then {c.helper} came and {c.remedy}.",
    "Luckily {c.helper} the {c.helper.trade} {c.remedy}.",
]
_OWN_WORK = [
    "I still {p.trade.work.base}, as you know.",
    "My work goes well; yesterday I {step.past}.",
    "A {p.trade} always has work, and this week I {step.past} every morning.",
]
_QUESTION = [
    "And you, do you still {k.trade.work.base} {k.trade.place}?",
    "Do you {you.base} every day?",
    "Is your {k.trade.tool} still good, or do you need a new one?",
    "Does {k.pet} still {k.pet.animal.call.base} so loudly?",
]
_GIFT = [
    "I send you a {gift} with this letter.",
    "In the parcel you find a {gift}. You need not pay the {gift.cost}!",
    "The {gift} is for you, and the {gift.cost} that it costs you can keep.",
]
