"""Scores of predictions against gold labels, with intervals: pure functions.

For use in Python, all on plain arrays of class numbers, chances or numbers:

==============================  ====================================================================
`tokpipe.metrics.classes`       ``accuracy``, ``f1``, ``matthews``, ``roc_auc``, ``confusion``,
                                ``class_rows``
`tokpipe.metrics.numbers`       ``pearson``, ``spearman``
`tokpipe.metrics.entities`      ``entity_f1``, ``entity_rows``, ``token_accuracy``
`tokpipe.metrics.answers`       ``exact_match``, ``answer_f1``, ``best_null_threshold``
`tokpipe.metrics.scores`        ``class_scores`` and its like: every score of a task with its 95 %
                                interval, and the majority beside it
`tokpipe.metrics.paired`        ``paired_test`` of two measures (`tokpipe.metrics.measures`)
`tokpipe.metrics.bootstrap`     ``interval``
==============================  ====================================================================
"""
