"""The committed data set: its layout and quirks, what its music says, and how it is built and verified."""

import csv
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fixtures import DATA, tracks
from fixtures.__main__ import main
from fixtures.dataset import build
from fixtures.emotion import Causes, expected_emotion, rated_emotion, varied_causes
from fixtures.features import fuse
from fixtures.genres import STYLES
from fixtures.harmony import HARMONIES
from fixtures.instruments import INSTRUMENTS
from fixtures.manifest import problems, read_manifest
from fixtures.plan import GENRE, MULTITASK, REPORT_PAIR, Plan, Track, make_plan
from fixtures.rhythm import GROOVES, steps, vary
from fixtures.synthesis import synthesise
from fixtures.tracks import FEWEST_COLUMNS, causes, emotion, perform

COLLECTIONS = (GENRE, f"{GENRE}_beat", MULTITASK, f"{MULTITASK}_beat")
CALM = Causes(tempo=80.0, major=False, brightness=0.3, density=0.3, distortion=0.1, drums=0.3, regularity=0.5)


def index(folder: Path, split: str) -> list[tuple[str, str]]:
    lines = (folder / f"{split}_labels.txt").read_text(encoding="utf-8").splitlines()
    return [(name, genre) for name, genre in (line.split("\t") for line in lines[1:])]


def file_of(folder: Path, split: str, name: str) -> Path:
    return folder / split / f"{name.partition('.')[0]}.fused.full.npy"


def ratings(folder: Path) -> dict[str, np.ndarray]:
    with (folder / "train_labels.txt").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    assert rows[0] == ["Id", "valence", "energy", "danceability"]
    return {row[0]: np.array(row[1:], dtype=float) for row in rows[1:]}


# The committed data


def test_committed_data_are_what_the_manifest_says() -> None:
    assert problems(DATA, read_manifest(DATA)) == []


def test_committed_data_stay_below_30_megabytes() -> None:
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 30e6


def test_committed_data_follow_the_default_plan() -> None:
    plan, manifest = make_plan(), read_manifest(DATA)
    assert (manifest.seed, manifest.scale, manifest.seconds) == (plan.seed, plan.scale, plan.seconds)
    for track in plan.tracks:
        full = np.load(DATA / track.collection / track.split / f"{track.number}.fused.full.npy", mmap_mode="r")
        assert full.shape == (140, track.frames)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_array_is_a_finite_fused_feature(collection: str) -> None:
    for path in (DATA / collection).glob("*/*.npy"):
        fused = np.load(path, allow_pickle=False)
        assert fused.dtype == np.float32
        assert fused.shape[0] == 140
        assert fused.shape[1] >= FEWEST_COLUMNS
        assert np.isfinite(fused).all()
        assert fused[:128].min() >= -80.001
        assert fused[:128].max() <= 0.001
        assert fused[128:].min() >= 0.0
        assert fused[128:].max() <= 1.001


@pytest.mark.parametrize("collection", [GENRE, MULTITASK])
def test_beat_copy_holds_the_same_tracks(collection: str) -> None:
    full = {path.relative_to(DATA / collection) for path in (DATA / collection).glob("*/*.npy")}
    beat = {path.relative_to(DATA / f"{collection}_beat") for path in (DATA / f"{collection}_beat").glob("*/*.npy")}
    assert full == beat


@pytest.mark.parametrize(("number", "genre", "columns"), [(1042, "Blues", 62), (69588, "Trip-Hop", 87)])
def test_report_pair_has_the_reports_lengths(number: int, genre: str, columns: int) -> None:
    name = f"{number}.fused.full.npy"
    assert np.load(DATA / GENRE / "train" / name).shape == (140, 1293)
    assert np.load(DATA / f"{GENRE}_beat" / "train" / name).shape == (140, columns)
    assert [g for n, g in index(DATA / GENRE, "train") if n.startswith(f"{number}.")] == [genre]


def test_report_pair_is_the_same_under_every_seed() -> None:
    assert make_plan(1).tracks[:2] == make_plan(2).tracks[:2] == REPORT_PAIR


# Indexes


