"""Checks of step 6: prediction, scores, the table of scores, and the plots of the matrix and of the losses.

All checks of a step stand in one module, in the order in which students meet them: `needs` names checks of the same
module.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from graders.authoring.check import check
from graders.authoring.describe import describe
from graders.authoring.examples import examples
from graders.authoring.expect import (
    expect_array,
    expect_dtype,
    expect_equal,
    expect_error,
    expect_length,
    expect_number,
    expect_shape,
    expect_text,
    plain,
)
from graders.checks.doubles.models import MakeDouble
from graders.checks.kit.protocol import Kit
from graders.checks.oracles.networks.any_network import evaluating
from graders.checks.oracles.predicted_tracks import (
    call_of,
    draw_tracks,
    expect_all_predicted,
    expect_predicted,
    predicted,
)
from graders.checks.oracles.predictions import (
    EDGES,
    Case,
    cases,
    right_accuracy,
    right_averages,
    right_matrix,
    right_scores,
    sparse_cases,
    table_case,
)
from graders.checks.oracles.score_dicts import entry, expect_average, expect_for_each_class, for_each_class, scored
from graders.checks.oracles.score_tables import (
    ACCURACY,
    MACRO,
    TWO_DECIMALS,
    WEIGHTED,
    class_row,
    expect_class_rows,
    expect_rounded,
    fractions_beside,
    lines_of,
    names_the_columns,
    summary_row,
)
from graders.checks.plots.axes import coordinates, expect_label
from graders.checks.plots.confusion_matrices import CLASSES, draw_matrix, drawn_by_class, expect_matrix
from graders.checks.plots.curves import curves_of
from graders.checks.plots.heat_maps import names_along, place
from graders.checks.plots.losses import curve_of, draw_history
from graders.outcomes import WrongType

MANY = 300  # more tracks of a kind than 8 bits can count
GENRES = ["Τριπ-χοπ", "Jazz", "Hip Hop", "Psych-Rock"]
PREDICTS = ("test_predict_names_the_class_of_each_track",)
COUNTS = ("test_confusion_matrix_counts_true_rows_and_predicted_columns",)
SCORES = ("test_accuracy_is_the_fraction_of_right_predictions",)
MACRO_AVERAGE = ("test_macro_average_is_the_mean_over_classes",)
TABLE = ("test_report_table_has_a_row_for_each_class",)
DRAWS = ("test_plot_confusion_matrix_draws_the_matrix",)
LINES = ("test_plot_losses_draws_both_losses_over_epochs",)


# --- prediction


@check(
    points=0.5,
    hint="The model returns (loss, logits): take logits.argmax(dim=1), and join what the batches give.",
)
def test_predict_names_the_class_of_each_track(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """predict returns the class of the highest logit and the label of each track, in the order of the loader."""
    expect_all_predicted(lab, kit, double, draw_tracks(rng, 12), 4)


@check(points=0.25, hint="return y_pred, y_true: predictions first, labels second.", needs=PREDICTS)
def test_predict_returns_predictions_before_labels(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """predict returns the pair (y_pred, y_true), in this order; without a device it computes on the CPU."""
    wanted = draw_tracks(rng, 12)
    model, call = wanted.predicting(), "predict(model, loader of 12 tracks in batches of 4)"
    pair = lab.step06_evaluation.predict(evaluating(double(model)), wanted.loader(kit, model, 4))
    expect_equal(expect_length(pair, 2, call)[0], wanted.codes, f"y_pred, the first of the pair of {call}")


@check(points=0.25, hint="Convert to np.array(..., dtype=int) of one dimension before you return.", needs=PREDICTS)
def test_predict_returns_arrays_of_integers(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """predict returns two arrays of integers, [N] each."""
    wanted = draw_tracks(rng, 12)
    model, call = wanted.predicting(), call_of(wanted, 4)
    pair = lab.step06_evaluation.predict(evaluating(double(model)), wanted.loader(kit, model, 4), "cpu")
    for value, name in zip(expect_length(pair, 2, call), ("y_pred", "y_true"), strict=True):
        expect_dtype(expect_shape(value, (12,), f"{name} of {call}"), "i", f"{name} of {call}")


@check(
    points=0.25,
    hint="The last batch may be smaller: concatenate the batches, do not stack them, and leave none out.",
    needs=PREDICTS,
)
def test_predict_keeps_a_smaller_last_batch(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """predict has a prediction for every track, also when the last batch is smaller than the others."""
    expect_all_predicted(lab, kit, double, draw_tracks(rng, 8), 3)


@check(
    points=0.25, hint="squeeze() takes away the batch axis of a batch of one; argmax(dim=1) needs none.", needs=PREDICTS
)
def test_predict_takes_batches_of_one(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """predict works with batches of a single track, and with a data set of one."""
    for count in (3, 1):
        expect_all_predicted(lab, kit, double, draw_tracks(rng, count), 1)


@check(
    points=0.5,
    hint="Call model.eval() first, or dropout drops features and batch normalisation learns from test tracks.",
    needs=PREDICTS,
)
def test_predict_evaluates_in_evaluation_mode(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """predict evaluates in evaluation mode, whatever mode the model is in; weights and buffers stay as they are."""
    wanted = draw_tracks(rng, 12)
    predicting = wanted.predicting()
    model = double(predicting)
    before = plain(kit.training.weights(model), "the model's weights and buffers")
    call = call_of(wanted, 4, "model in training mode")
    expect_predicted(lab, model, wanted.loader(kit, predicting, 4), wanted, call)
    after = plain(kit.training.weights(model), "the model's weights and buffers")
    if after != before:
        raise AssertionError(f"{call} turned the model's weights and buffers from {before} into {after!r:.80}.")


@check(
    points=0.25,
    hint="Keep model.training in a variable, and call model.train(that) in the end: whoever trains goes on training.",
    needs=PREDICTS,
)
def test_predict_gives_the_mode_back(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """predict gives the model back in the mode in which it came: training or evaluation."""
    wanted = draw_tracks(rng, 4)
    for training in (True, False):
        predicting = wanted.predicting()
        model = double(predicting)
        model.train(training)
        lab.step06_evaluation.predict(model, wanted.loader(kit, predicting, 4), "cpu")
        if model.training is not training:
            modes = "in training mode in evaluation mode" if training else "in evaluation mode in training mode"
            raise AssertionError(f"{call_of(wanted, 4)} left a model that came {modes}.")


@check(points=0.25, hint="with torch.no_grad(): as a block around the loop, which ends.", needs=PREDICTS)
def test_predict_computes_no_gradients(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """predict keeps no graph for gradients, and leaves it as it was whether gradients are computed."""
    wanted = draw_tracks(rng, 12)
    model = wanted.predicting()
    predicted(lab, double(model), wanted.loader(kit, model, 4), wanted, call_of(wanted, 4))
    kept = model.kept_graphs
    if len(kept) < 3:
        raise AssertionError(
            f"{call_of(wanted, 4)} called the model {len(kept)} times; expected it for each of 3 batches."
        )
    if any(kept):
        raise AssertionError(
            f"{call_of(wanted, 4)}: {sum(kept)} of {len(kept)} batches kept a graph for gradients; expected none."
        )
    if kit.calls.gradients_on() is not True:
        raise AssertionError(
            f"After {call_of(wanted, 4)} no gradients are computed any more: nothing could be trained."
        )


@check(points=0.25, hint="model(x, labels, lengths): an LSTM needs each batch's lengths.", needs=PREDICTS)
def test_predict_hands_the_lengths_on(lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator) -> None:
    """predict gives the model each batch's lengths, so that it knows the last valid timestep."""
    wanted = draw_tracks(rng, 12)
    model, call = wanted.predicting(at_the_end=True), call_of(wanted, 4, "model that reads the last valid timestep")
    expect_predicted(lab, evaluating(double(model)), wanted.loader(kit, model, 4), wanted, call)


