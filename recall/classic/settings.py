"""Settings of the classic channels."""

from typing import ClassVar, Literal, Self

from pydantic import Field

from recall.settings import AugmentedSettings, ChannelSettings, DeviceName


class LexicalSpec(ChannelSettings):
    """BM25 over the words of items."""

    home: ClassVar[str] = "recall.classic.lexical:LexicalChannel"

    scores_pairs: ClassVar[bool] = True

    type: Literal["lexical"] = "lexical"
    description: bool = Field(True, description="search short descriptions, too")
    brand: bool = Field(True, description="search brand names, too")
    category: bool = Field(True, description="search category names, too")
    plurals: bool = Field(True, description="take a plural for its singular")
    added_length: bool = Field(
        False, description="words that a catalogue step has added count in the length of an item"
    )
    k1: float = Field(1.2, ge=0, description="saturation of a word's frequency in an item")
    b: float = Field(0.75, ge=0, le=1, description="how much long texts are discounted")

    def fixed(self) -> str:
        """No log plays a part."""
        return "it learns from the catalogue alone"


class DenseSpec(AugmentedSettings):
    """Two towers over hashed words and character n-grams."""

    home: ClassVar[str] = "recall.classic.dense:DenseChannel"

    type: Literal["dense"] = "dense"
    dimensions: int = Field(64, gt=0, le=512, description="length of a vector")
    hidden: int = Field(128, gt=0, description="width of each tower's hidden layer")
    buckets: int = Field(2**15, gt=1, description="rows of the hashed embedding table")
    epochs: int = Field(12, ge=0, description="passes over the pairs and the items")
    batch_size: int = Field(512, gt=1, description="pairs a step")
    learning_rate: float = Field(0.003, gt=0, description="step size of Adam")
    temperature: float = Field(0.07, gt=0, description="divisor of cosines in the loss")
    device: DeviceName = Field("auto", description="where to train: auto, cpu or cuda")

    gives_vectors: ClassVar[bool] = True
    scores_pairs: ClassVar[bool] = True

    def training_seconds(self, items: float, requests: float) -> float:
        """Passes over items and clicks."""
        return 4e-5 * self.epochs * (items + 0.5 * requests)

    def on_device(self, device: DeviceName) -> Self:
        """These settings with `device` where they leave open where to train."""
        return self if self.device != "auto" else self.model_copy(update={"device": device})


class ItemCFSpec(ChannelSettings):
    """Neighbours by co-clicks and co-purchases within a session."""

    home: ClassVar[str] = "recall.classic.itemcf:ItemCFChannel"

    type: Literal["itemcf"] = "itemcf"
    neighbours: int = Field(50, gt=0, description="neighbours kept of each item (items)")
    order_weight: float = Field(3.0, gt=0, description="weight of an order (clicks)")
    damping: float = Field(
        0.5, ge=0, le=1, description="exponent of the neighbour's popularity; 0.5 is the cosine"
    )
    shrinkage: float = Field(2.0, ge=0, description="pulls thin co-occurrence to 0 (clicks)")
    recency: float = Field(0.8, gt=0, le=1, description="weight of a click over the next newer")
    query_weight: float = Field(1.0, ge=0, description="weight of the query's clicked items")
    history_weight: float = Field(0.5, ge=0, description="weight of the shopper's own clicks")


class PopularSpec(ChannelSettings):
    """Best sellers of the predicted categories."""

    home: ClassVar[str] = "recall.classic.popular:PopularChannel"

    type: Literal["popular"] = "popular"
    categories: int = Field(3, gt=0, description="categories predicted for a query")
    order_weight: float = Field(5.0, gt=0, description="weight of an order (clicks)")
    prior: float = Field(
        1.0, gt=0, description="sales that every item has before the first (clicks)"
    )
    title_weight: float = Field(0.2, gt=0, description="weight of a title's word (clicks)")


class UniformSpec(ChannelSettings):
    """Items in stock, drawn uniformly for each query of a session."""

    home: ClassVar[str] = "recall.classic.uniform:UniformChannel"

    type: Literal["random"] = "random"

    def fixed(self) -> str:
        """No log plays a part."""
        return "it learns nothing"