@pytest.mark.parametrize(
    ("folder", "split", "kind"),
    [
        (GENRE, "train", "fused.full"),
        (GENRE, "test", "full.fused"),
        (f"{GENRE}_beat", "train", "beatsync.fused"),
        (f"{GENRE}_beat", "test", "beatsync.fused"),
    ],
)
def test_genre_index_has_its_quirk(folder: str, split: str, kind: str) -> None:
    names = [name for name, _ in index(DATA / folder, split)]
    zipped = sum(name.endswith(".gz") for name in names)
    assert {".".join(name.split(".")[1:3]) for name in names} == {kind}
    assert 0.25 < zipped / len(names) < 0.75
    assert {file_of(DATA / folder, split, name) for name in names} == set((DATA / folder / split).iterdir())


def test_indexes_begin_with_a_header() -> None:
    for path in DATA.glob("fma*/*_labels.txt"):
        assert path.read_text(encoding="utf-8").splitlines()[0] == "Id\tGenre"


@pytest.mark.parametrize("collection", [MULTITASK, f"{MULTITASK}_beat"])
def test_multitask_rates_train_and_not_test(collection: str) -> None:
    rated = ratings(DATA / collection)
    assert {f"{number}.fused.full.npy" for number in rated} == {p.name for p in (DATA / collection / "train").iterdir()}
    assert all(((axes >= 0.0) & (axes <= 1.0)).all() for axes in rated.values())
    assert not (DATA / collection / "test_labels.txt").exists()
    assert len(list((DATA / collection / "test").iterdir())) == 6


def test_train_has_every_source_genre() -> None:
    assert {genre for _, genre in index(DATA / GENRE, "train")} == set(STYLES)


@pytest.mark.parametrize(
    ("split", "counts"), [("train", [3, 3, 6, 6, 3, 3, 6, 3, 8, 3]), ("test", [2, 2, 4, 4, 2, 2, 4, 2, 5, 2])]
)
def test_classes_are_unbalanced_as_in_the_report(split: str, counts: list[int]) -> None:
    merged = Counter(STYLES[genre].merged for _, genre in index(DATA / GENRE, split))
    dropped = merged.pop(None)
    assert [merged[name] for name in sorted(name for name in merged if name)] == counts
    assert dropped == {"train": 5, "test": 3}[split]


# What the music says


def test_three_axes_correlate_positively() -> None:
    valence, energy, danceability = np.array(list(ratings(DATA / MULTITASK).values())).T
    assert np.corrcoef(energy, danceability)[0, 1] > 0.4
    assert np.corrcoef(energy, valence)[0, 1] > 0.3
    assert np.corrcoef(valence, danceability)[0, 1] > 0.1


@pytest.mark.parametrize(
    ("axis", "change"),
    [
        ("valence", {"major": True}),
        ("valence", {"tempo": 120.0}),
        ("valence", {"brightness": 0.8}),
        ("energy", {"tempo": 120.0}),
        ("energy", {"density": 0.8}),
        ("energy", {"distortion": 0.8}),
        ("energy", {"brightness": 0.8}),
        ("energy", {"drums": 0.8}),
        ("danceability", {"drums": 0.8}),
        ("danceability", {"regularity": 1.0}),
        ("danceability", {"tempo": 120.0}),
    ],
)
def test_emotion_follows_each_of_its_causes(axis: str, change: dict[str, float]) -> None:
    lively = replace(CALM, **change)  # type: ignore[arg-type]
    assert getattr(expected_emotion(lively), axis) > getattr(expected_emotion(CALM), axis) + 0.02


def test_a_tempo_far_above_120_is_less_danceable() -> None:
    at_120, at_200 = (expected_emotion(replace(CALM, tempo=tempo)) for tempo in (120.0, 200.0))
    assert at_200.danceability < at_120.danceability
    assert at_200.energy > at_120.energy


def test_listeners_disagree_a_little_around_the_expected_emotion() -> None:
    rng = np.random.default_rng(0)
    heard = np.array([rated_emotion(CALM, rng).energy for _ in range(400)])
    assert heard.mean() == pytest.approx(expected_emotion(CALM).energy, abs=0.01)
    assert 0.02 < heard.std() < 0.06


def test_causes_are_audible() -> None:
    style, lively = STYLES["Rock"], replace(CALM, density=0.9, distortion=0.9, brightness=0.9, drums=0.9)
    quiet, loud = (synthesise(style, c, 66_150, np.random.default_rng(5)) for c in (CALM, lively))

    def centroid(clip: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(clip)) ** 2
        return float(np.sum(np.arange(power.size) * power) / np.sum(power))

    loud_mel, quiet_mel = (fuse(clip.astype(np.float32))[:128] for clip in (loud, quiet))
    assert loud_mel.mean() > quiet_mel.mean() + 3.0
    assert centroid(loud) > 1.5 * centroid(quiet)


