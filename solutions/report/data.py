"""The data of the experiments: loaders of standardised tracks, and what a data folder has to hold."""

import hashlib
import io
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any, Final, TypeVar

import numpy as np
from jaxtyping import Float
from torch.utils.data import DataLoader, Subset

from solutions.step01_spectrograms import read_labels
from solutions.step04_dataset import CLASS_MAPPING, SpectrogramDataset, _read_ratings, torch_train_val_split

from .settings import Settings

GENRES: Final = "fma_genre_spectrograms"
RATINGS: Final = "multitask_dataset"
BEAT: Final = "_beat"
CLASSES: Final = tuple(sorted({genre for genre in CLASS_MAPPING.values() if genre is not None}))

_SPLITS: Final = (
    *((f"{GENRES}{speed}", split) for speed in ("", BEAT) for split in ("train", "test")),
    *((f"{RATINGS}{speed}", "train") for speed in ("", BEAT)),
)
# Of what a track holds: rows 0-127 are the mel spectrogram, rows 128-139 the chromagram.
_ROWS = 140
# What NumPy raises for a file that is none of its own, is cut short, or has a spoilt header.
_NOT_NUMPYS = (ValueError, TypeError, SyntaxError, TokenError, MemoryError)
# The fewest tracks: validation has a mean loss of one, a rank correlation takes two.
_VALIDATED, _CORRELATED = 1, 2
# A feature that is silent in all of training has no deviation to divide by.
_SMALLEST_DEVIATION = 1e-6

_Entry = TypeVar("_Entry")


class DataFault(ValueError):
    """A data folder cannot serve; the message says what is wrong where, and what to do."""


@dataclass(frozen=True)
class Loaders:
    """Batches (x [B, T, F], labels, lengths [B]) of standardised tracks to train, validate and test on."""

    train: DataLoader[Any]
    val: DataLoader[Any]
    test: DataLoader[Any]

    @property
    def input_dims(self) -> tuple[int, int]:
        """Timesteps and features of every training track, padding included."""
        timesteps, features = next(iter(self.train))[0].shape[1:]
        return int(timesteps), int(features)


def check_folder(data: Path, settings: Settings) -> str:
    """Read all that the experiments will, the course's four collections, and see that they can be done with it.

    Args:
        data: the data folder.
        settings: fractions of the tracks for validation and test.

    Returns:
        A digest of the contents: other tracks, ratings or genres have another one.

    Raises:
        DataFault: the folder, an index or a track is missing or cannot be used, or there are too few tracks.
    """
    try:
        there = data.is_dir()
    except OSError as error:
        raise DataFault(
            f"The data folder {data} cannot be read ({error.strerror}); give another with --data."
        ) from error
    if not there:
        raise DataFault(f"The data folder {data} does not exist; give the folder that holds {GENRES} with --data.")
    read = []
    for collection, split in _SPLITS:
        name = f"{collection}/{split}_labels.txt"
        index = data / name
        missing = f"The data folder {data} has no {name}; complete it, or make one with python -m fixtures build."
        read.append((name, _sha256(_content(index, missing))))
        tracks = _genre_tracks(index) if collection.startswith(GENRES) else _rated_tracks(index)
        if split == "train":
            _check_count(index, len(tracks), settings)
        for track in tracks:
            file = data / collection / split / track
            content = _content(file, f"{file} does not exist, although {index.name} names it; complete the collection.")
            _check_track(file, content)
            read.append((f"{collection}/{split}/{track}", _sha256(content)))
    return _sha256(repr(read).encode())


def read_track(file: Path) -> Float[np.ndarray, "140 T"]:
    """Return the features of a track.

    Raises:
        DataFault: there is no such file, or it is not a track.
    """
    return _check_track(file, _content(file, f"{file} does not exist; complete the collection."))


def _content(file: Path, missing: str) -> bytes:
    try:
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataFault(missing) from error
    except OSError as error:
        raise DataFault(f"{file} cannot be read ({error.strerror}); allow reading it, or replace it.") from error
    except ValueError as error:
        raise DataFault(f"{str(file)!r} is no name of a file; correct the index that names it.") from error


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _check_track(file: Path, content: bytes) -> Float[np.ndarray, "140 T"]:
    try:
        track: np.ndarray = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except _NOT_NUMPYS as error:
        raise DataFault(f"{file} is not a whole .npy file of numbers; replace it.") from error
    if track.ndim != 2 or len(track) != _ROWS or track.size == 0:  # noqa: PLR2004 - rows and columns
        raise DataFault(f"{file} has shape {track.shape}, not ({_ROWS}, T) with a timestep or more; replace it.")
    if track.dtype.kind not in "fiu":
        raise DataFault(f"{file} holds values of type {track.dtype}, which are not real numbers; replace it.")
    if not np.isfinite(track).all():
        raise DataFault(f"{file} holds NaN or infinity; replace it.")
    return track


