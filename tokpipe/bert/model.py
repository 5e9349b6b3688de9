"""The model: losses and gradients of a packed batch, and what it makes of text.

A call works on one batch, or one shard of a batch, in the thread that calls it, and leaves Python's
lock to others nearly all the time: several shards run side by side, each with a workspace.
"""

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.activations import activation_named
from tokpipe.bert.blas import use_one_thread
from tokpipe.bert.config import BertConfig
from tokpipe.bert.encoder import encode, encode_backward
from tokpipe.bert.heads import (
    MaskHead,
    decode,
    mask_head_backward,
    mask_head_forward,
    mask_losses,
    pair_losses,
    pooler_backward,
    pooler_forward,
)
from tokpipe.bert.inputs import PackedInput, check_input
from tokpipe.bert.kernels.attention import attention_weights
from tokpipe.bert.linear import linear_forward
from tokpipe.bert.losses import Losses
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.passes import Pass, begin_pass, rows_of
from tokpipe.bert.weights import Weights, weights_of
from tokpipe.bert.workspace import Inputs, Room, Workspace

Array = NDArray[np.floating]
Index = NDArray[np.int32]


class Model:
    """A BERT.

    Parameters
    ----------
    config
        Its shape.
    parameters
        Its weights, float32; float64 takes the NumPy twins of all kernels, for checks of gradients.
    """

    def __init__(self, config: BertConfig, parameters: Parameters) -> None:
        use_one_thread()
        self.config = config
        self.parameters = parameters
        self.weights = weights_of(parameters)

    def workspace(
        self, tokens: int, sequences: int, masks: int = 0, *, training: bool = True
    ) -> Workspace:
        """Return the memory for batches up to a size, in the precision of the weights."""
        dtype = self.parameters.block.dtype
        return Workspace(self.config, tokens, sequences, masks, training=training, dtype=dtype)

    def loss_and_gradients(
        self,
        packed: PackedInput,
        gradients: Parameters,
        workspace: Workspace,
        *,
        dropout_key: int | None = None,
        totals: tuple[int, int] | None = None,
    ) -> Losses:
        """Go forward and backward over a batch or a shard of one.

        Parameters
        ----------
        packed
            The sequences, and what is to be learned from them.
        gradients
            To which the gradients are added.
        workspace
            Large enough for the batch, made for training.
        dropout_key
            Of the draws, 64 bits: another for each step and shard; None: no dropout.
        totals
            Masks and pairs in the whole batch of which this is a shard: the gradients of the
            shards then add up to that of the batch's mean losses. None: this is all.

        Raises
        ------
        InputError
            If an id, position or label is out of range.
        """
        now = self._begin(packed, workspace, weights_of(gradients), dropout_key, asked=self._asked)
        hidden = _last(now)
        _slope(now).fill(0)
        losses = self._mask_losses(now, workspace, hidden, totals and totals[0])
        losses += self._pair_losses(now, workspace, hidden, totals and totals[1])
        encode_backward(now, _slope(now))
        return losses

    def losses(self, packed: PackedInput, workspace: Workspace) -> Losses:
        """Go forward over a batch, without dropout, and return its losses."""
        now = self._begin(packed, workspace, asked=self._asked)
        hidden = _last(now)
        losses = self._mask_losses(now, workspace, hidden, None)
        return losses + self._pair_losses(now, workspace, hidden, None)

    def hidden_states(
        self,
        packed: PackedInput,
        layers: Sequence[int] = (-1,),
        workspace: Workspace | None = None,
    ) -> list[Array]:
        """Return hidden states of some layers, float32[T, H] each.

        Parameters
        ----------
        packed
            The sequences.
        layers
            Which ones, in the order wanted: 0 the embeddings, L (or -1) the last layer.
        workspace
            Large enough for the batch; None: one is made.
        """
        count = self.config.num_hidden_layers + 1
        if any(not -count <= layer < count for layer in layers):
            raise ValueError(f"layers {list(layers)} are not all from {-count} to {count - 1}")
        wanted = [layer % count for layer in layers]
        now = self._begin(packed, self._room(packed, workspace))
        needed = itertools.islice(encode(now), max(wanted, default=-1) + 1)
        kept = {number: stream.copy() for number, stream in needed if number in wanted}
        return [kept[number] for number in wanted]

    def attentions(
        self, packed: PackedInput, workspace: Workspace | None = None
    ) -> list[list[Array]]:
        """Return the weights of attention: for each layer, for each sequence, float32[A, n, n]."""
        now = self._begin(packed, self._room(packed, workspace))
        offsets, heads, biases = now.inputs.offsets, now.places.heads, now.places.biases
        weights = []
        for number, _ in encode(now):
            if number:
                qkv = now.layers[number - 1][0].qkv
                pairs = itertools.pairwise(offsets)
                weights.append([attention_weights(qkv[a:b], heads, biases)[0] for a, b in pairs])
        return weights

    def mlm_logits(self, packed: PackedInput, workspace: Workspace | None = None) -> Array:
        """Return the logits of all tokens at `masked_positions`: float32[M, V]."""
        workspace = self._room(packed, workspace)
        now = self._begin(packed, workspace, asked=_masked)
        head = self._mask_head()
        assert head is not None, "the model has no MLM head"
        hidden, places = _last(now), rows_of(now, now.inputs.masked_positions)
        made = mask_head_forward(head, hidden, places, workspace.mask_head_for(len(places)))
        return decode(head, made, np.empty((len(made), self.config.vocab_size), made.dtype))

    def pooled(self, packed: PackedInput, workspace: Workspace | None = None) -> Array:
        """Return the pooler's vector of each sequence: float32[B, H]."""
        workspace = self._room(packed, workspace)
        now = self._begin(packed, workspace, asked=_firsts)
        assert self.weights.pooler is not None, "the model has no pooler"
        first = rows_of(now, _firsts(now.inputs))
        saved = workspace.pair_head_for(len(first))
        return pooler_forward(self.weights.pooler, _last(now), first, saved).copy()

    def nsp_logits(self, packed: PackedInput, workspace: Workspace | None = None) -> Array:
        """Return the logits of each pair, float32[B, 2]: follows, is random."""
        assert self.weights.nsp is not None, "the model has no NSP head"
        pooled = self.pooled(packed, workspace)
        logits = np.empty((len(pooled), 2), pooled.dtype)
        linear_forward(pooled, self.weights.nsp, logits)
        return logits

    def _begin(
        self,
        packed: PackedInput,
        workspace: Workspace,
        gradients: Weights | None = None,
        dropout_key: int | None = None,
        asked: Callable[[Inputs], Index] | None = None,
    ) -> Pass:
        check_input(packed, self.config)
        inputs = workspace.load(packed)
        rows = np.unique(asked(inputs)) if asked else inputs.ids[:0]
        few = rows if 0 < len(rows) < len(inputs.ids) else None
        return begin_pass(self.weights, gradients, workspace, inputs, dropout_key, few)

    def _room(self, packed: PackedInput, workspace: Workspace | None) -> Workspace:
        if workspace is not None:
            return workspace
        return self.workspace(*Room.of(packed), training=False)

    def _asked(self, inputs: Inputs) -> Index:
        """Return at which tokens the losses want hidden states."""
        has_pairs = self.weights.nsp is not None and len(inputs.labels) > 0
        masks = _masked(inputs)[: None if self.weights.mlm else 0]
        return np.concatenate([masks, _firsts(inputs)[: None if has_pairs else 0]])

    def _mask_head(self) -> MaskHead | None:
        weights, config = self.weights, self.config
        if weights.mlm is None:
            return None
        activation = activation_named(config.hidden_act)
        return MaskHead(weights.mlm, weights.embeddings.token, activation, config.layer_norm_eps)

    def _mask_losses(
        self, now: Pass, workspace: Workspace, hidden: Array, total: int | None
    ) -> Losses:
        head, gradients = self._mask_head(), now.gradients
        places, targets = rows_of(now, _masked(now.inputs)), now.inputs.masked_ids
        if head is None or not len(targets):
            return Losses()
        saved = workspace.mask_head_for(len(places))
        mask_head_forward(head, hidden, places, saved)
        factor = 1 / (total or len(targets))
        if gradients is None or gradients.mlm is None:
            loss, correct = mask_losses(head, targets, factor, None, saved)
        else:
            learned = (gradients.mlm, gradients.embeddings.token)
            loss, correct = mask_losses(head, targets, factor, learned, saved)
            mask_head_backward(head, gradients.mlm, places, saved, _slope(now))
        return Losses(mlm=loss, masks=len(targets), mlm_correct=correct)

    def _pair_losses(
        self, now: Pass, workspace: Workspace, hidden: Array, total: int | None
    ) -> Losses:
        pooler, nsp, gradients = self.weights.pooler, self.weights.nsp, now.gradients
        labels, first = now.inputs.labels, rows_of(now, _firsts(now.inputs))
        if pooler is None or nsp is None or not len(labels):
            return Losses()
        saved = workspace.pair_head_for(len(first))
        pooler_forward(pooler, hidden, first, saved)
        d_nsp = None if gradients is None else gradients.nsp
        factor = 1 / (total or len(labels))
        loss, correct = pair_losses(nsp, labels, factor, d_nsp, saved)
        if gradients is not None and gradients.pooler is not None:
            pooler_backward(pooler, gradients.pooler, first, saved, _slope(now))
        return Losses(nsp=loss, pairs=len(labels), nsp_correct=correct)


def _last(now: Pass) -> Array:
    """Go forward; return the last hidden states."""
    hidden = now.spare.made
    for _, result in encode(now):
        hidden = result
    return hidden


def _slope(now: Pass) -> Array:
    """Return the array for the gradient of the last hidden states."""
    return (now.end or now).spare.stream


def _masked(inputs: Inputs) -> Index:
    return inputs.masked_positions


def _firsts(inputs: Inputs) -> Index:
    return inputs.offsets[:-1]
