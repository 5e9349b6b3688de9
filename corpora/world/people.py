"""Who lives in the vale: trade, town, family, pet, taste."""

from typing import NamedTuple

from corpora.world.draws import Draws
from corpora.world.nature import ANIMAL, Animal
from corpora.world.places import TOWN, Town
from corpora.world.trades import TRADE, Trade


class Pet(NamedTuple):
    """An animal with a name; it is spoken of as `it`."""

    name: str
    animal: Animal
    colour: str

    def __str__(self) -> str:
        return self.name


class Person(NamedTuple):
    """A grown-up of the vale."""

    name: str
    female: bool
    trade: Trade
    town: Town
    pet: Pet
    dish: str
    manner: str
    door: str  # colour of the front door
    born: int  # year

    def __str__(self) -> str:
        return self.name

    @property
    def he(self) -> str:
        """Subject pronoun."""
        return "she" if self.female else "he"

    @property
    def him(self) -> str:
        """Object pronoun."""
        return "her" if self.female else "him"

    @property
    def his(self) -> str:
        """Possessive pronoun."""
        return "her" if self.female else "his"

    @property
    def woman(self) -> str:
        """Noun for a grown-up."""
        return "woman" if self.female else "man"


class Child(NamedTuple):
    """A child; `parents` by name."""

    name: str
    female: bool
    parents: tuple[str, str]
    age: int
    wish: str  # the trade it wants to learn

    def __str__(self) -> str:
        return self.name

    @property
    def he(self) -> str:
        """Subject pronoun."""
        return "she" if self.female else "he"

    @property
    def him(self) -> str:
        """Object pronoun."""
        return "her" if self.female else "him"

    @property
    def his(self) -> str:
        """Possessive pronoun."""
        return "her" if self.female else "his"

    @property
    def girl(self) -> str:
        """Noun for a child."""
        return "girl" if self.female else "boy"

    @property
    def son(self) -> str:
        """Noun for somebody's child."""
        return "daughter" if self.female else "son"


_ROWS = """
Anna     f baker             Millbrook   Soot     cat     black   | onion soup      | cheerful  | blue   | 31
Peter    m miller            Millbrook   Barley   horse   brown   | fresh bread     | quiet     | blue   | 29
Rose     f teacher           Millbrook   Speckle  hen     spotted | apple cake      | patient   | yellow | 35
Jack     m fisherman         Saltmouth   Herring  cat     grey    | fried fish      | brave     | green  | 27
Ellen    f lighthouse_keeper Saltmouth   Beacon   dog     white   | fish stew       | calm      | white  | 3
Ruth     f cook              Saltmouth   Dumpling pig     pink    | pea soup        | generous  | green  | 28
Martin   m shepherd          Highfold    Whistle  dog     black   | lamb stew       | patient   | grey   | 22
Clara    f weaver            Highfold    Thistle  sheep   white   | cheese on toast | careful   | grey   | 25
Nora     f doctor            Highfold    Comet    horse   white   | honey cake      | kind      | red    | 30
Walter   m carpenter         Alderwood   Acorn    dog     brown   | mushroom pie    | honest    | brown  | 4
Ida      f basket_maker      Alderwood   Puddle   duck    brown   | berry tart      | lively    | brown  | 34
Oscar    m beekeeper         Alderwood   Bramble  donkey  grey    | bread and honey | calm      | yellow | 8
Julia    f clockmaker        Stonebridge Midnight owl     brown   | plum cake       | exact     | black  | 24
Felix    m tailor            Stonebridge Velvet   cat     white   | dumplings       | elegant   | black  | 21
Vera     f printer           Stonebridge Inky     crow    black   | pancakes        | curious   | red    | 26
Daniel   m gardener          Applegarth  Trumpet  goose   white   | apple pie       | cheerful  | green  | 23
Emma     f cheese_maker      Applegarth  Daisy    cow     spotted | cheese dumplings| lively    | green  | 28
Paul     m cooper            Applegarth  Hoop     dog     yellow  | bean soup       | jolly     | brown  | 2
Agnes    f candle_maker      Larkmoor    Wick     cat     yellow  | oat porridge    | gentle    | white  | 20
Adam     m fiddler           Larkmoor    Reel     rooster red     | pancakes        | merry     | red    | 32
Hugo     m blacksmith        Larkmoor    Ember    horse   black   | beef stew       | strong    | white  | 19
Henry    m potter            Claybourne  Pebble   hen     red     | lentil soup     | thoughtful| orange | 1
Sophie   f glassblower       Claybourne  Bubble   frog    green   | trout           | brave     | purple | 33
George   m mason             Claybourne  Mortar   donkey  brown   | potato cake     | stubborn  | purple | 30
"""  # noqa: E501


