# SPDX-License-Identifier: Apache-2.0
"""Rules that hold for every augmentation, and the exact effect of each."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch

from precordia.core.errors import MissingFileError, OptionError, UnknownNameError
from precordia.core.leads import LIMB_FROM_I_II, STANDARD_12
from precordia.datasets.toy import toy_record
from precordia.delineation.rpeaks import rpeaks_of_signal
from precordia.io.read import read
from precordia.signal.lead_algebra import ELECTRODES
from precordia.signal.resample import resample
from precordia.training.augmentations import (
    augmentations_from_tables,
    describe_augmentation,
    list_augmentations,
    load_augmentation,
)
from precordia.training.augmenter import Augmenter, augment
from precordia.training.draws import draws_of
from precordia.training.noise_bank import load_noise
from precordia.training.window_batch import WindowBatch, pad_rpeaks

FS = 250.0
N_RECORDS = 6


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def batch():
    """Six windows cut out of one recording at different places, with exact limb leads."""
    record = read(toy_record())
    signal = resample(np.asarray(record.signal, float), record.fs, FS)
    n = 1500
    cuts = np.stack([signal[:, k : k + n] for k in range(0, 6 * 150, 150)])
    cuts[:, 2:6] = np.einsum("lk,bks->bls", LIMB_FROM_I_II, cuts[:, :2])
    rpeaks = [rpeaks_of_signal(cut, FS) for cut in cuts]
    assert min(map(len, rpeaks)) >= 4
    return WindowBatch(
        windows=torch.from_numpy(cuts).float(),
        present=torch.ones(N_RECORDS, 12, dtype=torch.bool),
        fs=FS,
        leads=STANDARD_12,
        labels=torch.eye(N_RECORDS, 3),
        rpeaks=pad_rpeaks(rpeaks),
    )


def _augmenter(batch, *steps):
    return Augmenter(
        steps=steps,
        fs=batch.fs,
        leads=batch.leads,
        rpeaks=[row[row >= 0].numpy() for row in batch.rpeaks],
        fetch=lambda rows: (batch.windows[rows], batch.present[rows], batch.labels[rows]),
        n_records=len(batch),
    )


def _changed(batch, *steps, records=None, seed=0, epoch=0):
    rows = np.arange(len(batch)) if records is None else np.asarray(records)
    return _augmenter(batch, *steps).of_records(
        batch.windows[rows],
        batch.present[rows],
        batch.labels[rows],
        records=rows,
        seed=seed,
        epoch=epoch,
    )


ALL = list_augmentations()


def _plain(name):
    """Make an augmentation that happens to every record."""
    options = {} if name == "crop" else {"probability": 1.0}
    return load_augmentation(name, **options)


# Rules for all -----------------------------------------------------------------------------------


def test_none_turns_time_around_or_exchanges_or_inverts_leads():
    forbidden = ("revers", "flip", "shuffl", "permut", "invert", "swap", "mirror")
    for name in ALL:
        row = describe_augmentation(name)
        words = f"{name} {row.path} {row.does}".lower()
        assert not any(word in words for word in forbidden), name


@pytest.mark.parametrize("name", ALL)
def test_results_do_not_depend_on_the_batch_around_a_record(name, batch):
    step = _plain(name)
    together = _changed(batch, step, seed=4, epoch=2)
    for records in ([3], [5, 3, 1]):
        apart = _changed(batch, step, records=records, seed=4, epoch=2)
        place = records.index(3)
        torch.testing.assert_close(apart.windows[place], together.windows[3], rtol=0, atol=1e-5)
        assert torch.equal(apart.present[place], together.present[3])


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_gives_the_same_and_another_seed_or_epoch_something_else(name, batch):
    step = _plain(name)
    first, again = (_changed(batch, step, seed=1, epoch=5).windows for _ in range(2))
    assert torch.equal(first, again)
    for other in ({"seed": 2, "epoch": 5}, {"seed": 1, "epoch": 6}):
        assert not torch.equal(first, _changed(batch, step, **other).windows)


@pytest.mark.parametrize("name", ALL)
def test_the_given_batch_is_left_alone(name, batch):
    before = batch.windows.clone(), batch.present.clone(), batch.labels.clone()
    _changed(batch, _plain(name))
    assert torch.equal(batch.windows, before[0])
    assert torch.equal(batch.present, before[1])
    assert torch.equal(batch.labels, before[2])


@pytest.mark.parametrize("name", ALL)
def test_windows_stay_finite_float32_and_ordered_by_lead(name, batch):
    changed = _changed(batch, _plain(name))
    assert changed.windows.dtype == torch.float32
    assert changed.windows.shape[:2] == batch.windows.shape[:2]
    assert torch.isfinite(changed.windows).all()
    assert changed.leads == batch.leads


@pytest.mark.parametrize("name", ALL)
def test_limb_leads_keep_their_identities(name, batch):
    assert describe_augmentation(name).keeps_limb_identities
    changed = _changed(batch, _plain(name))
    wanted = torch.einsum(
        "lk,bks->bls", torch.from_numpy(LIMB_FROM_I_II).float(), changed.windows[:, :2]
    )
    whole = changed.present.all(dim=1)
    if name == "lead-masking":
        return  # a lead that was taken away obeys nothing
    assert whole.all()
    assert (changed.windows[:, 2:6] - wanted).abs().max() < 2e-5


@pytest.mark.parametrize("name", [n for n in ALL if n not in ("mixup", "lead-masking")])
def test_rpeaks_stay_in_order_and_where_the_table_says(name, batch):
    step = load_augmentation(
        name, **({"highest_db": 20, "lowest_db": 20} if name == "noise" else {})
    )
    changed = _changed(batch, step)
    for window, table in zip(changed.windows, changed.rpeaks, strict=True):
        kept = table[table >= 0]
        assert (table[len(kept) :] == -1).all()
        assert (kept.diff() > 0).all()
        found = rpeaks_of_signal(window.numpy(), FS)
        inner = kept[(kept > 0.4 * FS) & (kept < window.shape[1] - 0.4 * FS)].numpy()
        assert inner.size
        away = np.abs(found[None, :] - inner[:, None]).min(axis=1)
        assert away.max() <= 0.02 * FS


@pytest.mark.parametrize("name", ALL)
def test_an_absent_lead_stays_absent(name, batch):
    present = batch.present.clone()
    present[:, 7] = False
    lacking = dataclasses.replace(
        batch, present=present, windows=batch.windows * present[:, :, None]
    )
    changed = _changed(lacking, _plain(name))
    assert not changed.present[:, 7].any()
    assert not changed.windows[:, 7].any()


@pytest.mark.parametrize("name", [n for n in ALL if n != "crop"])
def test_what_never_happens_changes_nothing(name, batch):
    changed = _changed(batch, load_augmentation(name, probability=0.0))
    assert torch.equal(changed.windows, batch.windows)


def test_a_probability_is_a_share_of_records():
    many = WindowBatch(
        windows=torch.ones(400, 1, 4), present=torch.ones(400, 1).bool(), fs=100.0, leads=("II",)
    )
    draws = draws_of(seed=0, epoch=0, records=np.arange(400))
    changed = augment(many, [load_augmentation("gain", probability=0.3)], draws)
    share = (changed.windows[:, 0, 0] != 1).float().mean()
    assert 0.22 < share < 0.38


def test_two_steps_of_one_kind_draw_different_numbers(batch):
    step = load_augmentation("gain", electrode_percent=0.0)
    ratio = _changed(batch, step, step).windows[0, 1] / batch.windows[0, 1]
    alone = _changed(batch, step).windows[0, 1] / batch.windows[0, 1]
    assert ratio[5] != pytest.approx(float(alone[5] ** 2), rel=1e-4)


def test_a_loop_that_hands_over_a_generator_is_served(batch):
    steps = (load_augmentation("gain"), load_augmentation("lead-masking"))
    augmenter = Augmenter(steps=steps, fs=FS, leads=STANDARD_12)
    present = batch.present.clone()
    first = augmenter(batch.windows, present, torch.Generator().manual_seed(3))
    again = augmenter(batch.windows, None, torch.Generator().manual_seed(3))
    assert torch.equal(first, again)
    assert torch.equal(present, first.abs().sum(dim=2) > 0)
    needy = Augmenter(steps=(load_augmentation("beat-warping"),), fs=FS, leads=STANDARD_12)
    with pytest.raises(OptionError, match="needs rpeaks"):
        needy(batch.windows, None, torch.Generator())


# Each of them ------------------------------------------------------------------------------------


def test_the_common_gain_is_within_its_decibels(batch):
    changed = _changed(batch, load_augmentation("gain", decibels=3, electrode_percent=0))
    ratio = (changed.windows * batch.windows).sum((1, 2)) / (batch.windows**2).sum((1, 2))
    torch.testing.assert_close(changed.windows, batch.windows * ratio[:, None, None])
    assert (20 * torch.log10(ratio)).abs().max() <= 3
    assert ratio.std() > 0.05


def test_electrode_gains_are_those_of_potentials(batch):
    """From potentials at nine electrodes through Wilson's network, computed in NumPy."""
    changed = _changed(batch, load_augmentation("gain", decibels=0, electrode_percent=2))
    before, after = (w.double().numpy() for w in (batch.windows, changed.windows))
    for record in range(N_RECORDS):
        i, ii = before[record, :2]
        limb = np.stack([-(i + ii) / 3, (2 * i - ii) / 3, (2 * ii - i) / 3])
        potentials = np.concatenate([limb, before[record, 6:]])
        new_i, new_ii = after[record, :2]
        new_limb = np.stack(
            [-(new_i + new_ii) / 3, (2 * new_i - new_ii) / 3, (2 * new_ii - new_i) / 3]
        )
        new_potentials = np.concatenate([new_limb, after[record, 6:]])
        # Potentials are known up to a common one, which the limb electrodes' mean takes away.
        gains = [
            np.polyfit(p, q - new_limb.mean(0), 1)[0]
            for p, q in zip(potentials[3:], new_potentials[3:], strict=True)
        ]
        assert np.abs(np.array(gains) - 1).max() < 0.12
    assert np.abs(after - before).max() > 1e-3


