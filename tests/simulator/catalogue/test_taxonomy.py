from simulator.catalogue.lexicon import ATTRIBUTES, DEPARTMENTS
from simulator.catalogue.taxonomy import brand_names, build_taxonomy, entries
from simulator.randomness import Draws
from simulator.shoppers.words.thesaurus import category_words, synonyms, uses_of


def test_more_categories_keep_the_earlier_ones_and_never_repeat_a_name():
    few, many = build_taxonomy(30), build_taxonomy(3_000)
    assert many.categories[:30] == few.categories
    assert len(set(many.categories)) == 3_000
    assert few.categories[0] == "Sports & Outdoors > Running Shoes"


def test_every_attribute_that_the_lexicon_names_exists():
    for department, own in zip(DEPARTMENTS, entries(), strict=True):
        for entry in own:
            assert entry.swaps.keys() <= set(department[1]), entry.words
            assert set(entry.attributes(department[1])) <= {*ATTRIBUTES, ""}, entry.words


def test_no_use_gives_the_noun_away():
    for entry in (entry for own in entries() for entry in own):
        spoken = set(" ".join(entry.uses).split())
        assert not spoken & set(entry.words[0].split()), entry.words


def test_a_value_code_belongs_to_one_attribute():
    taxonomy = build_taxonomy(108)
    slots_of: dict[int, set[int]] = {}
    for slot, categories in enumerate(taxonomy.slots):
        for code in {code for codes in categories for code in codes}:
            slots_of.setdefault(code, set()).add(slot)
    assert set(slots_of) == set(range(len(taxonomy.value_words)))


def test_brand_names_are_distinct_and_depend_on_the_seed():
    names = brand_names(9_000, Draws(1))
    assert len(set(names)) == 9_000
    assert all(name[0].isupper() for name in names)
    assert brand_names(10, Draws(2)) != names[:10]


def test_the_thesaurus_tells_departments_apart():
    assert "writing pad" in category_words("Office & Stationery > Notebook")
    assert "laptop" in category_words("notebook")
    assert category_words("Kitchen & Dining > Travel Kettle") == (
        "travel kettle",
        "travel water boiler",
    )


def test_unknown_words_get_at_least_their_other_number():
    assert category_words("toner cartridge") == ("toner cartridge", "toner cartridges")
    assert category_words("headphones/headset")[:2] == ("headphones", "headset")
    assert category_words("warranty")[1] == "warranties"
    assert synonyms("flux capacitor") == ()


def test_uses_of_unknown_categories_are_stable_for_a_seed():
    assert uses_of("toner cartridge", Draws(1)) == uses_of("toner cartridge", Draws(1))
    assert uses_of("toner cartridge", Draws(1)) != uses_of("ink cartridge", Draws(1))