def _person(row: str) -> Person:
    facts, dish, manner, door, born = (part.strip() for part in row.split("|"))
    name, gender, trade, town, pet, animal, colour = facts.split()
    return Person(
        name, gender == "f", TRADE[trade.replace("_", " ")], TOWN[town],
        Pet(pet, ANIMAL[animal], colour), dish, manner, door, int(born),
    )  # fmt: skip


PEOPLE = [_person(row) for row in _ROWS.strip().splitlines()]
PERSON = {person.name: person for person in PEOPLE}
WITH_TRADE = {person.trade.name: person for person in PEOPLE}
SELLERS = [person for person in PEOPLE if person.trade.good]
_OFTEN = SELLERS + 2 * [PERSON[name] for name in ["Anna", "Jack", "Oscar", "Daniel", "Emma"]]

COUPLES = [
    ("Peter", "Anna"), ("Jack", "Ruth"), ("Martin", "Clara"), ("Felix", "Julia"),
    ("Daniel", "Emma"), ("Hugo", "Agnes"), ("George", "Sophie"),
]  # fmt: skip
KIN = [  # (a, b, what b is to a, what a is to b)
    ("Anna", "Rose", "sister", "sister"), ("Jack", "Ellen", "mother", "son"),
    ("Clara", "Nora", "sister", "sister"), ("Ida", "Walter", "father", "daughter"),
    ("Walter", "Oscar", "brother", "brother"), ("Felix", "Vera", "sister", "brother"),
    ("Emma", "Paul", "father", "daughter"), ("Hugo", "Adam", "brother", "brother"),
    ("George", "Henry", "father", "son"),
]  # fmt: skip
CHILDREN = [
    Child("Ben", False, ("Peter", "Anna"), 9, "fisherman"),
    Child("Max", False, ("Jack", "Ruth"), 8, "fiddler"),
    Child("Lily", True, ("Martin", "Clara"), 10, "doctor"),
    Child("Mia", True, ("George", "Sophie"), 7, "printer"),
    Child("Tim", False, ("Felix", "Julia"), 11, "carpenter"),
    Child("Lotte", True, ("Daniel", "Emma"), 9, "clockmaker"),
]


def some_sellers(draws: Draws, count: int) -> list[Person]:
    """Draw different sellers; those of daily food come three times as often as the rest."""
    drawn: list[Person] = []
    while len(drawn) < count:
        person = draws.pick(_OFTEN)
        drawn += [person] if person not in drawn else []
    return drawn


def relations(person: Person) -> list[tuple[str, Person]]:
    """Return the kin of a person: what they are to that person, and who."""
    found = []
    for husband, wife in COUPLES:
        if person.name == husband:
            found.append(("wife", PERSON[wife]))
        if person.name == wife:
            found.append(("husband", PERSON[husband]))
    for one, other, of_other, of_one in KIN:
        if person.name == one:
            found.append((of_other, PERSON[other]))
        if person.name == other:
            found.append((of_one, PERSON[one]))
    return found


def kin_word(person: Person, other: Person) -> str:
    """Return what `other` is to `person`: sister, father, or friend where they are no kin."""
    return next((kin for kin, who in relations(person) if who is other), "friend")


def children_of(person: Person) -> list[Child]:
    """Return the children of a person."""
    return [child for child in CHILDREN if person.name in child.parents]


def neighbours(person: Person) -> list[Person]:
    """Return who else lives in the person's town."""
    return [other for other in PEOPLE if other.town is person.town and other is not person]