def test_varied_causes_span_their_ranges() -> None:
    rng = np.random.default_rng(0)
    drawn = [varied_causes(rng) for _ in range(300)]
    for name in ("brightness", "density", "drums", "regularity"):
        values = [getattr(one, name) for one in drawn]
        assert min(values) < 0.15
        assert max(values) > 0.85


def leave_one_out_accuracy(points: np.ndarray, labels: np.ndarray) -> float:
    """Classify each point by the nearest of the class centroids of all the others."""
    scaled = (points - points.mean(axis=0)) / points.std(axis=0)
    classes, hits = np.unique(labels), 0
    for place in range(labels.size):
        others = np.arange(labels.size) != place
        centroids = np.array([scaled[others & (labels == name)].mean(axis=0) for name in classes])
        nearest = np.argmin(np.linalg.norm(centroids - scaled[place], axis=1))
        hits += int(classes[nearest] == labels[place])
    return hits / labels.size


@pytest.mark.parametrize("suffix", ["", "_beat"])
def test_timbre_tells_genres_apart_and_harmony_hardly(suffix: str) -> None:
    folder, means, labels = DATA / f"{GENRE}{suffix}", [], []
    for split in ("train", "test"):
        for name, genre in index(folder, split):
            if STYLES[genre].merged is not None:
                means.append(np.load(file_of(folder, split, name)).mean(axis=1))
                labels.append(STYLES[genre].merged)
    mel = leave_one_out_accuracy(np.array(means)[:, :128], np.array(labels))
    chroma = leave_one_out_accuracy(np.array(means)[:, 128:], np.array(labels))
    assert 0.4 < mel < 0.85
    assert 0.05 < chroma < 0.35
    assert mel > chroma + 0.15


# Synthesis


@pytest.mark.parametrize("genre", sorted(STYLES))
def test_every_genre_plays(genre: str) -> None:
    style = STYLES[genre]
    clip = synthesise(style, CALM, 44_100, np.random.default_rng(0))
    assert clip.shape == (44_100,)
    assert np.isfinite(clip).all()
    assert np.max(np.abs(clip)) == pytest.approx(1.0)
    assert np.sqrt(np.mean(clip[:11_025] ** 2)) > 0.005


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_instruments_play_in_tune(name: str) -> None:
    tone = INSTRUMENTS[name].tone(220.0, 22_050, 0.5, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(tone.size)))
    harmonic = sum(spectrum[round(220 * k) - 12 : round(220 * k) + 13].sum() for k in range(1, 20))
    if name not in {"bell", "shout"}:  # inharmonic by design, and half noise
        assert harmonic / spectrum[:4400].sum() > 0.4


def test_styles_name_what_exists() -> None:
    for style in STYLES.values():
        assert style.harmony in HARMONIES
        assert set(style.grooves) <= set(GROOVES)
        for line in (style.lead, style.chords, style.bass):
            assert set(line.instruments) <= set(INSTRUMENTS)
            assert all(steps(pattern) for pattern in line.patterns)


def test_grooves_divide_the_bar_evenly() -> None:
    for groove in GROOVES.values():
        assert len({len(groove.kick), len(groove.snare), len(groove.cymbal)}) == 1
        assert len(groove.kick) in {12, 16}


def test_density_fills_a_pattern_and_keeps_its_beats() -> None:
    pattern = "x.x.x.x.x.x.x.x."
    sparse, dense = (vary(pattern, density, np.random.default_rng(0)) for density in (0.0, 1.0))
    assert sparse.count("x") < dense.count("x")
    assert sparse[::4] == dense[::4] == pattern[::4]


def test_a_clip_of_30_seconds_has_1293_frames() -> None:
    assert fuse(perform(REPORT_PAIR[0]).astype(np.float32)).shape == (140, 1293)


# Plan


@pytest.mark.parametrize("scale", [0.01, 1.0, 3.0])
def test_plans_keep_numbers_unique_and_every_genre_in_train(scale: float) -> None:
    plan = make_plan(7, scale)
    numbers = [track.number for track in plan.tracks]
    assert len(set(numbers)) == len(numbers)
    assert {track.genre for track in plan.select(GENRE, "train")} == set(STYLES)


@pytest.mark.parametrize(("seed", "scale", "seconds"), [(-1, 1.0, 5.0), (0, 0.0, 5.0), (0, 1.0, 1.0)])
def test_impossible_plans_are_refused(seed: int, scale: float, seconds: float) -> None:
    with pytest.raises(ValueError, match="give"):
        make_plan(seed, scale, seconds)


