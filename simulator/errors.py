"""One tree of exceptions. Every message gives the place, the value found and the value wanted."""


class FunnelabError(Exception):
    """Anything funnelab refuses to do; the command prints it without a traceback."""


class ConfigError(FunnelabError):
    """A configuration value is unknown, missing, wrongly typed or out of range."""


class DataError(FunnelabError):
    """An input file (catalogue, queries, judgments, log) cannot be used as it is."""


class ContractError(FunnelabError):
    """A channel, ranker, reward or other plug-in does not keep its protocol's contract."""


class StoreError(FunnelabError):
    """A run folder or stage cannot be read or written without losing something."""