@check(
    points=0.25,
    hint="Collect predictions and labels in the same loop: a loader that shuffles has another order in the next.",
    needs=PREDICTS,
)
def test_predict_pairs_predictions_with_their_labels(
    lab: Any, kit: Kit, double: MakeDouble, rng: np.random.Generator
) -> None:
    """predict pairs each prediction with the label of its own track, also when the loader shuffles."""
    wanted = draw_tracks(rng, 24)
    model = wanted.predicting()
    loader = kit.training.shuffling(wanted.loader(kit, model, 4))
    call = f"{call_of(wanted, 4)} with shuffling"
    pairs = sorted(zip(*predicted(lab, evaluating(double(model)), loader, wanted, call), strict=False))
    expect_equal(pairs, sorted(zip(*wanted, strict=True)), f"the sorted pairs of prediction and label of {call}")


# --- the confusion matrix


@check(points=0.5, hint="Add 1 to matrix[true class, predicted class] for each track.")
@examples(case=cases())
def test_confusion_matrix_counts_true_rows_and_predicted_columns(lab: Any, case: Case) -> None:
    """confusion_matrix counts the tracks of each true class (row) predicted as each class (column)."""
    matrix = lab.step06_evaluation.confusion_matrix(*case.arrays)
    expect_array(matrix, right_matrix(case), f"confusion_matrix{case.arguments}", names=case.true_classes)


