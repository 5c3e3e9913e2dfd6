"""Layouts of product files that shops and research sets share, and the names that columns go by.

Names are compared in a plain form: small letters and digits, parted by `_` (`plain`).
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_OTHER = re.compile(r"[\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def plain(name: str) -> str:
    """A column's name in the form in which names are compared; dots of a path stay."""
    parts = [_OTHER.sub("_", _CAMEL.sub("_", part)).strip("_") for part in name.split(".")]
    decomposed = unicodedata.normalize("NFKD", ".".join(filter(None, parts)).casefold())
    letters = "".join(each for each in decomposed if not "\u0300" <= each <= "\u036f")
    return unicodedata.normalize("NFC", letters).removeprefix("g_")  # of Google's XML names


@dataclass(frozen=True)
class Layout:
    """A layout that is known by some of its columns.

    Attributes:
        name: what it is called.
        marks: columns that tell it; all must be there.
        columns: funnelab's name -> the columns that may hold it, best first.
        settings: what else it says of `catalog.file`.
        attributes: columns of attribute values; those that are there count.
        locale: column of the country, of which one is chosen.
        without: a column, and values in it of rows that are nothing for sale.
        told: what a user should know of it.
    """

    name: str
    marks: frozenset[str]
    columns: Mapping[str, tuple[str, ...]]
    settings: Mapping[str, Any] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    locale: str = ""
    without: tuple[str, tuple[str, ...]] | None = None
    told: str = ""


