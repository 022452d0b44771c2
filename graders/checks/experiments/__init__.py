"""Experiments: a submission's networks are trained, and the judge measures what they have learnt."""

from __future__ import annotations

from graders.authoring.experiments import Experiment
from graders.checks.experiments import cnn, lstm, ratings

EXPERIMENTS = (
    Experiment("step05.lstm_overfits_a_batch", lstm.overfit_loss, "low", on_log_scale=True),
    Experiment("step05.lstm_names_the_genre_of_held_out_tracks", lstm.held_out_accuracy, "high"),
    Experiment("step07.cnn_overfits_a_batch", cnn.overfit_loss, "low", given=cnn.OVERFITTED),
    Experiment("step07.cnn_names_the_genre_of_held_out_tracks", cnn.held_out_accuracy, "high"),
    # Right networks reach these, with a narrow head and a seed of their own too (0.82; the lowest of three axes 0.46);
    # ratings of other tracks do once in thirty runs at most. A detached backbone does as well: other checks see that.
    Experiment("step08.regressor_rates_the_energy_of_held_out_tracks", ratings.held_out_energy, "high", given=0.6),
    Experiment("step10.all_axes_of_held_out_tracks_are_rated", ratings.held_out_axes, "high", given=0.3),
)