def test_held_out_tracks_can_be_rated() -> None:
    held_out = make_plan().select(MULTITASK, "test")
    assert all(0.0 <= emotion(track).valence <= 1.0 for track in held_out)
    assert len({causes(track).tempo for track in held_out}) == len(held_out)


# Build and verify


@pytest.fixture(scope="module")
def small_plan() -> Plan:
    plan = make_plan(3, 0.01, 4.0)
    some = (
        plan.select(GENRE, "train")[2:4],
        plan.select(GENRE, "test")[:1],
        plan.select(MULTITASK, "train")[:1],
    )
    return replace(plan, tracks=tuple(track for tracks in some for track in tracks))


@pytest.fixture(scope="module")
def built(small_plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built") / "data"
    build(folder, small_plan)
    return folder


@pytest.fixture
def copied(built: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "data"))


def verify(folder: Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["verify", str(folder)])
    return result.exit_code, result.stdout, result.stderr


def test_same_seed_gives_the_same_bytes(small_plan: Plan, built: Path, tmp_path: Path) -> None:
    assert build(tmp_path / "again", small_plan) == read_manifest(built)


def test_parallel_build_gives_the_same_bytes(small_plan: Plan, built: Path, tmp_path: Path) -> None:
    assert build(tmp_path / "parallel", small_plan, jobs=2) == read_manifest(built)


def test_build_replaces_a_data_set_and_leaves_nothing_beside_it(small_plan: Plan, copied: Path) -> None:
    (copied / "stray.txt").write_text("old")
    build(copied, replace(small_plan, tracks=small_plan.tracks[:1]))
    assert verify(copied)[0] == 0
    assert list(copied.parent.iterdir()) == [copied]


def test_interrupted_build_keeps_the_old_data(small_plan: Plan, copied: Path) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(copied, small_plan, made=interrupt)
    assert verify(copied)[0] == 0
    assert list(copied.parent.iterdir()) == [copied]


def test_build_refuses_a_folder_of_something_else(small_plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="manifest"):
        build(tmp_path, small_plan)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_build_names_a_track_whose_beats_differ(
    small_plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracks, "MOST_TAKES", 2)
    odd = replace(small_plan.tracks[0], columns=1000, frames=150)
    with pytest.raises(RuntimeError, match=f"track {odd.number} .*: none of 2 takes has exactly 1000 beat columns"):
        build(tmp_path / "data", replace(small_plan, tracks=(odd,)))
    assert list(tmp_path.iterdir()) == []


def test_verify_accepts_a_fresh_build(built: Path) -> None:
    code, out, err = verify(built)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) == 1


def test_verify_names_each_changed_missing_and_extra_file(copied: Path) -> None:
    changed, missing = sorted((copied / GENRE / "train").iterdir())
    data = bytearray(changed.read_bytes())
    data[-1] ^= 1
    changed.write_bytes(data)
    missing.unlink()
    (copied / GENRE / "notes.txt").write_text("extra")
    code, out, err = verify(copied)
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 3
    for words in (f"{missing.name} is missing", "notes.txt is not in", f"{changed.name} has other content"):
        assert words in err


def test_verify_notices_a_truncated_file(copied: Path) -> None:
    path = next((copied / GENRE / "train").iterdir())
    path.write_bytes(path.read_bytes()[:-8])
    code, _, err = verify(copied)
    assert code == 1
    assert "bytes, expected" in err


def test_verify_of_no_data_set_is_misuse(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        code, out, err = verify(folder)
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 1


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema": 99, "seed": 0, "scale": 1, "seconds": 5, '])
def test_verify_of_a_damaged_manifest_fails(copied: Path, text: str) -> None:
    (copied / "manifest.json").write_text(text)
    code, _, err = verify(copied)
    assert code == 1
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [["--seed", "-1"], ["--scale", "0"], ["--seconds", "1"], ["--jobs", "0"], ["--seed", "x"], ["--bogus"]],
)
def test_build_with_bad_usage_exits_2(arguments: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["build", "--out", str(tmp_path / "data"), *arguments])
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_pattern_that_was_thinned_out_to_nothing_is_silent() -> None:
    track = Track(6636, GENRE, "test", "Blues", 235, zipped=True, entropy=(195513724535115, 6636))
    assert np.isfinite(perform(track)).all()