def test_a_turned_heart_is_the_vectorcardiogram_turned(batch):
    """The change of the leads, seen through Kors, is what the rotation does to the heart vector."""
    from scipy.spatial.transform import Rotation

    from precordia.signal.lead_algebra import DOWER, KORS
    from precordia.training.augment_axis_rotation import rotation_of_leads

    angles = torch.tensor([[0.1, -0.2, 0.15]])
    matrix = rotation_of_leads(angles)[0].numpy()
    twelve = batch.windows[0].double().numpy()
    eight = twelve[[0, 1, 6, 7, 8, 9, 10, 11]]
    heart = KORS.coefficients @ eight
    turned = Rotation.from_euler("xyz", angles[0].numpy()).apply(heart.T).T
    wanted = eight + DOWER.coefficients @ (turned - heart)
    np.testing.assert_allclose((matrix @ twelve)[[0, 1, 6, 7, 8, 9, 10, 11]], wanted, atol=1e-9)


def test_a_turn_about_the_sagittal_axis_moves_the_frontal_axis_by_its_angle():
    from precordia.signal.lead_algebra import DOWER
    from precordia.training.augment_axis_rotation import rotation_of_leads

    def axis(leads):
        return np.degrees(np.arctan2(2 / np.sqrt(3) * (leads[1] - leads[0] / 2), leads[0]))

    heart = np.array([1.0, 1.0, 0.0])
    eight = DOWER.coefficients @ heart
    twelve = np.concatenate([eight[:2], LIMB_FROM_I_II @ eight[:2], eight[2:]])
    turned = rotation_of_leads(torch.tensor([[0.0, 0.0, np.radians(10.0)]]))[0].numpy() @ twelve
    assert axis(turned) - axis(twelve) == pytest.approx(10, abs=3)


