"""Tales: fables of two animals, a lost pet that is found, an evening by the fire."""

from corpora.world.draws import Draws
from corpora.world.nature import NOCTURNAL, SEASONS, TAME, some_animals
from corpora.world.people import CHILDREN, PEOPLE, PERSON, children_of, neighbours
from corpora.world.writer import Writer

_PLOTS = [  # trouble, speech, deed, end, moral; one helps, two is helped
    ("[All day|For a long time] the {b} had found no {b.food}, and it was hungry.",
     "[Come with me, I know where there is some|I saw {b.food} this morning; follow me].",
     "[Together they went|They walked side by side], and there was {b.food} for the {b}.",
     "[Then the {b} was not hungry any more|The {b} ate until it was full].",
     "Who shares will never be hungry."),
    ("The {b} was about to fall asleep, and did not see the hunter who came nearer.",
     "[Run, there is danger|Wake up, somebody is coming]!",
     "The {a} {a.call.past} so loudly that the {b} woke up.",
     "The hunter went away with empty hands.",
     "A friend speaks in time."),
    ("Suddenly the {b} fell into a deep hole and could not get out.",
     "[Wait, I will bring help|Do not be afraid, I will get somebody].",
     "The {a} ran to {p} the {p.trade}, who brought a long rope.",
     "[Soon the {b} was out again|So the {b} came out of the hole].",
     "It is no shame to ask for help."),
    ("Both of them had found the same warm place, and there was room for one only.",
     "[Lie down first, and I will sleep tomorrow|You are tired; take the place tonight].",
     "The next night the {b} gave the place to the {a}.",
     "[So both slept well|In this way nobody was cold for long].",
     "What you give comes back to you."),
    ("Somebody had broken the pot of {p} the {p.trade}, and the {b} was blamed for it.",
     "[It was I who did it, not the {b}|The {b} is innocent; I did it].",
     "{p} was not angry, because {p.he} is {p.manner}.",
     "The {a} said that it was sorry, and {p} gave it {a.food}.",
     "The truth is the shortest way."),
    ("Then it began to rain, and the {b} wanted to go home through the high water.",
     "[Let us wait a little|Stay here until the rain is over].",
     "They waited under a tree until the sun came out.",
     "[They both came home dry|The water fell, and the way was safe].",
     "Who can wait arrives dry."),
    ("They ran a race, and the {b} was much faster, but it lost its way.",
     "[This is the right way|Do not turn left, come back to the road]!",
     "The {a} waited at the crossroads and showed the {b} the way.",
     "[They came to the end together|So both of them won the race].",
     "It is better to arrive together than to be first."),
]  # fmt: skip


def fable(draws: Draws) -> list[str]:
    """Tell of two animals that boast of what is theirs, and of how one helps the other."""
    one, two = some_animals(draws, 2)
    trouble, speech, deed, end, moral = draws.pick(_PLOTS)
    page = Writer(draws, a=one, b=two, s=draws.pick(SEASONS), p=draws.pick(PEOPLE))
    page.set(moral=moral)
    page.write("The {a} and the {b}")
    page.write(
        "[Once upon a time|Long ago|One day in {s}, when {s.signed},] a {a} met a {b}.",
        "[The {a} lives {a.home} and the {b} {b.home}, so they did not know each other.|"
        '"Where do you live?" asked the {a}. "I live {b.home}," said the {b}.|'
        "The {a} had come from its home {a.home}.]",
    )
    page.write(
        '"I am {a.nature}," said the {a}, "and I eat {a.food}."',
        '"I am {b.nature}," said the {b}, "and I eat {b.food}."',
        page.maybe("Then the {a} {a.call.past} and the {b} {b.call.past}, to see who was louder."),
    )
    page.write(trouble, f'[Then|But] the {{a}} said: "{speech}"', deed, end)
    page.write(
        "Since then the {a} and the {b} are friends, and when the {a} {a.call.third}, the {b} "
        "{b.call.third}.",
        "[{moral}|The moral: {moral}|And what do we learn? {moral}]",
    )
    return page.paragraphs


