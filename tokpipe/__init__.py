"""Raw text to a pretrained, inspectable BERT on an ordinary CPU, without PyTorch."""

from importlib import import_module
from typing import TYPE_CHECKING

from tokpipe.foundation.errors import TokpipeError as TokpipeError
from tokpipe.foundation.platforms import missing_here
from tokpipe.foundation.version import __version__ as __version__

if TYPE_CHECKING:
    from tokpipe import metrics as metrics
    from tokpipe.baselines.config import LayersConfig as LayersConfig
    from tokpipe.baselines.layers import compare_layers as compare_layers
    from tokpipe.baselines.model import open_baseline as open_baseline
    from tokpipe.baselines.train import train_baseline as train_baseline
    from tokpipe.batches.config import BatchConfig as BatchConfig
    from tokpipe.batches.loader import Loader as Loader
    from tokpipe.bert.config import BertConfig as BertConfig
    from tokpipe.corpus.config import ReadConfig as ReadConfig
    from tokpipe.corpus.config import SentenceConfig as SentenceConfig
    from tokpipe.examples.config import ExampleConfig as ExampleConfig
    from tokpipe.examples.config import MaskConfig as MaskConfig
    from tokpipe.finetuning.config import FinetuneConfig as FinetuneConfig
    from tokpipe.finetuning.config import WindowConfig as WindowConfig
    from tokpipe.finetuning.finetune import finetune as finetune
    from tokpipe.labelled.config import TagColumns as TagColumns
    from tokpipe.labelled.config import TextColumns as TextColumns
    from tokpipe.shards.build import build_shards as build_shards
    from tokpipe.shards.config import BuildConfig as BuildConfig
    from tokpipe.shards.config import ShardConfig as ShardConfig
    from tokpipe.shards.reader import open_shards as open_shards
    from tokpipe.tasks.attention import attention as attention
    from tokpipe.tasks.config import EmbedConfig as EmbedConfig
    from tokpipe.tasks.config import EvaluateConfig as EvaluateConfig
    from tokpipe.tasks.distill import distill as distill
    from tokpipe.tasks.distill_config import DistillConfig as DistillConfig
    from tokpipe.tasks.distill_text import distill_text as distill_text
    from tokpipe.tasks.embed import embed_texts as embed_texts
    from tokpipe.tasks.evaluate import evaluate_shards as evaluate_shards
    from tokpipe.tasks.extend import extend_vocab as extend_vocab
    from tokpipe.tasks.extend_config import RowsConfig as RowsConfig
    from tokpipe.tasks.fill_mask import fill_masks as fill_masks
    from tokpipe.tasks.further import pretrain_from as pretrain_from
    from tokpipe.tasks.model import BertModel as BertModel
    from tokpipe.tasks.nearest import WordVectors as WordVectors
    from tokpipe.tasks.nsp import judge_pairs as judge_pairs
    from tokpipe.tasks.predict import predict as predict
    from tokpipe.tokenizer.build import train_vocab as train_vocab
    from tokpipe.tokenizer.extend_config import ExtendConfig as ExtendConfig
    from tokpipe.tokenizer.tokenizer import Tokenizer as Tokenizer
    from tokpipe.training.config import TrainingConfig as TrainingConfig
    from tokpipe.training.pretrain import pretrain as pretrain
    from tokpipe.training.start_config import StartConfig as StartConfig
    from tokpipe.vocab.config import VocabConfig as VocabConfig
    from tokpipe.words.config import WordsConfig as WordsConfig
    from tokpipe.words.count import count_words as count_words
    from tokpipe.words.counts import WordCounts as WordCounts
    from tokpipe.words.counts import merge_counts as merge_counts


