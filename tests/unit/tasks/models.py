"""A small model with a vocabulary of words, its weights drawn and untrained."""

from tokpipe.bert.config import BertConfig
from tokpipe.bert.parameters import Parameters
from tokpipe.tasks.model import BertModel
from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
from tokpipe.tokenizer.tokenizer import Tokenizer

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_TEXT = "the a cat dog kitten puppy sat ran on mat road and . , was old new it ##s ##ing"
WORDS = _TEXT.split()
TOKENS = [*SPECIALS, *WORDS]
CONFIG = BertConfig(
    vocab_size=len(TOKENS),
    hidden_size=16,
    num_hidden_layers=4,
    num_attention_heads=2,
    intermediate_size=32,
    max_position_embeddings=24,
    initializer_range=0.2,
)


def tokenizer():
    return Tokenizer(spec_from_bert_vocab(TOKENS))


def small(config=CONFIG, seed=3):
    return BertModel(Parameters.initialised(config, seed), tokenizer())