def lost_pet(draws: Draws) -> list[str]:
    """Tell how a child looks for a pet, asks two people, hears it and brings it home."""
    child = draws.pick(CHILDREN)
    parent = PERSON[draws.pick(child.parents)]
    other = draws.pick(neighbours(parent))
    wrong = draws.pick([a for a in TAME if a is not parent.pet.animal])
    page = Writer(draws, c=child, p=parent, q=other, pet=parent.pet, a=parent.pet.animal, w=wrong)
    page.write(
        "[One morning|One evening|One day] {pet} was gone.",
        "{pet} is the {pet.colour} {a} of {p} the {p.trade}, and {a.plural} {a.call.base} when "
        "they are hungry, but [nobody heard a sound|everything was quiet].",
        '[{c} went out to look for it.|"I will find it," said {c}.|{c}, {p.his} {c.son}, put on '
        "{c.his} shoes.]",
    )
    page.write(
        "[First {c.he} went to {q} the {q.trade}, who was {q.trade.place}.|{c} found {q} "
        "{q.trade.place}.]",
        '"Have you seen our {a}?" asked {c}.',
        '"No," said {q}, "I {q.trade.work.base} all day and see nothing. But look {a.home}, '
        'where {a.plural} like to be."',
    )
    page.write(
        "On the way {c.he} heard [something|a sound]. It {w.call.past}, so it was only a {w}.",
        "[Then|A little later] something {a.call.past}.",
        '"That is a {a}!" [cried|shouted] {c}, and really, {a.home} sat {pet}.',
    )
    page.write(
        "{c} gave it {a.food} and brought it home to {p.town}.",
        [
            "{p} was so glad that {p.he} made {p.dish} for everybody.",
            '"Well done!" said {p}, and {pet} {a.call.past} once more.',
            "That night {pet} slept beside the bed of {c}.",
        ],
    )
    return page.paragraphs


def wild_night(draws: Draws) -> list[str]:
    """Tell of two people on the road at night who hear a wild animal."""
    one = draws.pick([person for person in PEOPLE if person.pet.animal in TAME])
    two = draws.pick(neighbours(one))
    animal = draws.pick(NOCTURNAL)
    page = Writer(draws, p=one, q=two, a=animal, s=draws.pick(SEASONS))
    page.write(
        "It was a dark night in {s}, and the air was {s.feel}.",
        "{p} the {p.trade} and {q} the {q.trade} were [on the way home to|not far from] {p.town}.",
    )
    page.write(
        '[Suddenly|All at once] they heard something. "What is that?" [asked|whispered] {q}.',
        "[It {a.call.past}.|Something {a.call.past} in the dark.]",
        '"That is a {a}," said {p}. "It lives {a.home} and eats {a.food}. [It {a.habit}.|It is '
        '{a.nature}, but it does nothing to us.]"',
    )
    page.write(
        [
            "{q}, who is {q.manner}, laughed and went on.",
            "{q} took the lamp and held it up, and they saw two eyes.",
            "They stood still until it {a.call.past} again, farther away.",
        ],
        "At home {p.pet} the {p.pet.animal} [already waited and|heard them and] "
        "{p.pet.animal.call.past}.",
        page.maybe("Then they ate {p.dish} and {q} told the story to everybody."),
    )
    return page.paragraphs


def bedtime(draws: Draws) -> list[str]:
    """Let a parent say good night to all the animals."""
    parent = draws.pick([person for person in PEOPLE if children_of(person)])
    child = children_of(parent)[0]
    page = Writer(draws, p=parent, c=child)
    page.write(
        '"[Who is asleep already|Who is still awake|What do the animals do now]?" '
        "asked {c} in bed. {p} the {p.trade} sat down and [said|began to tell]:"
    )
    for animal in some_animals(draws, 3 + draws.below(3)):
        page.set(a=animal)
        page.write(
            [
                '"The {a} is {a.home} and does not {a.call.base} any more."',
                '"The {a} has eaten its {a.food} and sleeps {a.home}."',
                '"{a.home} the {a} dreams of {a.food}."',
                '"The {a} has {a.call.past} once more, and its {a.young} has gone to sleep."',
            ]
        )
    page.write(
        '"And {p.pet}?" "{p.pet} is a {p.pet.animal}, and {p.pet} is asleep too."',
        '[Then {c} was asleep.|{c} did not hear it any more.|"Good night," said {c}.]',
    )
    return page.paragraphs
