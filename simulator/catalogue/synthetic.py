"""A generated catalogue of any size: taxonomy, brands, attributes, prices and titles."""

from dataclasses import dataclass

import numpy as np

from simulator.catalogue.catalog import Catalog, Ints, Structured, Supply, left_packed
from simulator.catalogue.sampling import Indices, RowChoice, power_law
from simulator.catalogue.settings import CatalogSpec
from simulator.catalogue.structured import publish
from simulator.catalogue.taxonomy import Taxonomy, brand_names, build_taxonomy
from simulator.catalogue.titles import render_titles
from simulator.catalogue.traits import complete, draw_quality, draw_rating, draw_seller
from simulator.protocols import DAY
from simulator.randomness import Draws, Floats

_GENERALIST_SHARE = 0.1  # of brands sell in every department
_MEAN_AGE_DAYS = 400.0  # of an item that is in the shop on day 0


@dataclass(frozen=True)
class Assortment:
    """What a spec decides before any item exists: who sells what at which price.

    Rows of `brand` are departments, rows of `values[s]` categories; both choose among entries.
    """

    taxonomy: Taxonomy
    brands: tuple[str, ...]
    category_C: Floats
    brand: RowChoice
    presence_CS: Floats
    values: tuple[RowChoice, ...]
    codes: tuple[Ints, ...]
    log_price_C: Floats
    sigma_C: Floats
    premium_B: Floats


def generate_supply(spec: CatalogSpec, draws: Draws) -> Supply:
    """A catalogue with its latent truth, a pure function of the spec and the seed.

    The first items of a larger catalogue are those of a smaller one.
    """
    market = _assortment(spec, draws)
    item = np.arange(spec.items)
    category_I = _pick_category(market.category_C, draws.uniform("item.category", slot=item))
    brand_I = _pick_brand(market, category_I, spec, draws)
    values_IS = _pick_values(market, category_I, draws)
    price_z_I = draws.normal("item.price", slot=item)
    level_I = market.log_price_C[category_I] + market.premium_B[brand_I]
    price_I = _shop_price(np.exp(level_I + market.sigma_C[category_I] * price_z_I))
    seller_I = draw_seller(spec.items, spec, draws)
    quality_I = draw_quality(price_z_I, seller_I, spec, draws)
    title_I, description_I = render_titles(
        category_I,
        brand_I,
        values_IS,
        market.taxonomy.category_words,
        market.taxonomy.value_words,
        market.brands,
        spec.title_synonyms,
        spec.title_omissions,
        draws,
    )
    created_at_I, retired_at_I = _lifetimes(spec, draws)
    hidden_I = draws.uniform("item.category_missing", slot=item) < spec.missing_category
    catalog = Catalog(
        key_I=np.fromiter((f"P{number:07d}" for number in range(spec.items)), object),
        title_I=title_I,
        description_I=description_I,
        brand_I=brand_I.astype(np.int32),
        category_I=np.where(hidden_I, -1, category_I).astype(np.int32),
        price_I=price_I,
        seller_I=seller_I,
        rating_I=draw_rating(quality_I, draws),
        created_at_I=created_at_I,
        retired_at_I=retired_at_I,
        brands=market.brands,
        categories=market.taxonomy.categories,
        department_C=market.taxonomy.department_C.astype(np.int32),
        structured=_structured(values_IS, market.taxonomy, spec, draws),
    )
    return complete(
        catalog,
        spec,
        draws,
        category_I=category_I.astype(np.int32),
        values_IV=left_packed(values_IS),
        quality_I=quality_I,
        log_price_C=market.log_price_C,
        value_words=market.taxonomy.value_words,
    )


def _assortment(spec: CatalogSpec, draws: Draws) -> Assortment:
    taxonomy = build_taxonomy(spec.categories)
    category = np.arange(spec.categories)
    rank_C = np.argsort(np.argsort(draws.uniform("category.size", slot=category)))
    shift_C = 0.35 * draws.normal("category.price", slot=category)
    spread_C = np.exp(0.2 * draws.normal("category.price_spread", slot=category))
    codes, values = zip(*(_value_choice(slot, draws) for slot in taxonomy.slots), strict=True)
    presence_CS = draws.uniform(
        "category.presence", slot=category[:, None] * len(values) + np.arange(len(values))
    )
    # Between none and all of a category's items have a slot filled; the mean is the setting.
    width = 2 * min(spec.attributes, 1 - spec.attributes)
    return Assortment(
        taxonomy=taxonomy,
        brands=brand_names(spec.brands, draws),
        category_C=power_law(spec.categories, 0.6)[rank_C],
        brand=_brand_choice(int(taxonomy.department_C.max()) + 1, spec, draws),
        presence_CS=spec.attributes + width * (presence_CS - 0.5),
        values=values,
        codes=codes,
        log_price_C=np.log(taxonomy.price_C) + shift_C,
        sigma_C=spec.price_sigma * spread_C,
        premium_B=np.append(0.2 * draws.normal("brand.premium", slot=np.arange(spec.brands)), -0.1),
    )