@check(
    points=0.25, hint="Make the matrix of zeros [num_classes, num_classes] before you look at the labels.", needs=COUNTS
)
@examples(case=sparse_cases())
def test_confusion_matrix_has_every_class(lab: Any, case: Case) -> None:
    """confusion_matrix is [num_classes, num_classes], also when some classes do not occur."""
    matrix = lab.step06_evaluation.confusion_matrix(*case.arrays)
    expect_array(matrix, right_matrix(case), f"confusion_matrix{case.arguments}", names=case.true_classes)


@check(points=0.25, hint="Counts are integers, also above 127 and 255: np.zeros((C, C), dtype=int).", needs=COUNTS)
def test_confusion_matrix_holds_integers(lab: Any) -> None:
    """confusion_matrix returns an array of integers, however many tracks there are."""
    case = Case((0, 1, 1, 2) * MANY, (0, 2, 1, 2) * MANY, 3)
    call = f"confusion_matrix(y_true=[0, 1, 1, 2] * {MANY}, y_pred=[0, 2, 1, 2] * {MANY}, num_classes=3)"
    matrix = expect_dtype(lab.step06_evaluation.confusion_matrix(*case.arrays), "i", call)
    expect_array(matrix, right_matrix(case), call, names=case.true_classes)


# --- the scores


@check(points=0.25, hint="Right predictions divided by all: the matrix's diagonal over its sum, from 0 to 1.")
@examples(case=cases())
def test_accuracy_is_the_fraction_of_right_predictions(lab: Any, case: Case) -> None:
    """classification_scores has the accuracy: right predictions divided by all of them."""
    scores, call = scored(lab, case)
    expect_number(entry(scores, "accuracy", call), right_accuracy(case), f"{call}['accuracy']")


@check(points=0.25, hint="Precision divides by what was predicted as the class: the sum of the matrix's column.")
@examples(case=cases())
def test_precision_is_of_what_was_predicted(lab: Any, case: Case) -> None:
    """classification_scores has each class's precision: of what was predicted as it, the part that belongs to it."""
    scores, call = scored(lab, case)
    expect_for_each_class(scores, "precision", right_averages(case)["precision"], call)


@check(points=0.25, hint="Recall divides by what belongs to the class: the sum of the matrix's row.")
@examples(case=cases())
def test_recall_is_of_what_there_is(lab: Any, case: Case) -> None:
    """classification_scores has each class's recall: of what belongs to it, the part that was predicted as it."""
    scores, call = scored(lab, case)
    expect_for_each_class(scores, "recall", right_averages(case)["recall"], call)


@check(points=0.25, hint="The harmonic mean is 2 * precision * recall / (precision + recall).")
@examples(case=cases())
def test_f1_is_the_harmonic_mean(lab: Any, case: Case) -> None:
    """classification_scores has each class's F1: the harmonic mean of its precision and recall."""
    scores, call = scored(lab, case)
    expect_for_each_class(scores, "f1", right_averages(case)["f1"], call)


@check(points=0.25, hint="Support counts the tracks that belong to a class, whatever they were predicted as.")
@examples(case=cases())
def test_support_counts_true_tracks(lab: Any, case: Case) -> None:
    """classification_scores has each class's support: how many tracks belong to it."""
    scores, call = scored(lab, case)
    expect_for_each_class(scores, "support", right_averages(case)["support"], call)
    expect_dtype(for_each_class(scores, "support", call), "i", f"{call}['support']")


@check(
    points=0.25,
    hint="Sum true positives, false positives and false negatives over the classes, then divide.",
)
@examples(case=cases())
def test_micro_average_counts_all_classes_together(lab: Any, case: Case) -> None:
    """classification_scores has micro averages: of the counts of all classes together."""
    expect_average(lab, case, "micro")