def test_axis_rotation_refuses_leads_with_scales_of_their_own():
    step = load_augmentation("axis-rotation")
    with pytest.raises(OptionError, match="a scale for each lead"):
        Augmenter(steps=(step,), fs=FS, leads=STANDARD_12, one_scale=False)
    with pytest.raises(OptionError, match="these windows have I, II"):
        Augmenter(steps=(step,), fs=FS, leads=("I", "II"))


@pytest.mark.parametrize("kind", ["baseline wander", "electrode motion", "muscle artifact"])
def test_noise_reaches_its_ratio(kind, batch):
    step = load_augmentation("noise", kinds=(kind,), lowest_db=7, highest_db=7, probability=1.0)
    rest = _changed(batch, step).windows - batch.windows
    ratio = 10 * torch.log10(batch.windows.var(2, correction=0) / rest.var(2, correction=0))
    middle = ratio.sort(dim=1).values[:, 5:7]
    assert (middle[:, 0] <= 7.01).all()
    assert (middle[:, 1] >= 6.99).all()


def test_noise_of_chest_leads_shares_that_of_the_limb_electrodes(batch):
    step = load_augmentation("noise", probability=1.0)
    rest = (_changed(batch, step).windows - batch.windows).double().numpy()
    # What leads have is what nine electrodes give: nothing is left outside of their span.
    basis = np.linalg.qr(ELECTRODES.coefficients)[0][:, :8]
    outside = rest - np.einsum("lk,mk,bms->bls", basis, basis, rest)
    assert np.abs(outside).max() < 1e-4 * np.abs(rest).max() + 1e-6


