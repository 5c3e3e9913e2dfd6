import numpy as np

from ranking.facts.categories import QueryCategories


def shares_of(categories, requests, row):
    category, share = categories.shares(requests)
    there = slice(category.pointer[row], category.pointer[row + 1])
    return dict(zip(category.values[there].tolist(), share.values[there].tolist(), strict=True))


def test_shares_of_a_text_with_known_words_sum_to_one(catalog, asking):
    texts = asking("red chair", "chair", "zzz", "", "chairs zzz")
    categories = QueryCategories(catalog)
    for text in (0, 1, 4):
        assert np.isclose(sum(shares_of(categories, texts, text).values()), 1.0)
    assert shares_of(categories, texts, 2) == {} == shares_of(categories, texts, 3)


def test_a_word_of_one_category_points_at_it_and_a_colour_at_none(catalog, asking):
    categories = QueryCategories(catalog)
    texts = asking("chair", "red")
    assert max(shares_of(categories, texts, 0).items(), key=lambda pair: pair[1])[0] == 0
    assert max(shares_of(categories, texts, 1).values()) < 0.4


def test_shares_follow_when_a_world_brings_other_texts(catalog, asking):
    categories = QueryCategories(catalog)
    first = shares_of(categories, asking("chair"), 0)
    assert shares_of(categories, asking("lamp"), 0) != first
    assert shares_of(categories, asking("chair"), 0) == first