@check(points=0.25, hint="The mean of the classes' scores; for F1 too the mean of the classes' F1.")
@examples(case=cases())
def test_macro_average_is_the_mean_over_classes(lab: Any, case: Case) -> None:
    """classification_scores has macro averages: the mean over the classes, each of which counts the same."""
    expect_average(lab, case, "macro")


@check(points=0.25, hint="np.average(..., weights=support), for F1 too.")
@examples(case=cases())
def test_weighted_average_weighs_classes_by_support(lab: Any, case: Case) -> None:
    """classification_scores has weighted averages: the mean over the classes, weighted by their support."""
    expect_average(lab, case, "weighted")


@check(
    points=0.5,
    hint="Nothing divided by nothing is nan; put 0 there, for instance with np.divide(..., where=denominator > 0).",
    needs=SCORES,
)
@pytest.mark.parametrize("case", EDGES.values(), ids=EDGES.keys())
def test_scores_without_a_denominator_are_zero(lab: Any, case: Case) -> None:
    """A class that is never predicted has precision 0, one without tracks recall 0, one with nothing right F1 0."""
    scores, call = scored(lab, case)
    for name in ("precision", "recall", "f1"):
        right = right_averages(case)[name]
        values = expect_shape(for_each_class(scores, name, call), right.shape, f"{call}[{name!r}]")
        zeros = np.flatnonzero(right == 0)
        expect_array(values[zeros], right[zeros], f"{call}[{name!r}] of the classes {zeros.tolist()}")


@check(points=0.25, hint="Divide by num_classes, not by the number of classes that occur.", needs=MACRO_AVERAGE)
@examples(case=sparse_cases())
def test_macro_average_counts_classes_that_do_not_occur(lab: Any, case: Case) -> None:
    """The macro averages are over all num_classes classes: one that does not occur counts as 0."""
    expect_average(lab, case, "macro")


@check(
    points=0.25,
    hint="np.asarray(y_true) first: two lists compared with == give one truth value.",
    needs=(*COUNTS, *SCORES),
)
@examples(case=cases())
def test_scores_of_lists_are_those_of_arrays(lab: Any, case: Case) -> None:
    """confusion_matrix and classification_scores take lists as well as arrays, with the same result."""
    call = f"confusion_matrix{case.arguments}, of lists,"
    expect_array(lab.step06_evaluation.confusion_matrix(*case.lists), right_matrix(case), call)
    of_arrays, _ = scored(lab, case)
    of_lists, call = lab.step06_evaluation.classification_scores(*case.lists), f"classification_scores{case.arguments}"
    expect_number(entry(of_lists, "accuracy", call), right_accuracy(case), f"{call}['accuracy'], of lists,")
    for name in ("precision", "recall", "f1"):
        same = expect_shape(for_each_class(of_arrays, name, call), (case.classes,), f"{call}[{name!r}]")
        expect_array(for_each_class(of_lists, name, call), same, f"{call}[{name!r}], of lists,")


def expect_refused(lab: Any, case: Case) -> None:
    """Raise unless both functions raise ValueError."""
    with expect_error(ValueError, f"confusion_matrix{case.arguments}"):
        lab.step06_evaluation.confusion_matrix(*case.arrays)
    with expect_error(ValueError, f"classification_scores{case.arguments}"):
        lab.step06_evaluation.classification_scores(*case.arrays)


@check(
    points=0.25,
    hint="Label -1 is no class, but NumPy takes it for the last one: check the labels first, and raise ValueError.",
    needs=(*COUNTS, *SCORES),
)
@pytest.mark.parametrize("label", [3, -1])
def test_scores_refuse_labels_that_are_no_class(lab: Any, label: int) -> None:
    """confusion_matrix and classification_scores raise ValueError for a label outside 0..num_classes-1."""
    expect_refused(lab, Case((0, label, 1, 2), (0, 1, 1, 2), 3))
    expect_refused(lab, Case((0, 1, 1, 2), (0, label, 1, 2), 3))


@check(
    points=0.25,
    hint="zip() stops at the shorter one and NumPy repeats a single label: compare the lengths, raise ValueError.",
    needs=(*COUNTS, *SCORES),
)
@pytest.mark.parametrize("predicted", [(0, 1, 1), (1,)], ids=len)
def test_scores_refuse_arrays_of_different_lengths(lab: Any, predicted: tuple[int, ...]) -> None:
    """confusion_matrix and classification_scores raise ValueError for y_true and y_pred of different lengths."""
    expect_refused(lab, Case((0, 1, 1, 2), predicted, 3))
    expect_refused(lab, Case(predicted, (0, 1, 1, 2), 3))


