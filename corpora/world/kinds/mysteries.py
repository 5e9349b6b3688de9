"""Small mysteries with clues, the way of a thing from hand to hand, and a recipe."""

from corpora.world.draws import Draws
from corpora.world.grammar import listing
from corpora.world.nature import ANIMAL, SEASONS, WEATHERS
from corpora.world.people import CHILDREN, PERSON, SELLERS, WITH_TRADE
from corpora.world.writer import Writer

# what is gone, whose it is, who took it, what the thief left behind
_THEFTS = [
    ("a piece of cheese", "Emma", "mouse", "tiny teeth marks in the rind"),
    ("a jar of honey", "Oscar", "bear", "big paw prints in the mud"),
    ("a fish", "Jack", "gull", "a white feather on the quay"),
    ("a silver spring", "Julia", "crow", "a black feather on the windowsill"),
    ("a bag of turnips", "Ruth", "pig", "mud on the kitchen floor"),
    ("a warm sausage", "Hugo", "dog", "a bone behind the door"),
    ("a bowl of milk", "Anna", "cat", "small wet paw prints on the table"),
    ("a sack of barley", "Peter", "goose", "grey feathers on the stairs"),
    ("a straw hat", "Daniel", "donkey", "bits of straw all along the road"),
    ("a basket of grain", "Ida", "hen", "an egg in the place of the basket"),
]


def theft(draws: Draws) -> list[str]:
    """Tell how somebody finds out by clues who took a thing."""
    thing, owner, thief, clue = draws.pick(_THEFTS)
    child, wrong = draws.sample([c for c in CHILDREN if owner not in c.parents], 2)
    page = Writer(draws, p=PERSON[owner], a=ANIMAL[thief], c=child, w=wrong, clue=clue)
    page.set(thing=thing)
    page.write(
        "[In {p.town}|One morning in {p.town}] {thing} was gone from the house of {p} the "
        "{p.trade}.",
        '["Who was it?" asked {p}.|"Somebody has taken it!" said {p}.|{p} was {p.trade.place} when '
        "it happened and had seen nobody.]",
    )
    page.write(
        '["It was {w}," said a neighbour, but {w} had been at school all morning.|"{w} likes such '
        'things," said somebody. But {w} was at home in bed with a cough.]',
        "Then {c} found a clue: {clue}.",
        "[{c} thought for a while.|{c} looked around and listened.|]",
    )
    page.write(
        ['"Who {a.habit}?" asked {c}. "And who eats {a.food}? A {a}!"',
         'Not far away something {a.call.past}. "That is the sound of a {a}," said {c}.',
         '"Only a {a} leaves such a trace," said {c}, "and a {a} is {a.home}."'],
        "[They looked {a.home}|So they went and looked {a.home}], and there was the {a} with what "
        "was left of it.",
    )  # fmt: skip
    page.write(
        '[{p} could not be angry, because a {a} is a {a}.|{p} laughed and said: "Next time I will '
        'close the door."|"That is how a {a} is," said {p}, who is {p.manner}.]',
        "[{c} got {p.dish} for the good work.|Since then {c} wants to solve every riddle in "
        "{p.town}.|And {c} was allowed to keep the {a} company.]",
    )
    return page.paragraphs


# from hand to hand: whose work follows whose, and what each hands on
_WAYS = [
    ("a loaf of bread", [("Peter", "grinds the grain to flour"), ("Anna", "bakes bread from the "
     "flour"), ("Ruth", "serves the bread with a bowl of soup")]),
    ("a coat", [("Martin", "shears the wool of the sheep"), ("Clara", "weaves cloth from the wool"),
     ("Felix", "sews a coat from the cloth")]),
    ("a candle", [("Oscar", "takes the wax from the hive"), ("Agnes", "dips candles in the wax"),
     ("Vera", "prints the newspaper by the light of the candle")]),
    ("a clock", [("Hugo", "forges the brass wheels"), ("Julia", "sets the wheels into the clock"),
     ("Rose", "rings the school bell when the clock strikes eight")]),
    ("a bottle of cider", [("Daniel", "picks the apples"), ("Paul", "stores the cider in a barrel "
     "of oak"), ("Sophie", "blows the bottle for the cider")]),
]  # fmt: skip