def _genre_tracks(index: Path) -> list[str]:
    """Return the tracks that have one of the ten genres."""
    entries = _entries(index, read_labels)
    for name, genre in entries:
        if genre not in CLASS_MAPPING:
            raise DataFault(
                f"{index} gives {name} the genre {genre!r}, which CLASS_MAPPING does not have; correct the index, or "
                "add the genre to CLASS_MAPPING in solutions/step04_dataset.py."
            )
    tracks = [name for name, genre in entries if CLASS_MAPPING[genre] is not None]
    if not tracks:
        raise DataFault(f"{index} names no tracks of the ten genres; complete it.")
    return tracks


def _rated_tracks(index: Path) -> list[str]:
    entries = _entries(index, _read_ratings)
    for name, ratings in entries:
        if not all(map(math.isfinite, ratings)):
            raise DataFault(f"{index} gives {name} a rating that is not a finite number; correct it.")
    return [name for name, _ in entries]


def _entries(index: Path, read: Callable[[Path], list[_Entry]]) -> list[_Entry]:
    try:
        return read(index)
    except UnicodeDecodeError as error:
        raise DataFault(f"The index {index} is not UTF-8; save it as UTF-8.") from error
    except ValueError as error:
        raise DataFault(str(error)) from error


def _check_count(index: Path, count: int, settings: Settings) -> None:
    parts = [(settings.val_size, _VALIDATED)]
    if index.parent.name.startswith(RATINGS):
        parts += [(settings.rating_val_size, _VALIDATED)]
        parts += [(settings.test_size, _CORRELATED), (settings.rating_test_size, _CORRELATED)]
    needed = next(n for n in itertools.count(1) if all(math.floor(size * n) >= least for size, least in parts))
    if count < needed:
        raise DataFault(
            f"{index} names {count} track(s) to use, too few to validate and test on; complete it to {needed} or more."
        )


def genre_loaders(data: Path, *, beat: bool, feat_type: str, settings: Settings, seed: int) -> Loaders:
    """Return loaders of the genres: the data's own test split, and validation tracks drawn from its training split.

    Args:
        data: a data folder that `check_folder` accepts.
        beat: take the beat-synchronous tracks, at their own lengths; otherwise those at full speed, cut to
            `settings.max_length` timesteps.
        feat_type: "mel", "chroma" or "fused".
        settings: batch size, length and validation fraction.
        seed: seed of the validation split and of the order of batches.
    """
    folder, max_length = _collection(data, GENRES, beat=beat, settings=settings)
    tracks = SpectrogramDataset(folder, CLASS_MAPPING, True, feat_type, max_length)
    test = SpectrogramDataset(folder, CLASS_MAPPING, False, feat_type, max_length)
    train_loader, val_loader = torch_train_val_split(
        tracks, settings.batch, settings.batch, settings.val_size, seed=seed
    )
    _standardise(train_loader, tracks, test)
    return Loaders(train_loader, val_loader, DataLoader(test, settings.batch))


def rating_loaders(
    data: Path, *, beat: bool, axis: int | None, settings: Settings, seed: int, transfer: bool = False
) -> Loaders:
    """Return loaders of rated mel spectrograms, split in three: the test split of the data has no labels.

    Args:
        data: a data folder that `check_folder` accepts.
        beat: as for `genre_loaders`.
        axis: 1, 2 or 3 for valence, energy or danceability; None for all three at once. The same seed gives the
            same split for any of them.
        settings: batch size, length, validation and test fraction.
        seed: seed of the split and of the order of batches.
        transfer: split as for transfer.
    """
    folder, max_length = _collection(data, RATINGS, beat=beat, settings=settings)
    tracks = SpectrogramDataset(folder, max_length=max_length, regression=axis, multitask=axis is None)
    sizes = (
        (settings.val_size, settings.test_size) if transfer else (settings.rating_val_size, settings.rating_test_size)
    )
    loaders = torch_train_val_split(tracks, settings.batch, settings.batch, *sizes, seed=seed)
    _standardise(loaders[0], tracks)
    return Loaders(*loaders)


def _collection(data: Path, name: str, *, beat: bool, settings: Settings) -> tuple[Path, int]:
    return (data / f"{name}{BEAT}", -1) if beat else (data / name, settings.max_length)


def _standardise(train_loader: DataLoader[Any], *collections: SpectrogramDataset) -> None:
    """Standardise collections in place by the valid timesteps of the training tracks; padding stays 0."""
    subset = train_loader.dataset
    if not isinstance(subset, Subset) or not isinstance(subset.dataset, SpectrogramDataset):
        raise TypeError("torch_train_val_split is expected to take a Subset of the tracks.")
    tracks = subset.dataset
    valid = np.concatenate([tracks.feats[i][: tracks.lengths[i]] for i in subset.indices])
    mean, deviation = valid.mean(axis=0), np.maximum(valid.std(axis=0), _SMALLEST_DEVIATION)
    for collection in collections:
        for feature, length in zip(collection.feats, collection.lengths, strict=True):
            _standardise_track(feature[:length], mean, deviation)


def _standardise_track(
    feature: Float[np.ndarray, "T F"], mean: Float[np.ndarray, " F"], deviation: Float[np.ndarray, " F"]
) -> None:
    feature -= mean
    feature /= deviation