# public name -> module that defines it, or is it; imported on first use, so `--help` stays fast
_HOME = {
    "BatchConfig": "tokpipe.batches.config",
    "BertConfig": "tokpipe.bert.config",
    "BertModel": "tokpipe.tasks.model",
    "BuildConfig": "tokpipe.shards.config",
    "DistillConfig": "tokpipe.tasks.distill_config",
    "EmbedConfig": "tokpipe.tasks.config",
    "EvaluateConfig": "tokpipe.tasks.config",
    "ExampleConfig": "tokpipe.examples.config",
    "ExtendConfig": "tokpipe.tokenizer.extend_config",
    "FinetuneConfig": "tokpipe.finetuning.config",
    "LayersConfig": "tokpipe.baselines.config",
    "Loader": "tokpipe.batches.loader",
    "MaskConfig": "tokpipe.examples.config",
    "ReadConfig": "tokpipe.corpus.config",
    "RowsConfig": "tokpipe.tasks.extend_config",
    "SentenceConfig": "tokpipe.corpus.config",
    "ShardConfig": "tokpipe.shards.config",
    "StartConfig": "tokpipe.training.start_config",
    "TagColumns": "tokpipe.labelled.config",
    "TextColumns": "tokpipe.labelled.config",
    "Tokenizer": "tokpipe.tokenizer.tokenizer",
    "TokpipeError": "tokpipe.foundation.errors",
    "TrainingConfig": "tokpipe.training.config",
    "VocabConfig": "tokpipe.vocab.config",
    "WindowConfig": "tokpipe.finetuning.config",
    "WordCounts": "tokpipe.words.counts",
    "WordVectors": "tokpipe.tasks.nearest",
    "WordsConfig": "tokpipe.words.config",
    "attention": "tokpipe.tasks.attention",
    "build_shards": "tokpipe.shards.build",
    "compare_layers": "tokpipe.baselines.layers",
    "count_words": "tokpipe.words.count",
    "distill": "tokpipe.tasks.distill",
    "distill_text": "tokpipe.tasks.distill_text",
    "embed_texts": "tokpipe.tasks.embed",
    "evaluate_shards": "tokpipe.tasks.evaluate",
    "extend_vocab": "tokpipe.tasks.extend",
    "fill_masks": "tokpipe.tasks.fill_mask",
    "finetune": "tokpipe.finetuning.finetune",
    "judge_pairs": "tokpipe.tasks.nsp",
    "merge_counts": "tokpipe.words.counts",
    "metrics": "tokpipe.metrics",
    "open_baseline": "tokpipe.baselines.model",
    "open_shards": "tokpipe.shards.reader",
    "predict": "tokpipe.tasks.predict",
    "pretrain": "tokpipe.training.pretrain",
    "pretrain_from": "tokpipe.tasks.further",
    "train_baseline": "tokpipe.baselines.train",
    "train_vocab": "tokpipe.tokenizer.build",
}
__all__ = [
    "BatchConfig",
    "BertConfig",
    "BertModel",
    "BuildConfig",
    "DistillConfig",
    "EmbedConfig",
    "EvaluateConfig",
    "ExampleConfig",
    "ExtendConfig",
    "FinetuneConfig",
    "LayersConfig",
    "Loader",
    "MaskConfig",
    "ReadConfig",
    "RowsConfig",
    "SentenceConfig",
    "ShardConfig",
    "StartConfig",
    "TagColumns",
    "TextColumns",
    "Tokenizer",
    "TokpipeError",
    "TrainingConfig",
    "VocabConfig",
    "WindowConfig",
    "WordCounts",
    "WordVectors",
    "WordsConfig",
    "__version__",
    "attention",
    "build_shards",
    "compare_layers",
    "count_words",
    "distill",
    "distill_text",
    "embed_texts",
    "evaluate_shards",
    "extend_vocab",
    "fill_masks",
    "finetune",
    "judge_pairs",
    "merge_counts",
    "metrics",
    "open_baseline",
    "open_shards",
    "predict",
    "pretrain",
    "pretrain_from",
    "train_baseline",
    "train_vocab",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'tokpipe' has no attribute {name!r}")
    if problem := missing_here():
        raise TokpipeError(problem, hint="On Windows use WSL.")
    home = import_module(_HOME[name])
    return home if _HOME[name] == f"tokpipe.{name}" else getattr(home, name)


def __dir__() -> list[str]:
    return sorted(__all__)