def way(draws: Draws) -> list[str]:
    """Follow a thing from its beginning through three pairs of hands."""
    thing, stations = draws.pick(_WAYS)
    page = Writer(draws, thing=thing, names=listing([name for name, _ in stations]))
    page.write("[The way of {thing}|How {thing} is made|Where does {thing} come from?]")
    opening = ["[First|In the beginning]", "[Then|After that]", "[At last|In the end]"]
    for start, (name, work) in zip(opening, stations, strict=True):
        page.set(p=PERSON[name], work=work)
        page.write(
            f"{start} {{p}} the {{p.trade}} [of|in] {{p.town}} {{work}}.",
            page.maybe(["{p.he} needs a {p.trade.tool} for it.", "That is {p.his} work, day after "
                        "day.", "Nobody does it better than {p}.", "{p.he} does it "
                        "{p.trade.place}."]),
        )  # fmt: skip
    page.write("[So three people have their hands in {thing}: {names}.|Without {names} there would "
               "be no such thing.|Think of {names} when you see it.]")  # fmt: skip
    return page.paragraphs


_RECIPES = [
    ("fish soup", [("fish", "Jack"), ("carrots", "Ruth")], "pot", "boil"),
    ("apple cake", [("apples", "Daniel"), ("flour", "Peter"), ("honey", "Oscar")], "oven", "bake"),
    ("honey bread", [("flour", "Peter"), ("honey", "Oscar")], "oven", "bake"),
    ("cheese pie", [("cheese", "Emma"), ("flour", "Peter")], "oven", "bake"),
    ("bread soup", [("bread", "Anna"), ("vegetables", "Ruth")], "pot", "boil"),
    ("warm cider", [("cider", "Paul"), ("honey", "Oscar")], "pot", "warm"),
]


def recipe(draws: Draws) -> list[str]:
    """Give a recipe; the ingredients come from those who make them."""
    dish, parts, vessel, heat = draws.pick(_RECIPES)
    page = Writer(draws, dish=dish, vessel=vessel, heat=heat, s=draws.pick(SEASONS))
    page.set(parts=listing([part for part, _ in parts]))
    page.write("[{dish}|How to make {dish}|A recipe for {dish}]")
    page.write("[For {dish} you need {parts}.|You need {parts}.|Take {parts}.]")
    for part, name in parts:
        page.set(part=part, p=PERSON[name])
        page.write(
            "[The {part} should come from {p} the {p.trade} in {p.town}.|Ask {p} the {p.trade} for "
            "{part}.|The best {part} in the vale is what {p} has, the {p.trade} of {p.town}.]"
        )
    page.write(
        "[Cut everything small and put it into the {vessel}.|Mix it and put it into the {vessel}.]",
        "[{heat} it for an hour.|Then {heat} it slowly.|Now {heat} it until the house smells of "
        "it.]",
        "[It is good in {s}, when {s.sign}.|Eat it hot.|It is best with friends.]",
    )
    return page.paragraphs


def weather_rules(draws: Draws) -> list[str]:
    """Tell what follows from the weather, for three kinds of it, and what to wear."""
    page = Writer(draws, c=draws.pick(CHILDREN), p=draws.pick(SELLERS), w=WITH_TRADE["fisherman"])
    page.write('[What the weather does|Weather rules|"What shall I wear?" asked {c}.]')
    for kind in draws.sample(list(WEATHERS.values()), 3):
        page.set(d=kind)
        page.write(
            ["Last year {d.past}, and {d.effect}.", "Once {d.past}. So {d.effect}.",
             "{d.effect}, because {d.past}."],
            ["In such weather one needs {d.wear}.", "Take {d.wear} with you!", "Then it is good to "
             "have {d.wear}.", "In Saltmouth {d.at_sea}."],
        )  # fmt: skip
    return page.paragraphs