# --- the table


@check(
    points=0.5,
    hint="For each class a line with its number, scores[...][number] of precision, recall and f1, and the support.",
)
def test_report_table_has_a_row_for_each_class(lab: Any, rng: np.random.Generator) -> None:
    """report_table has a row for each class: its number, precision, recall, f1-score, support."""
    case = table_case(rng)
    table = lab.step06_evaluation.report_table(right_scores(case))
    expect_class_rows(table, case, ["0", "1", "2", "3"], "report_table(scores)")


@check(points=0.25, hint="class_names[number] stands where the number would.", needs=TABLE)
def test_report_table_names_the_classes(lab: Any, rng: np.random.Generator) -> None:
    """report_table calls the classes by their names, when it is given some."""
    case = table_case(rng)
    table = lab.step06_evaluation.report_table(right_scores(case), list(GENRES))
    expect_class_rows(table, case, GENRES, f"report_table(scores, {GENRES})")


@check(points=0.25, hint="Three more rows: accuracy, macro avg and weighted avg.", needs=TABLE)
def test_report_table_ends_with_accuracy_and_averages(lab: Any, rng: np.random.Generator) -> None:
    """report_table has the accuracy, and the macro and weighted averages of precision, recall and f1-score."""
    call, case = "report_table(scores)", table_case(rng)
    lines, scores = lines_of(lab.step06_evaluation.report_table(right_scores(case)), call), right_scores(case)
    (accuracy, *_) = summary_row(lines, ACCURACY, 1, "accuracy", call)
    expect_rounded(accuracy, scores["accuracy"], f"{call}: the accuracy")
    for average, pattern in (("macro", MACRO), ("weighted", WEIGHTED)):
        numbers = summary_row(lines, pattern, 3, f"{average} avg", call)
        for key, value in zip(("precision", "recall", "f1"), numbers, strict=False):
            expect_rounded(value, scores[average][key], f"{call}: the {key} of {average} avg")


@check(points=0.25, hint="f'{value:.2f}' writes 0.5 as 0.50; round(value, 2) does not.", needs=TABLE)
def test_report_table_writes_two_decimals(lab: Any) -> None:
    """report_table writes precision, recall and f1-score with two decimals, the accuracy and the averages too."""
    case = Case((0, 0, 0, 1, 2, 2, 3), (0, 0, 1, 0, 1, 2, 3), 4)
    call = "report_table(scores)"
    lines = lines_of(lab.step06_evaluation.report_table(right_scores(case)), call)
    for name in "0123":
        wrong = [number for number in class_row(lines, name, call)[:3] if not TWO_DECIMALS.fullmatch(number)]
        if wrong:
            raise AssertionError(f"{call} writes {wrong[0]} in the row of class {name}; expected two decimals.")
    for pattern in (ACCURACY, MACRO, WEIGHTED):
        wrong = [number for number in fractions_beside(lines, pattern) if not TWO_DECIMALS.fullmatch(number)]
        if wrong:
            raise AssertionError(f"{call} writes {wrong[0]} for the accuracy or an average; expected two decimals.")


@check(points=0.25, hint="A first line names the columns.", needs=TABLE)
def test_report_table_names_its_columns(lab: Any, rng: np.random.Generator) -> None:
    """report_table names its columns, in a line above: precision, recall, f1-score, support."""
    call = "report_table(scores)"
    lines = lines_of(lab.step06_evaluation.report_table(right_scores(table_case(rng))), call)
    headers = [number for number, words in enumerate(lines) if names_the_columns(" ".join(words))]
    if not headers:
        raise AssertionError(f"{call} has no line that names its columns: precision, recall, f1-score, support.")
    class_row(lines[headers[0] :], "0", f"{call}, below the names of its columns,")


@check(
    points=0.25,
    hint="zip() stops at the shorter one: raise ValueError unless len(class_names) is the number of classes.",
    needs=(*TABLE, "test_report_table_names_the_classes"),
)
def test_report_table_refuses_names_of_another_number(lab: Any, rng: np.random.Generator) -> None:
    """report_table raises ValueError for more or fewer names than there are classes."""
    scores = right_scores(table_case(rng))
    for names in (GENRES[:3], [*GENRES, "Rock"]):
        with expect_error(ValueError, f"report_table(scores of 4 classes, {names})"):
            lab.step06_evaluation.report_table(scores, list(names))


