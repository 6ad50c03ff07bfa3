# SPDX-License-Identifier: Apache-2.0
"""A teacher follows what is trained, and takes no gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from precordia.core.errors import OptionError
from precordia.training.schedule import ramp
from precordia.training.teacher import Teacher


def test_a_teacher_is_the_average_that_is_written_down():
    student = nn.Linear(3, 2)
    teacher = Teacher(student)
    expected = student.weight.detach().clone()
    generator = torch.Generator().manual_seed(0)
    for decay in (0.9, 0.5, 0.99):
        with torch.no_grad():
            student.weight += torch.randn(2, 3, generator=generator)
        teacher.update(student, decay)
        expected = decay * expected + (1 - decay) * student.weight.detach()
    assert torch.allclose(teacher.module.weight, expected, atol=1e-6)


def test_a_teacher_takes_no_gradient_and_is_stored_with_what_it_teaches():
    student = nn.Linear(3, 2)
    teacher = Teacher(student)
    x = torch.ones(1, 3, requires_grad=True)
    assert not teacher(x).requires_grad
    assert not any(p.requires_grad for p in teacher.parameters())
    assert set(teacher.state_dict()) == {"module.weight", "module.bias"}


def test_statistics_of_norms_are_those_of_the_trained_module():
    student = nn.BatchNorm1d(2)
    teacher = Teacher(student)
    student(torch.randn(8, 2, generator=torch.Generator().manual_seed(0)) + 5)
    teacher.update(student, 0.999)
    assert torch.equal(teacher.module.running_mean, student.running_mean)
    assert int(teacher.module.num_batches_tracked) == 1


def test_a_teacher_hides_nothing_but_normalises_by_the_batch():
    student = nn.Sequential(nn.BatchNorm1d(2, affine=False), nn.Dropout(0.5))
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0)) + 5
    given = Teacher(student).train()(x)
    assert torch.allclose(given.mean(dim=0), torch.zeros(2), atol=1e-5)
    assert (given != 0).all()


def test_ramps_keep_to_their_ends():
    assert ramp(-1, first=2, last=3) == 2
    assert ramp(7, first=2, last=3, shape="cosine") == 3
    assert ramp(0.5, first=2, last=3, shape="cosine") == pytest.approx(2.5)


def test_a_wrong_shape_of_ramp_is_refused():
    with pytest.raises(OptionError, match="linear, cosine"):
        ramp(0.5, first=0, last=1, shape="square")
