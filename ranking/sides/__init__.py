"""Pages of experiments that split the items, or shoppers and items, over arms."""
