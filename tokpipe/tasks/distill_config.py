"""Settings of distillation."""

from dataclasses import dataclass, replace

from tokpipe.bert.config import BertConfig
from tokpipe.foundation.config import Config, setting
from tokpipe.foundation.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class DistillConfig(Config):
    """How large a student is, and what it learns of its teacher."""

    layers: int | None = setting(
        None, "Layers of the student. None: half of the teacher's, or as many if narrower.", least=1
    )
    hidden_size: int | None = setting(
        None,
        "Width of the student, narrower than the teacher: its weights are drawn then, and not "
        "taken from the teacher's layers.",
        least=1,
    )
    temperature: float = setting(
        2.0, "What logits are divided by before they are compared.", least=0.01
    )
    alpha: float = setting(
        0.5, "Share of the teacher in the loss; the gold labels have the rest.", least=0.0, most=1.0
    )
    hidden_weight: float = setting(
        1.0,
        "What the squared distance to the teacher's last hidden states counts; a narrower student "
        "is compared with their main directions, as many as it is wide.",
        least=0.0,
    )
    cosine_weight: float = setting(
        0.0, "What the angle between the last hidden states of both counts.", least=0.0
    )
    relation_weight: float = setting(
        0.0,
        "What the difference counts between the relations that tokens have in the last attention "
        "of both: among queries, among keys, among values.",
        least=0.0,
    )

    @property
    def follows_states(self) -> bool:
        """Whether hidden states are compared."""
        return self.hidden_weight > 0 or self.cosine_weight > 0

    def narrows(self, teacher: BertConfig) -> bool:
        """Whether the student is narrower than its teacher."""
        return self.hidden_size not in (None, teacher.hidden_size)

    def student(self, model: BertConfig) -> BertConfig:
        """Return the settings of a student of a model.

        Raises
        ------
        ConfigError
            If it is no smaller than the teacher, or its width cannot be shared among heads as wide
            as the teacher's.

        Examples
        --------
        >>> made = DistillConfig(hidden_size=384).student(BertConfig())
        >>> made.num_hidden_layers, made.num_attention_heads, made.intermediate_size
        (12, 6, 1536)
        """
        most, width = model.num_hidden_layers, self.hidden_size or model.hidden_size
        is_narrow = self.narrows(model)
        layers = self.layers or (most if is_narrow else max(1, most // 2))
        if layers > most or width > model.hidden_size or (layers == most and not is_narrow):
            raise ConfigError(
                f"a student of {layers} layers, {width} wide, is no smaller than its teacher of "
                f"{most} layers, {model.hidden_size} wide",
                hint="Give fewer --layers or a lesser --hidden-size.",
            )
        if width % model.head_size:
            raise ConfigError(
                f"hidden_size={width} is no multiple of {model.head_size}, the width of one of the "
                "teacher's attention heads"
            )
        return replace(
            model,
            num_hidden_layers=layers,
            hidden_size=width,
            num_attention_heads=width // model.head_size,
            intermediate_size=max(1, model.intermediate_size * width // model.hidden_size),
        )
