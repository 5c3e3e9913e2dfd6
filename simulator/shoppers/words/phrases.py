"""What shoppers say around the words for things."""

# Who a roundabout query is about, and how it begins; "{}" is the use.
OPENERS: tuple[str, ...] = (
    "something to {}",
    "what do i need to {}",
    "best thing to {}",
    "help me {}",
    "how can i {}",
    "ideas to {}",
)
PERSON_OPENERS: tuple[str, ...] = (
    "gift for {who} who wants to {use}",
    "present for {who} to {use}",
    "help {who} {use}",
    "something so {who} can {use}",
)
PERSONS: tuple[str, ...] = tuple(
    "my dad,my mum,a friend,my sister,my boss,a beginner,my girlfriend,my husband,a colleague,"
    "my grandpa,a student,my neighbour,a new parent,someone who has everything,"
    "a person who works night shifts".split(",")
)

# Uses for a shop whose categories this lexicon does not know: deed and circumstance.
DEEDS: tuple[str, ...] = tuple(
    "save money,finish sooner,stay organised,impress visitors,avoid another repair,get started,"
    "make life easier,keep everything running,do it properly,stop the mess,replace what broke,"
    "be ready for monday".split(",")
)
CIRCUMSTANCES: tuple[str, ...] = tuple(
    "in a small flat,at a busy desk,on a long trip,after moving house,in a shared room,"
    "with two left hands,for a big family,on a tight budget,in a home studio,before the holidays,"
    "at the weekend house,in a noisy place".split(",")
)

# What shoppers put around a query without meaning anything else by it.
WRAPPINGS: tuple[str, ...] = (
    *("buy {}", "cheap {}", "best {}", "new {}", "good {}", "i need {}", "looking for {}"),
    *("{} online", "{} sale", "{} deals", "{} price", "{} for home", "{} near me", "{} offers"),
)

# Short forms of words that many titles write in full.
SHORT_FORMS: dict[str, str] = dict(
    pair.split(" ")
    for pair in (
        "wireless wifi, bluetooth bt, television tv, professional pro, portable port, mechanical "
        "mech, electric elec, stainless ss, black blk, white wht, medium med, large lg, inch in, "
        "adjustable adj, extra xtra, laptop lap, keyboard kb, camera cam, refrigerator fridge, "
        "microphone mic, memory mem, magnetic mag, digital digi, organic org"
    ).split(", ")
)