def test_recorded_noise_is_that_of_the_database(shared_data, batch):
    folder = shared_data / "nstdb"
    held = load_noise("muscle artifact", FS, str(folder))
    assert held.recorded
    raw = read(folder / "ma.hea")
    peer = resample(np.asarray(raw.signal, float), raw.fs, FS)
    for ours, theirs in zip(held.rows.numpy(), peer, strict=True):
        assert np.corrcoef(ours, theirs)[0, 1] > 0.9999
    step = load_augmentation("noise", folder=str(folder), probability=1.0)
    modelled = load_augmentation("noise", probability=1.0)
    assert not torch.equal(_changed(batch, step).windows, _changed(batch, modelled).windows)


def test_a_folder_without_noise_is_known_before_training(tmp_path):
    step = load_augmentation("noise", folder=str(tmp_path))
    with pytest.raises(MissingFileError, match=r"has no 'bw\.hea'"):
        Augmenter(steps=(step,), fs=FS, leads=STANDARD_12)


def test_lead_masking_keeps_as_many_as_it_must(batch):
    step = load_augmentation("lead-masking", lead_probability=1.0, least=3)
    changed = _changed(batch, step)
    assert (changed.present.sum(dim=1) == 3).all()
    kept = changed.present[:, :, None].expand_as(batch.windows)
    assert torch.equal(changed.windows[kept], batch.windows[kept])
    assert not changed.windows[~kept].any()
    assert len({tuple(row.tolist()) for row in changed.present}) > 1


def test_lead_masking_takes_each_lead_with_its_chance():
    many = WindowBatch(
        windows=torch.ones(2000, 12, 2), present=torch.ones(2000, 12).bool(), fs=1.0,
        leads=STANDARD_12,
    )  # fmt: skip
    draws = draws_of(seed=0, epoch=0, records=np.arange(2000))
    step = load_augmentation("lead-masking", lead_probability=0.25)
    gone = 1 - augment(many, [step], draws).present.float().mean(dim=0)
    assert (gone - 0.25).abs().max() < 0.04


def test_time_masking_blanks_one_span_in_all_leads(batch):
    changed = _changed(batch, load_augmentation("time-masking", seconds=0.8))
    for before, after in zip(batch.windows, changed.windows, strict=True):
        blank = torch.nonzero((after == 0).all(dim=0) & (before != 0).any(dim=0))[:, 0]
        assert len(blank) <= 0.8 * FS
        assert (blank.diff() == 1).all()
        kept = torch.ones(before.shape[1]).bool()
        kept[blank] = False
        assert torch.equal(after[:, kept], before[:, kept])


def test_a_shift_moves_all_leads_and_holds_the_end(batch):
    changed = _changed(batch, load_augmentation("shift", seconds=0.3))
    moves = set()
    for k in range(N_RECORDS):
        before, after = batch.windows[k].numpy(), changed.windows[k].numpy()
        places = np.arange(before.shape[1])
        fits = [
            move
            for move in range(-75, 76)
            if np.array_equal(after, before[:, np.clip(places - move, 0, before.shape[1] - 1)])
        ]
        assert len(fits) == 1
        moves.add(fits[0])
    assert len(moves) > 3


def test_a_crop_is_a_piece_of_the_window(batch):
    changed = _changed(batch, load_augmentation("crop", seconds=2.0))
    assert changed.windows.shape[2] == 500
    for k in range(N_RECORDS):
        pieces = batch.windows[k].unfold(1, 500, 1)
        places = (pieces == changed.windows[k][:, None, :]).all(dim=2).all(dim=0)
        assert places.sum() == 1
    with pytest.raises(OptionError, match="windows have 6 s"):
        _changed(batch, load_augmentation("crop", seconds=7.0))


def test_beat_warping_leaves_rpeaks_head_and_tail(batch):
    changed = _changed(batch, load_augmentation("beat-warping", warp=0.5, amplitude=0.3))
    for k in range(N_RECORDS):
        beats = batch.rpeaks[k][batch.rpeaks[k] >= 0]
        before, after = batch.windows[k], changed.windows[k]
        torch.testing.assert_close(after[:, beats], before[:, beats], rtol=0, atol=1e-6)
        assert torch.equal(after[:, : beats[0]], before[:, : beats[0]])
        assert torch.equal(after[:, beats[-1] :], before[:, beats[-1] :])
        middle = (beats[0] + beats[1]) // 2
        around = slice(int(middle) - 40, int(middle) + 40)
        assert not torch.allclose(after[:, around], before[:, around], atol=1e-3)