def _value_choice(slot: tuple[tuple[int, ...], ...], draws: Draws) -> tuple[Ints, RowChoice]:
    """The codes that each category may have in a slot, with the category's own weights."""
    lengths_C = np.array([len(codes) for codes in slot], np.int64)
    codes_E = np.array([code for codes in slot for code in codes], np.int32)
    category_E = np.repeat(np.arange(len(slot)), lengths_C)
    weights_E = np.exp(draws.normal("category.value", shopper=category_E, slot=codes_E))
    # The last code answers for a category without entries, whose pick is -1.
    return np.append(codes_E, np.int32(-1)), RowChoice.of(lengths_C, weights_E)


def _brand_choice(departments: int, spec: CatalogSpec, draws: Draws) -> RowChoice:
    """Each department's brands: its own and the generalists, sizes by a power law."""
    brand = np.arange(spec.brands)
    home_B = draws.bits("brand.department", slot=brand) % np.uint64(departments)
    general_B = draws.uniform("brand.generalist", slot=brand) < _GENERALIST_SHARE
    size_B = power_law(spec.brands, 1.0, shift=4.0)
    at_home_DB = home_B == np.arange(departments, dtype=np.uint64)[:, None]
    weight_DB = size_B * np.where(at_home_DB, 1.0, np.where(general_B, 0.1, 1e-6))
    return RowChoice.of(np.full(departments, spec.brands, np.int64), weight_DB.ravel())


def _pick_category(share_C: Floats, uniform_I: Floats) -> Indices:
    category_I = np.searchsorted(np.cumsum(share_C), uniform_I, side="right")
    return np.minimum(category_I, len(share_C) - 1)


def _pick_brand(
    market: Assortment, category_I: Indices, spec: CatalogSpec, draws: Draws
) -> Indices:
    """(I,) brand numbers, -1 for the unbranded."""
    item = np.arange(len(category_I))
    department_I = market.taxonomy.department_C[category_I]
    entry_I = market.brand.pick(department_I, draws.uniform("item.brand", slot=item))
    unbranded_I = draws.uniform("item.unbranded", slot=item) < spec.unbranded
    return np.where(unbranded_I, -1, entry_I % spec.brands)


def _pick_values(market: Assortment, category_I: Indices, draws: Draws) -> Ints:
    """(I, S) an attribute value per slot, -1 where the item has none."""
    slots = len(market.values)
    values_IS = np.full((len(category_I), slots), -1, np.int32)
    for slot, (choice, codes_E) in enumerate(zip(market.values, market.codes, strict=True)):
        cell_I = np.arange(len(category_I)) * slots + slot
        entry_I = choice.pick(category_I, draws.uniform("item.value", slot=cell_I))
        chance_I = draws.uniform("item.has_value", slot=cell_I)
        has_I = chance_I < market.presence_CS[category_I, slot]
        values_IS[:, slot] = np.where(has_I, codes_E[entry_I], -1)
    return values_IS


def _structured(
    values_IS: Ints, taxonomy: Taxonomy, spec: CatalogSpec, draws: Draws
) -> Structured | None:
    """What the shop publishes in fields of their own, by canonical words."""
    if spec.structured is None:
        return None
    names = tuple(words[0] for words in taxonomy.value_words)
    return publish(values_IS, names, taxonomy.value_attributes, spec.structured, draws)


def _shop_price(price_I: Floats) -> Floats:
    """Prices as shops write them: 0.05 below a whole unit, or in steps of 0.1 when cheap."""
    cheap_I = np.round(np.maximum(price_I, 0.5), 1)
    return np.where(price_I < 10, cheap_I, np.round(np.ceil(price_I) - 0.05, 2))


def _lifetimes(spec: CatalogSpec, draws: Draws) -> tuple[Floats, Floats]:
    """(I,) simulated seconds of entering and leaving the shop; inf where an item stays."""
    item = np.arange(spec.items)
    arrival_I = draws.uniform("item.arrival", slot=item)
    age_I = -_MEAN_AGE_DAYS * np.log(draws.uniform("item.age", slot=item))
    new_I = arrival_I < spec.new_items_per_day * spec.horizon_days
    day_I = np.where(new_I, arrival_I / max(spec.new_items_per_day, 1e-12), -age_I)
    leaving_I = draws.uniform("item.retirement", slot=item)
    leaves_I = leaving_I < spec.retired_items_per_day * spec.horizon_days
    last_I = np.where(leaves_I, leaving_I / max(spec.retired_items_per_day, 1e-12), np.inf)
    # Nothing leaves before it has been on sale for a day.
    return day_I * DAY, np.maximum(last_I, day_I + 1.0) * DAY