# --- the plot of the confusion matrix

NUMBERS = ["0", "1", "2", "3"]
MOST_BLURRED = 0.25  # of the range of values: a map of five colours blurs a fifth
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)
PREDICTED_LABEL = re.compile(r"predict|προβλ|πρόβλ", re.IGNORECASE)
TRUE_LABEL = re.compile(r"true|truth|actual|πραγμ|αληθ|αλήθ", re.IGNORECASE)


@check(points=0.5, hint="ax.imshow(matrix): rows downwards are true classes, columns are predicted ones.")
def test_plot_confusion_matrix_draws_the_matrix(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_confusion_matrix draws the matrix as a heat map: predicted classes along x, true classes along y."""
    ax = kit.empty_axes()
    call = "plot_confusion_matrix(matrix, ax)"
    matrix = draw_matrix(rng)
    lab.step06_evaluation.plot_confusion_matrix(matrix.copy(), ax)
    by_class, drawn = drawn_by_class(kit, ax, NUMBERS, call)
    expect_matrix(by_class(drawn.values), matrix, call)
    if drawn.blurred > MOST_BLURRED:
        raise AssertionError(
            f"{call} draws values that are {drawn.blurred:.0%} of their whole range apart in one colour; expected "
            "colours that tell them apart."
        )


@check(points=0.25, hint="return what ax.imshow returns: a colour bar is made for it.", needs=DRAWS)
def test_plot_confusion_matrix_returns_what_it_drew(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_confusion_matrix returns the image that it has drawn on the axes."""
    ax = kit.empty_axes()
    call = "plot_confusion_matrix(matrix, ax)"
    image = lab.step06_evaluation.plot_confusion_matrix(draw_matrix(rng), ax)
    if not kit.is_a(image, "matplotlib.cm", "ScalarMappable") or not kit.is_drawn_on(image, ax):
        raise WrongType(f"{call} returned {describe(image)}; expected the image or the mesh that it has drawn on ax.")


@check(points=0.5, hint="ax.text(column, row, count): x is the column, y is the row.", needs=DRAWS)
def test_plot_confusion_matrix_writes_the_counts(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_confusion_matrix writes each cell's count into it."""
    ax = kit.empty_axes()
    call = "plot_confusion_matrix(matrix, ax)"
    matrix = draw_matrix(rng)
    lab.step06_evaluation.plot_confusion_matrix(matrix.copy(), ax)
    by_class, drawn = drawn_by_class(kit, ax, NUMBERS, call)
    written = np.zeros((2, CLASSES, CLASSES))  # a cell that is left empty says 0
    for text in kit.visible(ax.texts):
        x, y = coordinates(text.get_position(), call)
        row, column = place(drawn.ys, y), place(drawn.xs, x)
        numbers = [float(number) for number in NUMBER.findall(expect_text(text.get_text(), f"a text of {call}"))]
        if numbers and row is not None and column is not None:
            written[:, row, column] = numbers[0], numbers[:2][-1]  # a fraction may stand before or behind the count
    first, second = map(by_class, written)
    shown, rows = np.where(second == matrix, second, first), [f"true class {number}" for number in NUMBERS]
    expect_array(shown, matrix, f"the matrix of counts that {call} wrote", names=rows)


@check(
    points=0.25,
    hint="ax.set_xticks(range(len(names)), labels=names), and the same for y: a tick at the middle of each cell.",
    needs=DRAWS,
)
def test_plot_confusion_matrix_names_rows_and_columns(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_confusion_matrix names each column and each row by its class; ValueError for more or fewer names."""
    ax = kit.empty_axes()
    call = f"plot_confusion_matrix(matrix, ax, {GENRES})"
    matrix = draw_matrix(rng)
    lab.step06_evaluation.plot_confusion_matrix(matrix.copy(), ax, list(GENRES))
    by_class, drawn = drawn_by_class(kit, ax, GENRES, call)
    for axis, middles, name in ((ax.xaxis, drawn.xs, "of its columns"), (ax.yaxis, drawn.ys, "of its rows")):
        texts = names_along(kit, axis, middles, call)
        if sorted(texts) != sorted(GENRES):
            raise AssertionError(f"{call} has the texts {texts} at the middles {name}; expected the names.")
    expect_matrix(by_class(drawn.values), matrix, f"{call}, read by the names at its ticks,", GENRES)
    for names in (GENRES[:3], [*GENRES, "Rock"]):
        with expect_error(ValueError, f"plot_confusion_matrix(matrix of 4 classes, ax, {names})"):
            lab.step06_evaluation.plot_confusion_matrix(matrix.copy(), kit.empty_axes(), list(names))


@check(points=0.25, hint='ax.set(xlabel="Predicted", ylabel="True").', needs=DRAWS)
def test_plot_confusion_matrix_labels_its_axes(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_confusion_matrix labels the x axis "Predicted" and the y axis "True"."""
    ax = kit.empty_axes()
    matrix = draw_matrix(rng)
    lab.step06_evaluation.plot_confusion_matrix(matrix.copy(), ax)
    expect_label(kit.label_of(ax.xaxis), PREDICTED_LABEL, "the x label of plot_confusion_matrix", "the predicted class")
    expect_label(kit.label_of(ax.yaxis), TRUE_LABEL, "the y label of plot_confusion_matrix", "the true class")


# --- the plot of the losses

TRAINING = re.compile(r"train|εκπαίδ|εκπαιδ", re.IGNORECASE)
VALIDATION = re.compile(r"val|επαλήθ|επαληθ|επικύρ|επικυρ", re.IGNORECASE)
EPOCH = re.compile(r"epoch|εποχ", re.IGNORECASE)
LOSS = re.compile(r"loss|entropy|σφάλμ|σφαλμ|απώλ|απωλ|κόστ|κοστ|εντροπ", re.IGNORECASE)


@check(points=0.5, hint="ax.plot(range(1, epochs + 1), history['train_loss']), and the same for val_loss.")
def test_plot_losses_draws_both_losses_over_epochs(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_losses draws a line through the training losses and one through the validation losses, epoch by epoch."""
    ax = kit.empty_axes()
    call = "plot_losses(history, ax)"
    history = draw_history(rng)
    lab.step06_evaluation.plot_losses({name: list(losses) for name, losses in history.items()}, ax)
    curves = curves_of(kit, ax, call)
    for name, losses in history.items():
        epochs = curve_of(curves, name, losses, call).points[:, 0]
        first = 0 if epochs[0] == 0 else 1
        expect_array(epochs, np.arange(len(losses)) + first, f"the array of epochs over which {call} drew {name}")


@check(points=0.25, hint="ax.plot(..., label='Training') and then ax.legend().", needs=LINES)
def test_plot_losses_has_a_legend(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_losses has a legend that says which line is training and which is validation."""
    ax = kit.empty_axes()
    call = "plot_losses(history, ax)"
    history = draw_history(rng)
    lab.step06_evaluation.plot_losses({name: list(losses) for name, losses in history.items()}, ax)
    curves = curves_of(kit, ax, call)
    for name, right, wrong in (("train_loss", TRAINING, VALIDATION), ("val_loss", VALIDATION, TRAINING)):
        label = curve_of(curves, name, history[name], call).label
        if not right.search(label) or wrong.search(label):
            naming = f"calls the line of {name} {label!r}" if label else f"does not name the line of {name}"
            raise AssertionError(f"{call}: the legend {naming}; expected it to say training or validation.")


@check(
    points=0.25, hint='ax.plot(range(1, epochs + 1), losses), and ax.set(xlabel="Epoch", ylabel="Loss").', needs=LINES
)
def test_plot_losses_labels_its_axes(lab: Any, kit: Kit, rng: np.random.Generator) -> None:
    """plot_losses labels the x axis "Epoch", which counts from 1, and the y axis "Loss"."""
    ax = kit.empty_axes()
    call = "plot_losses(history, ax)"
    history = draw_history(rng)
    lab.step06_evaluation.plot_losses({name: list(losses) for name, losses in history.items()}, ax)
    expect_label(kit.label_of(ax.xaxis), EPOCH, "the x label of plot_losses", "epochs")
    expect_label(kit.label_of(ax.yaxis), LOSS, "the y label of plot_losses", "the loss")
    first = curve_of(curves_of(kit, ax, call), "train_loss", history["train_loss"], call).points[0, 0]
    expect_number(float(first), 1, f"the first epoch of {call}")
