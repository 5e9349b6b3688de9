"""The columns of a shard, as Arrow, as `datasets` and as the manifest know them.

==========================  =============  ====================================================
column                      type           there
==========================  =============  ====================================================
``input_ids``               list of ids    always; special tokens included, no padding
``segment_b_start``         uint16         pairs: how many tokens stand before segment B, so that
                                           ``token_type_ids`` are 0 before and 1 from there on; all
                                           of them where the tokenizer gives both the type 0
``next_sentence_label``     int8           next-sentence pairs: 1 for a random next
``sentence_order_label``    int8           sentence-order pairs: 1 for swapped segments
``masked_lm_positions``     list of uint16 static masks: which tokens to predict
``masked_lm_ids``           list of ids    static masks: what stood there
``labels``                  list of int32  dense: what stood there, -100 where nothing is asked
``token_type_ids``          list of int8   dense pairs
``attention_mask``          list of int8   dense: 1 for every token
==========================  =============  ====================================================

Ids are uint16 where the vocabulary allows, int32 elsewhere.
"""

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tokpipe.examples.config import ExampleConfig, MaskConfig
from tokpipe.foundation.errors import ConfigError
from tokpipe.shards.config import ShardConfig

LABELS = {"nsp": "next_sentence_label", "sop": "sentence_order_label"}
IGNORED = -100  # the label that cross entropy leaves out, in torch and in transformers
_MOST_UINT16 = 1 << 16  # ids that two bytes tell apart: half the size of int32


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    dtype: str  # of its values, as NumPy, Arrow and `datasets` all call it
    is_list: bool  # whether a row holds several

    @property
    def arrow_type(self) -> pa.DataType:
        """Its type in a file."""
        value = pa.type_for_alias(self.dtype)
        return pa.list_(value) if self.is_list else value

    @property
    def feature(self) -> dict[str, Any]:
        """Its type as `datasets` writes it; "Sequence" is what releases before 4 read, too."""
        value = {"dtype": self.dtype, "_type": "Value"}
        return {"feature": value, "_type": "Sequence"} if self.is_list else value


def columns_of(
    examples: ExampleConfig, masks: MaskConfig, shards: ShardConfig, vocab_size: int
) -> tuple[Column, ...]:
    """Return the columns that the settings ask for, in order.

    Dense labels for masks that are drawn only at load are a `ConfigError`.
    """
    ids = "uint16" if vocab_size <= _MOST_UINT16 else "int32"
    is_static = masks.masking == "static"
    if shards.dense_labels and not is_static:
        raise ConfigError(
            "dense_labels needs masking=static: dynamic masks are not known yet",
            hint="Pass --masking static, or leave --dense-labels out.",
        )
    columns = [Column("input_ids", ids, True)]
    if examples.pairs:
        columns += [
            Column("segment_b_start", "uint16", False),
            Column(LABELS[examples.task], "int8", False),
        ]
    if is_static:
        columns += [
            Column("masked_lm_positions", "uint16", True),
            Column("masked_lm_ids", ids, True),
        ]
    if shards.dense_labels:
        columns.append(Column("labels", "int32", True))
        columns += [Column("token_type_ids", "int8", True)] * examples.pairs
        columns.append(Column("attention_mask", "int8", True))
    return tuple(columns)


def features_of(columns: tuple[Column, ...]) -> dict[str, Any]:
    """Return the features as `datasets` writes them into ``dataset_info.json``."""
    return {column.name: column.feature for column in columns}


def schema_of(columns: tuple[Column, ...]) -> pa.Schema:
    """Return the schema of the files; its metadata is what `datasets` looks for."""
    info = json.dumps({"info": {"features": features_of(columns)}})
    fields = [pa.field(column.name, column.arrow_type) for column in columns]
    return pa.schema(fields, metadata={"huggingface": info})
