"""Markets and shops: what is sold, by whom, for how much, and how much change there is."""

from corpora.world import told
from corpora.world.days import next_weekday, some_day
from corpora.world.draws import Draws
from corpora.world.grammar import coins, number
from corpora.world.people import PEOPLE, Person, some_sellers
from corpora.world.places import TOWNS
from corpora.world.trades import Good
from corpora.world.writer import Writer


def market_report(draws: Draws) -> list[str]:
    """Report a market day: weather, stalls, prices, what was sold."""
    town = draws.pick(TOWNS)
    day = next_weekday(some_day(draws), town.market_day)
    page = Writer(draws, t=town, d=day)
    page.write("[Market report from {t}|The market of {t}|Market day in {t}], {d}")
    page.write(
        [
            "{d.weather.past}, but the square was full.",
            "It was {t.market_day}, and {d.weather.past}.",
            "The market began at eight; {d.weather.past}.",
        ],
        page.maybe(told.TOWN_FAME),
    )
    for seller in some_sellers(draws, 3 + draws.below(3)):
        page.write(*_stall(page, seller))
    page.write(
        page.maybe(
            [
                "The next market is on {t.market_day}.",
                "At the end everybody went to {t.inn}.",
                "Next {t.market_day} there will be a market again.",
            ]
        )
    )
    return page.paragraphs


def _stall(page: Writer, seller: Person) -> list[str | list[str]]:
    good, amount = _good(seller), 2 + page.draws.below(6)
    page.set(p=seller, g=good, goods=good.count(amount), total=coins(amount * good.price))
    return [
        [
            "{p} the {p.trade} [had|brought] {p.trade.product} from {p.town}.",
            "From {p.town} came {p} the {p.trade}.",
            "At the stall of {p} the {p.trade} there was a long row of people.",
            "{p}, the {p.trade} of {p.town}, stood beside {p.his} {p.pet.animal} {p.pet}.",
        ],
        [
            "A {g} [cost|was] {g.cost}.",
            "{p.he} asked {g.cost} for a {g}.",
            "One {g} was {g.cost}, as always.",
            "For {g.cost} one got a {g}.",
        ],
        page.maybe(
            [
                "{p.he} sold {goods} and got {total}.",
                "Before noon {goods} were gone, and {p.he} had {total}.",
                "Somebody bought {goods} for {total}.",
            ]
        ),
    ]


def _good(seller: Person) -> Good:
    assert seller.trade.good is not None
    return seller.trade.good


def shop(draws: Draws) -> list[str]:
    """Write the talk between a seller and a buyer, with the sum and the change."""
    seller = some_sellers(draws, 1)[0]
    buyer = draws.pick([person for person in PEOPLE if person is not seller])
    good, amount = _good(seller), 1 + draws.below(4)
    total = amount * good.price
    paid = (total // 10 + 1) * 10
    page = Writer(
        draws,
        p=seller,
        b=buyer,
        g=good,
        goods=good.count(amount),
        total=coins(total),
        paid=coins(paid),
        change=coins(paid - total),
        t=seller.town,
    )
    page.write(
        "[In {t} {b} the {b.trade} met {p} the {p.trade} {p.trade.place}.|{b} the {b.trade} came "
        "from {b.town} to buy something from {p}, the {p.trade}.|{p} was {p.trade.place} when {b} "
        "the {b.trade} came in.]"
    )
    page.write(
        '["Good morning, {p},"|"Hello, {p},"|"Good day,"] said {b}. ["What does a {g} '
        'cost?"|"How much is a {g}?"|"I need {goods}."]'
    )
    page.write(
        '["A {g} costs {g.cost},"|"{g.cost} for a {g},"|"One {g} is {g.cost},"] '
        "[said {p}|answered {p}|said the {p.trade}]."
    )
    if amount > 1:
        page.write('"Then give me {goods}[, please|]." "That makes {total}."')
    page.write(
        "{b} gave {p.him} {paid} and got {change} back.",
        page.maybe(
            '"And how is {p.pet}?" [asked {b}|{b} asked]. "{p.pet} {p.pet.animal.habit}, '
            'like every {p.pet.animal}," said {p}.'
        ),
        page.maybe('"[Give my greetings to|Say hello to] everybody in {b.town}!" said {p}.'),
    )
    return page.paragraphs


def sums(draws: Draws) -> list[str]:
    """Set three problems of the shop kind, with answers."""
    page = Writer(draws)
    page.write("[Sums for Monday|Problems from the school of Rose the teacher|Sums with coins]")
    for seller in some_sellers(draws, 3):
        good, amount = _good(seller), 2 + draws.below(4)
        page.set(
            p=seller,
            g=good,
            goods=good.count(amount),
            n=number(amount),
            total=coins(amount * good.price),
        )
        page.write(
            [
                "A {g} costs {g.cost}. How much are {goods}?",
                "{p} the {p.trade} sells a {g} for {g.cost}. What do you pay for {goods}?",
                "Somebody buys {goods} from {p} the {p.trade}. One {g} costs {g.cost}.",
            ],
            ["Answer: {total}.", "{goods} cost {total}.", "{n} times {g.cost} makes {total}."],
        )
    return page.paragraphs
