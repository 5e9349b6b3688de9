"""The model: losses and gradients of a packed batch, and what it makes of text.

A call works on one batch, or one shard of a batch, in the thread that calls it, and leaves Python's
lock to others nearly all the time: several shards run side by side, each with a workspace.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tokpipe.bert.blas import use_one_thread
from tokpipe.bert.config import BertConfig
from tokpipe.bert.context import ForwardContext, begin_pass, rows_of
from tokpipe.bert.distillation import taught_head, with_relations, with_states
from tokpipe.bert.encoder import ALL_THE_WAY, WayBack, encode, encode_backward
from tokpipe.bert.head import PLAIN, Capacity, Head, HeadContext, Objective
from tokpipe.bert.inputs import prepared
from tokpipe.bert.looking import LayerSeen, look
from tokpipe.bert.losses import Losses
from tokpipe.bert.parameters import Parameters
from tokpipe.bert.pooler import PoolerScratch, Pooling, pooler_forward
from tokpipe.bert.products.kinds import IN_FLOAT32, Kind
from tokpipe.bert.registry import heads_of
from tokpipe.bert.weights import weights_of
from tokpipe.bert.workspace import Workspace
from tokpipe.foundation.batch import Batch

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
    objective
        What training wants of the classes of a job.
    kind
        Of the products of its linear maps.

    Raises
    ------
    ConfigError
        If the model has no classes for the objective.
    """

    def __init__(
        self,
        config: BertConfig,
        parameters: Parameters,
        objective: Objective = PLAIN,
        kind: Kind = IN_FLOAT32,
    ) -> None:
        use_one_thread()
        objective.check(config)
        self.objective = objective
        self.config = config
        self.parameters = parameters
        self.kind = kind
        self.weights = weights_of(parameters, kind.for_weight)
        self.heads = heads_of(config)

    def workspace(
        self, tokens: int, sequences: int, masks: int = 0, *, training: bool = True
    ) -> Workspace:
        """Return the memory for batches up to a size, in the precision of the weights."""
        capacity, dtype = Capacity(tokens, sequences, masks), self.parameters.block.dtype
        return Workspace(
            self.config,
            capacity,
            training=training,
            dtype=dtype,
            takes_halves=self.kind.takes_halves,
        )

    def loss_and_gradients(
        self,
        batch: Batch,
        gradients: Parameters,
        workspace: Workspace,
        *,
        dropout_key: int | None = None,
        totals: Mapping[str, float] | None = None,
        way: WayBack = ALL_THE_WAY,
    ) -> Losses:
        """Go forward and backward over a batch or a shard of one.

        Parameters
        ----------
        batch
            The sequences, and what is to be learned from them.
        gradients
            To which the gradients are added.
        workspace
            Large enough for the batch, made for training.
        dropout_key
            Of the draws, 64 bits: another for each step and shard; None: no dropout.
        totals
            What `totals` returns for the whole batch of which this is a shard: the gradients of
            the shards then add up to that of the batch's mean losses. None: this is all.
        way
            How far back gradients are wanted, and who waits for them.

        Raises
        ------
        InputError
            If an id, position or label is out of range.
        """
        ctx = self._begin(batch, workspace, gradients, dropout_key, self._output_rows)
        hidden = _last(ctx)
        d_hidden = ctx.scratch.stream[0][: len(hidden)]
        d_hidden.fill(0)
        losses, d_qkv = self._losses(ctx, workspace, (hidden, d_hidden), totals or {})
        encode_backward(ctx, d_hidden, way, d_qkv)
        return losses

    def totals(self, batches: Sequence[Batch]) -> dict[str, float]:
        """Return for each head what the sum of its losses in some batches is divided by."""
        return {
            name: sum(self._total(head, b) for b in batches) for name, head in self.heads.items()
        }

    def losses(self, batch: Batch, workspace: Workspace) -> Losses:
        """Go forward over a batch, without dropout, and return its losses."""
        ctx = self._begin(batch, workspace, wanted=self._output_rows)
        hidden = _last(ctx)
        return self._losses(ctx, workspace, (hidden, hidden[:0]), {})[0]

    def hidden_states(
        self,
        batch: Batch,
        layers: Sequence[int] = (-1,),
        workspace: Workspace | None = None,
    ) -> list[Array]:
        """Return hidden states of some layers, float32[T, H] each.

        Parameters
        ----------
        batch
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
        ctx = self._begin(batch, self._large_enough(batch, workspace))
        needed = itertools.islice(encode(ctx), max(wanted, default=-1) + 1)
        kept = {number: stream.copy() for number, stream in needed if number in wanted}
        return [kept[number] for number in wanted]

    def look(self, batch: Batch, workspace: Workspace | None = None) -> Iterator[LayerSeen]:
        """Go forward over a batch; yield what each layer was given and made, from the first on."""
        return look(self._begin(batch, self._large_enough(batch, workspace)))

    def logits(self, name: str, batch: Batch, workspace: Workspace | None = None) -> Array:
        """Return what a head says of a batch: float32[N, classes], N as it was asked.

        Raises
        ------
        KeyError
            If the model has no head of that name: the caller's mistake.
        """
        workspace, head = self._large_enough(batch, workspace), self.heads[name]
        ctx = self._begin(batch, workspace, wanted=head.output_rows)
        hidden = _last(ctx)
        return head.logits(self._head_context(ctx, workspace, name, (hidden, hidden[:0])))

    def outputs(self, name: str, batch: Batch, workspace: Workspace) -> tuple[Array, Losses]:
        """Return what `logits` and `losses` do, in one pass."""
        head = self.heads[name]

        def wanted(batch: Batch) -> Index:
            return np.concatenate([self._output_rows(batch), head.output_rows(batch)])

        ctx = self._begin(batch, workspace, wanted=wanted)
        hidden = _last(ctx)
        states = hidden, hidden[:0]
        logits = head.logits(self._head_context(ctx, workspace, name, states))
        return logits, self._losses(ctx, workspace, states, {})[0]

    def lesson(
        self, name: str, batch: Batch, workspace: Workspace, *, logits: bool = True
    ) -> tuple[Array, Array, Array]:
        """Return what a student may learn of a batch.

        Parameters
        ----------
        name
            Of the head in question.
        batch, workspace
            As `logits` has them.
        logits
            Whether they are wanted.

        Returns
        -------
        float32[N, classes]
            The logits; of no class where they are not wanted.
        float32[N, H]
            The last hidden states that they come from.
        float32[T, 3H]
            Queries, keys and values in the last layer; good until the workspace is used again.
        """
        head = self.heads[name]
        ctx = self._begin(batch, workspace, wanted=head.output_rows)
        hidden = _last(ctx)
        context = self._head_context(ctx, workspace, name, (hidden, hidden[:0]))
        states, qkv = hidden[context.rows], ctx.layers[-1].attention.qkv
        return head.logits(context) if logits else states[:, :0], states, qkv

    def pooled(self, batch: Batch, workspace: Workspace | None = None) -> Array:
        """Return the pooler's vector of each sequence: float32[B, H]."""
        assert self.weights.pooler is not None, "the model has no pooler"
        ctx = self._begin(batch, self._large_enough(batch, workspace), wanted=_first_tokens)
        hidden, first = _last(ctx), rows_of(ctx, _first_tokens(ctx.batch))
        shape, dtype = (len(first), self.config.hidden_size), hidden.dtype
        scratch = PoolerScratch(*(np.empty(shape, dtype) for _ in PoolerScratch._fields))
        return pooler_forward(Pooling(self.weights.pooler), hidden, first, scratch)

    def _begin(
        self,
        batch: Batch,
        workspace: Workspace,
        gradients: Parameters | None = None,
        dropout_key: int | None = None,
        wanted: Callable[[Batch], Index] | None = None,
    ) -> ForwardContext:
        batch = prepared(batch, self.config)
        workspace.check_holds(Capacity.of(batch))
        rows = np.unique(wanted(batch)) if wanted else batch.input_ids[:0]
        few = rows if 0 < len(rows) < len(batch.input_ids) else None
        model = self.weights, None
        if gradients is not None:
            model = self.weights, weights_of(gradients, self.kind.for_weight)
        return begin_pass(model, workspace, batch, dropout_key, few)

    def _large_enough(self, batch: Batch, workspace: Workspace | None) -> Workspace:
        if workspace is not None:
            return workspace
        return self.workspace(*Capacity.of(batch), training=False)

    def _asked(self, batch: Batch) -> Mapping[str, Head]:
        """Return the heads to which a batch says what is to be found."""
        return {name: head for name, head in self.heads.items() if self._total(head, batch)}

    def _total(self, head: Head, batch: Batch) -> float:
        targets = head.targets(batch)
        return 0 if targets is None else head.total(targets, self.objective, self.config)

    def _output_rows(self, batch: Batch) -> Index:
        """Return at which tokens the losses want hidden states."""
        heads = self._asked(batch).values()
        return np.concatenate([batch.offsets[:0], *(head.output_rows(batch) for head in heads)])

    def _losses(
        self,
        ctx: ForwardContext,
        workspace: Workspace,
        states: tuple[Array, Array],
        totals: Mapping[str, float],
    ) -> tuple[Losses, Array | None]:
        """Return the losses, and the gradient of the last queries, keys and values if any."""
        tallies, d_qkv, wanted = {}, None, ctx.batch.relation_targets
        for name, head in self._asked(ctx.batch).items():
            total = totals.get(name) or self._total(head, ctx.batch)
            context = self._head_context(ctx, workspace, name, states)
            context = context._replace(factor=1 / total)
            tallies[name] = with_states(context, head.losses(context))
            if wanted is not None and self._follows_relations(name):
                qkv = ctx.layers[-1].attention.qkv
                tallies[name], d_qkv = with_relations(context, tallies[name], qkv, wanted)
        return Losses(tallies), d_qkv

    def _follows_relations(self, name: str) -> bool:
        taught = self.objective.distillation
        return (
            taught is not None and taught.relation_weight > 0 and name == taught_head(self.config)
        )

    def _head_context(
        self, ctx: ForwardContext, workspace: Workspace, name: str, states: tuple[Array, Array]
    ) -> HeadContext:
        head, places = self.heads[name], self.heads[name].output_rows(ctx.batch)
        is_taught = self.objective.distillation is not None and name == taught_head(self.config)
        return HeadContext(
            config=self.config,
            weights=ctx.weights,
            gradients=ctx.gradients,
            scratch=workspace.heads[name],
            targets=head.targets(ctx.batch),
            places=places,
            rows=rows_of(ctx, places),
            hidden=states[0],
            d_hidden=states[1],
            offsets=ctx.batch.offsets,
            objective=self.objective,
            dropout_key=ctx.dropout_key,
            factor=1.0,
            soft=ctx.batch.soft_targets if is_taught else None,
            states=ctx.batch.hidden_targets if is_taught else None,
        )


def _last(ctx: ForwardContext) -> Array:
    """Go forward; return the last hidden states."""
    hidden = ctx.scratch.made
    for _, result in encode(ctx):
        hidden = result
    return hidden


def _first_tokens(batch: Batch) -> Index:
    return batch.offsets[:-1]