def test_beat_warping_reads_a_straight_line_where_the_law_says():
    """On a ramp the signal tells the time that was read; the law is in the docstring."""
    n, beats = 400, np.array([50, 350])
    ramp = torch.arange(n).float()[None, None]
    one = WindowBatch(
        windows=ramp, present=torch.ones(1, 1).bool(), fs=100.0, leads=("II",),
        rpeaks=pad_rpeaks([beats]),
    )  # fmt: skip
    step = load_augmentation("beat-warping", warp=0.6, amplitude=0.0)
    read_at = step(one, draws_of(seed=3, epoch=0, records=[0])).windows[0, 0].numpy()
    u = (np.arange(50, 351) - 50) / 300
    bump = np.sin(np.pi * u) ** 2
    strength = (read_at[200] - 200) / 300 * np.pi
    assert 0.01 < abs(strength) <= 0.6
    np.testing.assert_allclose(read_at[50:351], 50 + 300 * (u + strength / np.pi * bump), atol=2e-3)
    assert (np.diff(read_at) > 0).all()


def test_beat_warping_without_rpeaks_says_how_to_find_them(batch):
    step = load_augmentation("beat-warping")
    bare = dataclasses.replace(batch, rpeaks=None)
    with pytest.raises(OptionError, match="detect_window_rpeaks"):
        augment(bare, [step], draws_of(seed=0, epoch=0, records=np.arange(N_RECORDS)))


def test_mixup_mixes_windows_and_labels_alike(batch):
    step = load_augmentation("mixup", alpha=0.5)
    partners = step.partners(np.arange(N_RECORDS), N_RECORDS, seed=0, epoch=0)
    changed = _changed(batch, step)
    for k, other in enumerate(partners):
        if other == k:
            continue
        change = batch.windows[k] - batch.windows[other]
        moved = changed.windows[k] - batch.windows[other]
        share = float((moved * change).sum() / (change**2).sum())
        assert 0.5 <= share <= 1
        wanted = share * batch.labels[k] + (1 - share) * batch.labels[other]
        torch.testing.assert_close(changed.labels[k], wanted, atol=1e-4, rtol=0)


def test_a_label_that_is_unknown_in_one_is_unknown_in_the_mixture(batch):
    labels = batch.labels.clone()
    labels[:, 1] = torch.nan
    changed = _changed(dataclasses.replace(batch, labels=labels), load_augmentation("mixup"))
    assert changed.labels[:, 1].isnan().all()
    assert torch.isfinite(changed.labels[:, [0, 2]]).all()


def test_shares_of_mixup_follow_the_beta_distribution():
    from scipy import stats

    step = load_augmentation("mixup", alpha=0.4)
    share = step._share(draws_of(seed=0, epoch=0, records=np.arange(4000))).numpy()
    folded = stats.beta(0.4, 0.4)
    test = stats.kstest(share, lambda x: np.where(x < 0.5, 0, 1 - 2 * folded.sf(x)))
    assert test.pvalue > 0.01


# Names and settings ------------------------------------------------------------------------------


def test_listing_loads_no_pytorch():
    code = (
        "import sys; from precordia.training.augmentations import list_augmentations, "
        "describe_augmentation\nfor n in list_augmentations(): describe_augmentation(n)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_row_says_what_its_class_says():
    for name in ALL:
        made = load_augmentation(name)
        assert made.name == name
        assert made.needs == describe_augmentation(name).needs
        assert type(made).__doc__.lower().startswith(describe_augmentation(name).does[:12].lower())


def test_tables_of_a_configuration_become_augmentations():
    made = augmentations_from_tables([{"name": "gain", "decibels": 1}, {"name": "crop"}])
    assert [step.name for step in made] == ["gain", "crop"]
    assert made[0].decibels == 1


@pytest.mark.parametrize(
    ("name", "options", "error", "words"),
    [
        ("gains", {}, UnknownNameError, "Did you mean 'gain'"),
        ("gain", {"decibel": 1}, UnknownNameError, "Did you mean 'decibels'"),
        ("gain", {"probability": 1.5}, OptionError, "from 0 to 1"),
        ("noise", {"kinds": ()}, OptionError, "at least one kind"),
        ("noise", {"kinds": ("muscle",)}, UnknownNameError, "muscle artifact"),
        ("noise", {"lowest_db": 30.0}, OptionError, "lowest_db not above"),
        ("lead-masking", {"least": 1.5}, OptionError, "whole number"),
        ("beat-warping", {"warp": 1.0}, OptionError, "0.95"),
        ("time-masking", {"seconds": "long"}, OptionError, "'long'"),
    ],
)
def test_impossible_settings_are_refused_in_sentences(name, options, error, words):
    with pytest.raises(error, match=words):
        load_augmentation(name, **options)


def test_a_table_without_a_name_is_refused_in_a_sentence():
    with pytest.raises(OptionError, match="without a name"):
        augmentations_from_tables([{"decibels": 1}])
