"""Scores of predictions against gold labels, with intervals: pure functions on plain arrays.

=========  =========================================================================================
classes    `accuracy`, `f1`, `matthews`, `confusion`, `class_rows`; of several labels `roc_auc`
numbers    `pearson`, `spearman`
tags       `entity_f1`, `entity_rows`, `token_accuracy`
answers    `exact_match`, `answer_f1`, `best_null_threshold`
all that   `class_scores`, `label_scores`, `number_scores`, `entity_scores`, `tag_scores`,
is said    `answer_scores`: `Scores`, every `Score` of a task with its 95 % interval, and the
           majority beside it
two runs   `paired_test` of two `class_measure`, `label_measure`, `number_measure`,
           `entity_measure`, `tag_measure` or `answer_measure`
others     `interval` of whatever can be computed again for drawn rows
=========  =========================================================================================

Examples
--------
>>> import tokpipe
>>> tokpipe.metrics.accuracy([0, 1, 1], [0, 1, 0])
0.6666666666666666
"""

from tokpipe.metrics.answers import answer_f1 as answer_f1
from tokpipe.metrics.answers import best_null_threshold as best_null_threshold
from tokpipe.metrics.answers import exact_match as exact_match
from tokpipe.metrics.bootstrap import interval as interval
from tokpipe.metrics.classes import accuracy as accuracy
from tokpipe.metrics.classes import class_rows as class_rows
from tokpipe.metrics.classes import confusion as confusion
from tokpipe.metrics.classes import f1 as f1
from tokpipe.metrics.classes import matthews as matthews
from tokpipe.metrics.classes import roc_auc as roc_auc
from tokpipe.metrics.entities import entity_f1 as entity_f1
from tokpipe.metrics.entities import entity_rows as entity_rows
from tokpipe.metrics.entities import token_accuracy as token_accuracy
from tokpipe.metrics.measures import Measure as Measure
from tokpipe.metrics.measures import answer_measure as answer_measure
from tokpipe.metrics.measures import class_measure as class_measure
from tokpipe.metrics.measures import entity_measure as entity_measure
from tokpipe.metrics.measures import label_measure as label_measure
from tokpipe.metrics.measures import number_measure as number_measure
from tokpipe.metrics.measures import tag_measure as tag_measure
from tokpipe.metrics.numbers import pearson as pearson
from tokpipe.metrics.numbers import spearman as spearman
from tokpipe.metrics.paired import paired_test as paired_test
from tokpipe.metrics.scores import Score as Score
from tokpipe.metrics.scores import Scores as Scores
from tokpipe.metrics.scores import answer_scores as answer_scores
from tokpipe.metrics.scores import class_scores as class_scores
from tokpipe.metrics.scores import entity_scores as entity_scores
from tokpipe.metrics.scores import label_scores as label_scores
from tokpipe.metrics.scores import number_scores as number_scores
from tokpipe.metrics.scores import tag_scores as tag_scores
