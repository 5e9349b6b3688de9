"""Which models may begin with heads that look near by: a question of their settings alone."""

from tokpipe.bert.config import BertConfig
from tokpipe.foundation.errors import ConfigError


def check_local_start(config: BertConfig) -> None:
    """Refuse a model whose heads cannot begin so.

    Raises
    ------
    ConfigError
        If it has neither a bias by distance nor a learned table of the layers' width.
    """
    if config.has_distances:
        return
    if not config.has_places:
        raise ConfigError(
            f"attention_start='local' and position='{config.position}': heads begin so by a bias "
            "for each distance, or by a learned table of places",
            hint="Choose position relative, learned-relative or learned.",
        )
    if config.embedding_width != config.hidden_size:
        raise ConfigError(
            f"attention_start='local' wants places as wide as the layers, "
            f"{config.hidden_size}, and embeddings have {config.embedding_width}",
            hint="Choose position relative.",
        )
    if config.head_size < 4:
        raise ConfigError(
            f"attention_start='local' takes half of a head for places, two numbers at least, and "
            f"a head has {config.head_size}"
        )


def allows_local_start(config: BertConfig) -> bool:
    """Return whether the heads of a model can begin so.

    Examples
    --------
    >>> [allows_local_start(BertConfig(position=position)) for position in ("learned", "rope")]
    [True, False]
    """
    try:
        check_local_start(config)
    except ConfigError:
        return False
    return True
