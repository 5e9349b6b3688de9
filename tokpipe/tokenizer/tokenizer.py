"""The public face: text to ids and back, one text, many, or a column."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokpipe.corpus.config import ReadConfig
from tokpipe.corpus.reader import Corpus, open_corpus
from tokpipe.foundation.arrays import Strings
from tokpipe.foundation.doors import path_of
from tokpipe.foundation.errors import ConfigError
from tokpipe.foundation.hub import model_path
from tokpipe.foundation.manifest import Manifest
from tokpipe.foundation.progress import SILENT, Progress
from tokpipe.tokenizer.blocks import Ids, join_ids
from tokpipe.tokenizer.encoding import Encoding, pad, padding_for
from tokpipe.tokenizer.engine import Engine
from tokpipe.tokenizer.folder import open_file, save_spec
from tokpipe.tokenizer.lookup import Lookup
from tokpipe.tokenizer.native import Backend, NativeBackend
from tokpipe.tokenizer.spec import Spec, Truncation
from tokpipe.tokenizer.texts import (
    Inputs,
    id_lists_of,
    ids_of,
    single_input,
    split_inputs_of,
    strings_of,
)
from tokpipe.tokenizer.truncation import truncation_for
from tokpipe.words.config import WordsConfig

if TYPE_CHECKING:
    import pyarrow as pa


class Tokenizer(Lookup):
    """A vocabulary with all that decides which ids a text has.

    Made by `Tokenizer.load` or `tokpipe.train_vocab`. Safe to use from several threads.

    Examples
    --------
    >>> from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
    >>> tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##seen", "words"]
    >>> tokenizer = Tokenizer(spec_from_bert_vocab(tokens))
    >>> tokenizer.encode("Unseen words").tokens
    ['[CLS]', 'un', '##seen', 'words', '[SEP]']
    >>> tokenizer.decode([2, 5, 6, 7, 3])
    'unseen words'
    """

    def __init__(self, spec: Spec, backend: Backend | None = None) -> None:
        super().__init__(spec)
        self._backend = backend or NativeBackend(spec)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it is made of, for other processes; tables and caches are made there."""
        return Tokenizer, (self.spec,) if self.is_native else (self.spec, self._backend)

    @classmethod
    def load(cls, path: str | Path, words: WordsConfig | None = None) -> "Tokenizer":
        """Open a tokenizer folder, a ``tokenizer.json``, ``vocab.txt`` or ``vocab.json``.

        Parameters
        ----------
        path
            A folder of ours or of Hugging Face's, or one file; ``vocab.json`` needs its
            ``merges.txt`` beside it.
        words
            How text is normalised and split, for plain vocabularies, which do not say it.

        Returns
        -------
        Tokenizer
            Models and parts that ours does not know (Unigram, Metaspace, expressions) run on the
            `tokenizers` library behind the same interface.

        Raises
        ------
        InputError
            If a file is missing, damaged, or asks for what no honest tokenizer needs.
        """
        file = open_file(model_path("path", path), words)
        found = file.opened()
        if isinstance(found, Spec):
            return cls(found)
        from tokpipe.tokenizer.foreign import ForeignBackend  # the library takes 30 ms to import

        backend = ForeignBackend(found, str(path))
        return cls(replace(backend.spec, roles=file.roles), backend)

    def save(
        self, folder: str | Path, *, manifest: Manifest | None = None, force: bool = False
    ) -> None:
        """Write a tokenizer folder that `tokenizers` and `transformers` open too.

        What is raised is what `folder.save_spec` raises.
        """
        save_spec(self.spec, path_of("folder", folder), manifest=manifest, force=force)

    @property
    def is_native(self) -> bool:
        """Whether it runs on our kernels, not on the `tokenizers` library."""
        return isinstance(self._backend, NativeBackend)

    @property
    def engine(self) -> Engine:
        """The kernels, for whole corpora.

        Raises
        ------
        ConfigError
            If the tokenizer runs on the `tokenizers` library.
        """
        if isinstance(self._backend, NativeBackend):
            return self._backend.engine
        raise ConfigError("this tokenizer runs on the tokenizers library, it has no kernels")

    def encode(  # noqa: PLR0913 - the arguments that the field knows
        self,
        text: str,
        pair: str | None = None,
        *,
        add_special_tokens: bool = True,
        max_length: int | None = None,
        truncation: str = "longest_first",
        stride: int | None = None,
        padding: bool | int | None = None,
    ) -> Encoding:
        """Encode a text, or a pair of texts.

        Parameters
        ----------
        text, pair
            What to encode.
        add_special_tokens
            Whether to put ``[CLS]``, ``[SEP]`` and their like around it.
        max_length
            Most tokens, special ones included; None for what the tokenizer's file says, mostly no
            limit.
        truncation
            Which text is cut: ``longest_first``, ``only_first`` or ``only_second``.
        stride
            Keep what is cut off as windows in ``overflowing`` that share so many tokens.
        padding
            A length to fill up to; True for the longest of a batch; False for none; None for what
            the tokenizer's file says, mostly none. Its side and token are the file's, or the usual.

        Raises
        ------
        ConfigError
            If the settings cannot be met, or the vocabulary has no token to pad with.
        InputError
            If a text is no string, or holds a lone surrogate.
        """
        inputs = single_input(text, pair)
        cut = truncation_for(self.spec.truncation, max_length, truncation, stride)
        return self._encode(inputs, add_special_tokens, cut, padding)[0]

    def encode_batch(  # noqa: PLR0913
        self,
        texts: Iterable[str],
        pairs: Iterable[str] | None = None,
        *,
        add_special_tokens: bool = True,
        max_length: int | None = None,
        truncation: str = "longest_first",
        stride: int | None = None,
        padding: bool | int | None = None,
    ) -> list[Encoding]:
        """Encode many texts, or pairs; see `encode`. For ids alone, `encode_arrow` is far faster.

        Raises
        ------
        ConfigError
            If there are not as many pairs as texts, or the settings cannot be met.
        InputError
            If a text is no string or holds a lone surrogate, naming which.
        """
        inputs = Inputs.of(strings_of(texts), None if pairs is None else strings_of(pairs, "pair"))
        cut = truncation_for(self.spec.truncation, max_length, truncation, stride)
        return self._encode(inputs, add_special_tokens, cut, padding)

    def encode_words(  # noqa: PLR0913
        self,
        words: Sequence[str] | Sequence[Sequence[str]],
        pair: Sequence[str] | Sequence[Sequence[str]] | None = None,
        *,
        add_special_tokens: bool = True,
        max_length: int | None = None,
        truncation: str = "longest_first",
        stride: int | None = 0,
        padding: bool | int | None = None,
    ) -> Any:
        """Encode a text that is split into words already, or many of them; pairs of such, too.

        Each word is encoded as if it were a text: what holds spaces is one word still, what is
        empty or vanishes in normalisation has no token. For ids alone, `encode_word_strings` is
        far faster.

        Parameters
        ----------
        words, pair, add_special_tokens, max_length, truncation, padding
            As in `encode`; the words of one text, or of each of many.
        stride
            How many tokens the windows of what is cut off share; None keeps no windows.

        Returns
        -------
        Encoding, or list of Encoding
            One for each text. `word_ids` are the numbers of the words, `offsets` are those inside
            each word.

        What is raised is what `encode_batch` raises.

        Examples
        --------
        >>> from tokpipe.tokenizer.from_vocabulary import spec_from_bert_vocab
        >>> tokenizer = Tokenizer(spec_from_bert_vocab(["[UNK]", "un", "##seen", "words"]))
        >>> tokenizer.encode_words(["Unseen", "words"]).word_ids
        [0, 0, 1]
        """
        inputs, is_one = split_inputs_of(words, pair)
        cut = truncation_for(self.spec.truncation, max_length, truncation, stride)
        encodings = self._encode(inputs, add_special_tokens, cut, padding)
        return encodings[0] if is_one else encodings

    def _encode(
        self, inputs: Inputs, adds: bool, cut: Truncation | None, padding: bool | int | None
    ) -> list[Encoding]:
        encodings = self._backend.encode_batch(inputs, adds, cut)
        chosen = padding_for(self.spec, padding)
        if chosen is not None:
            pad(encodings, chosen)
        return encodings

    def encode_strings(
        self, texts: Strings, *, threads: int | None = None, line_ends: bool = True
    ) -> list[Ids]:
        """Encode texts to ids as they are: not cut, not filled, no special tokens around them.

        Parameters and what is returned are those of `Engine.encode`.
        """
        return self._backend.encode_strings(texts, threads, line_ends)

    def encode_word_strings(self, words: Strings, threads: int | None = None) -> Ids:
        """Encode words of texts that are split already, each as if it were a text.

        Parameters
        ----------
        words, threads
            As in `encode_strings`. What is empty, or is nothing once normalised, has no ids.

        Returns
        -------
        ids : int32[T], borders : int64[W + 1]
            Word ``w`` has the ids ``borders[w]`` to ``borders[w + 1]``; not cut, no special tokens.
        """
        return join_ids(self.encode_strings(words, threads=threads), threads=threads)

    def encode_files(
        self,
        inputs: "Sequence[str | Path] | Corpus",
        read: ReadConfig | None = None,
        *,
        add_special_tokens: bool = False,
        dtype: str = "int32",
        threads: int | None = None,
        progress: Progress = SILENT,
    ) -> "pa.ChunkedArray":
        """Read files and encode each line of text, or cell of a table, to a list of ids.

        Threads read and encode at once. A line's end is no part of it. Truncation and padding that
        the tokenizer's file asks for are done, all inputs being one batch.

        Parameters
        ----------
        inputs
            Files, folders, globs; or a corpus that is open already.
        read
            How the inputs are read.
        add_special_tokens, dtype, threads
            As in `encode_arrow`.
        progress
            Told of the bytes read.

        Returns
        -------
        pyarrow.ChunkedArray
            Of large lists, in order. For what is larger than memory, `files.encode_corpus` gives
            them in parts, each text a batch of its own.

        Raises
        ------
        InputError
            If the inputs cannot be read as asked, or a word is unknown to a vocabulary that has no
            token for it.
        """
        from tokpipe.tokenizer.files import encode_files

        corpus = inputs if isinstance(inputs, Corpus) else open_corpus(inputs, read)
        return encode_files(self, corpus, add_special_tokens, dtype, threads, progress)

    def encode_arrow(
        self,
        column: "pa.Array | pa.ChunkedArray",
        *,
        add_special_tokens: bool = False,
        dtype: str = "int32",
        threads: int | None = None,
    ) -> Any:
        """Encode a column of texts to a column of lists of ids.

        Truncation and padding that the tokenizer's file asks for are done, the column being one
        batch; windows of what is cut off are not kept.

        Parameters
        ----------
        column
            Strings, large strings, or binary that is UTF-8.
        add_special_tokens
            Whether to put special tokens around each text.
        dtype
            ``int32`` or, for vocabularies of at most 65,536, ``uint16``.
        threads
            As in `encode_strings`.

        Returns
        -------
        pyarrow.ListArray, LargeListArray or ChunkedArray
            A list for strings, a large list for large strings, in chunks as the column is; null
            where a text is null.

        Raises
        ------
        ConfigError
            If the ids do not fit into `dtype`, or a text cannot be cut as the file asks.
        InputError
            If the column holds no text, or a word is unknown to a vocabulary that has no token
            for it.
        """
        from tokpipe.tokenizer.columns import encode_column

        return encode_column(self, column, add_special_tokens, dtype, threads)

    def decode(self, ids: Sequence[int], *, skip_special_tokens: bool = True) -> str:
        """Turn ids into text.

        Parameters
        ----------
        ids
            Whole numbers: a list or an array.
        skip_special_tokens
            Whether to leave special tokens out.

        Raises
        ------
        InputError
            If one is no id of the vocabulary, naming where it stands.
        """
        return self._backend.decode(ids_of(ids, self.vocab_size), skip_special_tokens)

    def decode_batch(
        self, batch: Iterable[Sequence[int]], *, skip_special_tokens: bool = True
    ) -> list[str]:
        """Turn many lists of ids into texts; see `decode`."""
        found = id_lists_of(batch, self.vocab_size)
        return [self._backend.decode(ids, skip_special_tokens) for ids in found]