def _marks(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _columns(**names: str) -> dict[str, tuple[str, ...]]:
    return {role: tuple(text.split()) for role, text in names.items()}


_OPTIONS = ("option1_value", "option2_value", "option3_value")
_WOO_VALUES = tuple(f"attribute_{number}_value_s" for number in range(1, 6))

LAYOUTS = (
    Layout(
        "Shopify product export",
        _marks("handle title variant_price"),
        _columns(
            id="handle",
            group="handle",
            title="title",
            price="variant_price",
            description="body_html",
            brand="vendor",
            category="type product_category custom_product_type standard_product_type",
        ),
        {"variants": "join"},
        _OPTIONS,
        told="a product is one item, at its lowest price (variants = 'keep': each variant is one)",
    ),
    Layout(
        "Shopify product export (of 2024)",
        _marks("url_handle title price"),
        _columns(
            id="url_handle",
            group="url_handle",
            title="title",
            price="price",
            description="description",
            brand="vendor",
            category="type product_category",
        ),
        {"variants": "join"},
        _OPTIONS,
        told="a product is one item, at its lowest price (variants = 'keep': each variant is one)",
    ),
    Layout(
        "Shopify products.json",
        _marks("body_html vendor product_type variants"),
        _columns(
            id="handle id",
            title="title",
            description="body_html",
            brand="vendor",
            category="product_type",
            created_at="published_at created_at",
        ),
        {"columns": {"price": "variants.0.price"}},
        told="the price is that of the first variant",
    ),
    Layout(
        "WooCommerce product export",
        _marks("id type sku name regular_price"),
        _columns(
            id="sku id",
            group="parent",
            title="name",
            price="regular_price",
            description="short_description description",
            brand="brands brand",
            category="categories",
            stock="stock",
        ),
        {"format": {"lists": "commas"}},
        _WOO_VALUES,
        without=("type", ("grouped",)),
        told="each variation is an item; it takes from its product what it lacks",
    ),
    Layout(
        "WooCommerce products by its REST interface",
        _marks("id name regular_price categories stock_quantity"),
        _columns(
            id="id",
            title="name",
            price="price",
            description="short_description description",
            stock="stock_quantity",
            created_at="date_created_gmt date_created",
        ),
        {"columns": {"category": "categories.0.name"}},
        told="the category is the first one",
    ),
    Layout(
        "Google Retail (Vertex AI Search for commerce) products",
        _marks("title categories price_info"),
        _columns(
            id="id name",
            title="title",
            description="description",
            group="primary_product_id",
            created_at="available_time publish_time",
            stock="available_quantity",
        ),
        {
            "columns": {
                "price": "priceInfo.price",
                "currency": "priceInfo.currencyCode",
                "category": "categories.0",
                "brand": "brands.0",
                "rating": "rating.averageRating",
                "attributes": "attributes",
            }
        },
        told="of several categories the first one counts",
    ),
    Layout(
        "Google Merchant feed",
        _marks("id title price link"),
        _columns(
            id="id",
            group="item_group_id",
            title="title",
            price="price",
            description="description",
            brand="brand",
            category="product_type google_product_category",
        ),
        {},
        ("color", "size", "material", "pattern", "gender", "age_group"),
        told="the price is the one before any sale; each variant is an item",
    ),
    Layout(
        "Amazon Reviews 2023, items",
        _marks("parent_asin title main_category"),
        _columns(
            id="parent_asin",
            title="title",
            price="price",
            description="features description",
            brand="store",
            category="categories main_category",
            rating="average_rating",
            attributes="details",
        ),
        {"format": {"lists": "path"}},
    ),
    Layout(
        "Amazon Reviews 2014 or 2018, items",
        _marks("asin title"),
        _columns(
            id="asin",
            title="title",
            price="price",
            description="description feature",
            brand="brand",
            category="category categories",
        ),
        {"format": {"lists": "path"}},
    ),
    Layout(
        "Shopping Queries (ESCI), products",
        _marks("product_id product_title product_bullet_point product_locale"),
        _columns(
            id="product_id",
            title="product_title",
            description="product_bullet_point product_description",
            brand="product_brand",
        ),
        {},
        ("product_color",),
        locale="product_locale",
    ),
    Layout(
        "WANDS, products",
        _marks("product_id product_name product_class category_hierarchy"),
        _columns(
            id="product_id",
            title="product_name",
            description="product_description",
            category="category_hierarchy product_class",
            rating="average_rating",
        ),
    ),
    Layout(
        "Best Buy, products",
        _marks("sku name upc manufacturer category"),
        _columns(
            id="sku",
            title="name",
            price="price",
            description="description",
            brand="manufacturer",
            category="category",
        ),
        {"format": {"lists": "path"}},
    ),
)

# Of a file in no known layout: the names that a column of a role goes by, best first.
NAMES = {
    "id": (
        "id sku product_id item_id asin parent_asin uniq_id uniqe_id unique_id article_id "
        "articleid product_code item_code item_number item_no product_sku variant_sku "
        "product_number code pid handle upc ean gtin barcode reference docid doc_id "
        "artikelnummer artikel_nr artikelnr sku_id reference_article referencia codigo "
        "articulo артикул код 商品コード 商品番号 商品管理番号 商品编号 商品id 商品编码 index"
    ),
    "title": (
        "title name product_name product_title item_name item_title productname prod_name "
        "display_name product label bezeichnung titel artikelname produktname nom "
        "nom_du_produit titre libelle designation nombre titulo nome название "
        "наименование имя 商品名 商品名称 商品标题 タイトル 标题"
    ),
    "price": (
        "price price_usd price_eur price_gbp unit_price unitprice regular_price "
        "list_price actual_price retail_price selling_price sale_price discounted_price "
        "current_price final_price product_price variant_price price_tax_excl "
        "price_tax_incl market_price base_price msrp usd eur gbp preis verkaufspreis prix "
        "prix_ttc prix_ht precio preco prezzo цена базовая_цена 価格 販売価格 定価 价格 售价 单价"
    ),
    "description": (
        "description short_description product_description about_product long_description "
        "body_html body detail_desc details_text summary overview item_description desc "
        "beschreibung kurzbeschreibung descripcion descrizione описание краткое_описание "
        "商品説明 商品描述 描述 説明"
    ),
    "brand": (
        "brand brand_name product_brand manufacturer vendor maker store marke hersteller "
        "marque marca бренд производитель ブランド メーカー 品牌"
    ),
    "category": (
        "category_path category categories product_category product_type "
        "google_product_category category_name product_category_tree category_hierarchy "
        "breadcrumbs breadcrumb category_tree main_category product_type_name type "
        "department kategorie kategorien warengruppe categorie categoria категория "
        "категории カテゴリ カテゴリー 类目 分类 kind path"
    ),
    "created_at": (
        "created_at published_at available_time date_created date_added launch_date launched_on "
        "date_first_available release_date date_released"
    ),
    "attributes": "attributes attributes_json details specifications",
    "group": (
        "item_group_id group_id parent_id parent_sku parent primary_product_id product_group_id"
    ),
    "currency": (
        "currency currency_code price_currency currency_id currency_iso wahrung devise moneda 通貨 "
        "币种"
    ),
    "rating": "average_rating avg_rating rating product_rating stars rating_value bewertung",
    "stock": (
        "stock stock_quantity quantity_in_stock inventory_quantity inventory qty quantity bestand"
    ),
    "sold": "sold units_sold sold_units quantity_sold total_sold sold_count total_sales verkauft",
}
NOT_ITEMS = (
    (_marks("esci_label query_id query"), "a file of grades or of queries"),
    (_marks("reviewer_id review_text review_body review_id"), "a file of reviews"),
    (_marks("invoice invoice_no order_id order_number"), "a file of orders"),
    (_marks("user_id customer_id session_id visitor_id"), "a log of what users did"),
)
"""Columns of files with several rows for an item, and what such a file is."""

JUDGED = {
    "query": (
        "query query_text search_term search_query keyword keywords search q suchbegriff "
        "query_string"
    ),
    "query_id": "query_id qid queryid q_id",
    "product": "product_id item_id asin doc_id docid document_id sku product item pid did",
    "grade": (
        "grade esci_label label relevance rating judgment judgement gain score rel median_relevance"
    ),
}
"""Of a file of human grades: the names that its columns go by, best first."""
