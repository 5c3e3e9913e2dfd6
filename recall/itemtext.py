"""The words by which an item can be found."""

from collections.abc import Sequence

from simulator.catalog import Catalog


def item_texts(
    catalog: Catalog, *, description: bool = False, brand: bool = False, category: bool = False
) -> list[str]:
    """Title of each item, with what else is asked for; unknown brands and categories add nothing.

    Of a category path the last part is taken.
    """
    columns: list[Sequence[str]] = [list(catalog.title_I)]
    if description:
        columns.append(list(catalog.description_I))
    if brand:
        names = (*catalog.brands, "")
        columns.append([names[code] for code in catalog.brand_I])
    if category:
        leaves = (*(path.rpartition(">")[2].strip() for path in catalog.categories), "")
        columns.append([leaves[code] for code in catalog.category_I])
    return [" ".join(parts) for parts in zip(*columns, strict=True)]
