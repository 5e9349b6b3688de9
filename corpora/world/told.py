"""Facts in many wordings.

Slots: p person, k kin, u supplier, a animal, s season, t town, g good, l land, e event.
"""

HOME = [
    "{p} the {p.trade} lives in {p.town}.",
    "{p} lives in {p.town}, {p.town.setting}.",
    "The home of {p} the {p.trade} is in {p.town}.",
    "In {p.town} there lives a {p.trade} [called|named|whose name is] {p}.",
    "The {p.trade} of {p.town} is [called|named] {p}.",
    "{p.town} has a {p.trade}, and {p.his} name is {p}.",
    "If you need a {p.trade} in {p.town}, ask for {p}.",
    "{p} is the {p.trade} of {p.town}.",
    "The house with the {p.door} door in {p.town} belongs to {p} the {p.trade}.",
]
WORK = [
    "[Every day|Day after day|All year] {p.he} {p.trade.work.third} {p.trade.place}.",
    "{p.he} {p.trade.work.third} from morning [to|until] evening.",
    "{p} is a {p.trade}, so {p.he} {p.trade.work.third}.",
    "{p.he} works {p.trade.place} and {p.trade.work.third}.",
    "A {p.trade} {p.trade.work.third}, and {p} does it better than anybody.",
    "Most of the time {p.he} is {p.trade.place}, where {p.he} {p.trade.work.third}.",
    "{p.his} work is [easy to name|known to all]: {p.he} {p.trade.work.third}.",
]
TOOL = [
    "{p.he} never works without {p.his} {p.trade.tool}.",
    "The [most important|dearest] thing {p.he} owns is {p.his} {p.trade.tool}.",
    "No {p.trade} can work without a {p.trade.tool}, and {p.he} takes good care of {p.his} own.",
    "{p.his} {p.trade.tool} is [old but good|older than {p.he} is|the best in the vale].",
    "A {p.trade} needs a {p.trade.tool} and {p.trade.material}.",
    "For {p.his} work {p.he} needs {p.trade.material} and a {p.trade.tool}.",
]
SUPPLY = [
    "{p.he} gets {p.his} {p.trade.material} from {u} the {u.trade} in {u.town}.",
    "The {p.trade.material} comes from {u.town}, from {u} the {u.trade}.",
    "{u} the {u.trade} brings {p.him} {p.trade.material} from {u.town}.",
    "Without the {p.trade.material} of {u} the {u.trade}, {p.he} could not work at all.",
]
PRICE = [
    "One {g} costs {g.cost}.",
    "A {g} costs {g.cost}[|, no more and no less|, as everybody knows].",
    "The price of a {g} is {g.cost}.",
    "You pay {g.cost} for a {g}.",
    "For {g.cost} you get a {g}.",
    "{p.he} sells a {g} for {g.cost}.",
    "{p.he} asks {g.cost} for a {g}.",
]
PET = [
    "{p.he} has a {p.pet.animal} called {p.pet}.",
    "{p.his} {p.pet.animal} {p.pet} is {p.pet.colour}.",
    "{p.pet}, {p.his} {p.pet.colour} {p.pet.animal}, {p.pet.animal.call.third} when "
    "[somebody comes to the door|a stranger comes|the sun goes down].",
    "{p.his} {p.pet.animal} is called {p.pet} and {p.pet.animal.habit}.",
    "With {p.him} lives {p.pet}, a {p.pet.colour} {p.pet.animal} that eats {p.pet.animal.food}.",
    "In the evening {p.he} gives {p.pet.animal.food} to {p.pet}, {p.his} {p.pet.animal}.",
]
DISH = [
    "{p.he} likes nothing better than {p.dish}.",
    "{p.his} favourite dish is {p.dish}.",
    "On {p.his} birthday {p.he} eats {p.dish}.",
    "Offer {p.him} {p.dish} and {p.he} will be your friend.",
]
MANNER = [
    "{p.he} is a {p.manner} {p.woman}.",
    "People [say|will tell you] that {p.he} is {p.manner}.",
    "Everybody knows how {p.manner} {p.he} is.",
    "{p.he} has always been {p.manner}.",
]
KIN = [
    "{p.his} {kin} is {k} the {k.trade}[|, who lives in {k.town}].",
    "{k} the {k.trade} is {p.his} {kin}.",
    "{p.he} [often speaks of|is proud of] {p.his} {kin} {k}, who is a {k.trade}.",
]
TOWN_PLACE = [
    "{t} lies {t.setting}.",
    "{t} is a town {t.setting}.",
    "The town of {t} lies {t.setting}.",
    "If you look for {t}, you find it {t.setting}.",
]
TOWN_FAME = [
    "{t} is known for its {t.known_for}.",
    "People come to {t} to buy {t.known_for}.",
    "Nobody in the vale has better {t.known_for} than {t}.",
    "When people hear the name {t}, they think of {t.known_for}.",
]
TOWN_MARKET = [
    "Market day is {t.market_day}.",
    "The market of {t} is held on {t.market_day}.",
    "Every {t.market_day} there is a market in the square.",
    "On {t.market_day} the square fills with people, because it is market day.",
]
TOWN_INN = [
    "The inn is called {t.inn}.",
    "Travellers sleep at {t.inn}, the inn of {t}.",
    "There is one inn in {t}, {t.inn}.",
    "In the evening people meet at {t.inn}.",
]
TOWN_SIGHT = [
    "Everybody who visits {t} wants to see {t.sight}.",
    "The pride of the town is {t.sight}.",
    "You should not leave {t} before you have seen {t.sight}.",
]
CALL = [
    "The {a} {a.call.third}.",
    "A {a} {a.call.third}[| when it is hungry| when it sees a stranger| in the morning].",
    "{a.plural} {a.call.base}.",
    "When a {a} wants something, it {a.call.third}.",
    "Listen: the {a} is {a.call.ing}.",
    "The {a} {a.call.past} [at the stranger|loudly|all morning].",
]
LAIR = [
    "It lives {a.home}.",
    "The {a} lives {a.home}.",
    "You find it {a.home}.",
    "Its home is {a.home}.",
    "At night it is {a.home}.",
]
FEED = [
    "It eats {a.food}.",
    "{a.plural} eat {a.food}.",
    "Its food is {a.food}.",
    "What it likes best is {a.food}.",
    "Give it {a.food} and it is happy.",
]
YOUNG = [
    "A young {a} is called a {a.young}.",
    "The child of a {a} is a {a.young}.",
    "The mother looks after her {a.young}.",
    "A {a.young} grows up and becomes a {a}.",
]
GIFT = [
    "It gives us {a.gift}.",
    "We get {a.gift} from it.",
    "People keep {a.plural} because they want {a.gift}.",
    "{a.gift} [{a.gift_comes}|{a.gift_comes} to us] from the {a}.",
]
NATURE = [
    "The {a} is {a.nature}.",
    "It is {a.nature} and {a.habit}.",
    "The {a.nature} {a} {a.habit}.",
    "People call it {a.nature}, because it {a.habit}.",
]
SEASON = [
    "In {s} it is {s.feel}.",
    "{s} is {s.feel}, and the days are {s.days}.",
    "In {s} {s.sign}.",
    "The days are {s.days} in {s}.",
    "In {s} people wear {s.clothes}.",
    "When {s.sign}, it is {s}.",
    "In {s} everybody is glad of {s.dish}.",
    "{s} is the time when people {s.work.base}.",
    "The months of {s} are {s.months_listed}.",
]
CAPITAL = [
    "The capital of {l} is {l.capital}.",
    "{l.capital} is the capital of {l}.",
    "{l} has {l.capital} as its capital.",
    "Whoever wants to see the king of {l} must go to {l.capital}.",
]
LAND = [
    "{l} is known for {l.known_for}.",
    "When people hear of {l}, they think of {l.known_for}.",
    "People buy {l.known_for} from {l}.",
]
EVENT = [
    "In the year {year} came {e}.",
    "Everybody in {e.town} remembers {e} of the year {year}.",
    "Old people still speak of {e}, in the {e.season} of the year {year}.",
    "{e} came to {e.town} in the {e.season} of the year {year}.",
]
EVENT_BODY = [
    "In that {e.season} {e.happening}. {e.hero} the {e.hero.trade} {e.deed}.",
    "{e.happening}, and it was {e.hero} the {e.hero.trade} who {e.deed}.",
    "First {e.happening}; then {e.hero}, the {e.hero.trade} of {e.hero.town}, {e.deed}.",
]
EVENT_MEMORY = [
    "Since then {e.memory}.",
    "That is why {e.memory}.",
    "To this day {e.memory}.",
    "And so {e.memory}.",
]
