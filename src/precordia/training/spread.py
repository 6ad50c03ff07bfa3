# SPDX-License-Identifier: Apache-2.0
"""Losses that keep embeddings apart, so that they do not all become one."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn import functional

from precordia.core.errors import OptionError
from precordia.training.full_precision import full_precision
from precordia.training.gathering import gathered


@full_precision
def koleo(embeddings: Float[Tensor, "batch dim"]) -> Float[Tensor, ""]:
    """Return the mean of minus the logarithm of each embedding's distance from its nearest.

    Parameters
    ----------
    embeddings
        Of this process; their lengths are of no effect. The nearest is sought in all processes.

    Returns
    -------
    The lower, the more evenly embeddings are spread over the sphere; 0 for one embedding.

    Notes
    -----
    *Method.* Kozachenko and Leonenko's estimator of entropy, as a loss (Sablayrolles et al.,
    equation 4). *Departure.* 1e-8 is added to the square of a distance, for twins.

    References
    ----------
    Sablayrolles A, et al. Spreading vectors for similarity search. ICLR 2019. arXiv:1806.03198

    Examples
    --------
    >>> round(float(koleo(torch.tensor([[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0]]))), 4)
    -0.3466
    """
    unit = functional.normalize(gathered(embeddings), dim=-1)
    if len(unit) < 2:
        return unit.sum() * 0
    with torch.no_grad():
        likeness = unit @ unit.T
        likeness.fill_diagonal_(-torch.inf)
        nearest = likeness.argmax(dim=1)
    square = (unit - unit[nearest]).square().sum(dim=1)
    return -0.5 * (square + 1e-8).log().mean()


@full_precision
def sigreg(
    embeddings: Float[Tensor, "*view batch dim"],
    generator: Generator,
    *,
    n_directions: int = 128,
    n_points: int = 17,
    furthest: float = 3.0,
) -> Float[Tensor, ""]:
    """Return how far embeddings are from a standard normal distribution.

    Parameters
    ----------
    embeddings
        Of this process; axes before the last two are judged one by one.
    generator
        Of the directions in which they are looked at; drawn anew each time, the same in all
        processes.
    n_directions
        How many directions.
    n_points, furthest
        Points between 0 and this at which characteristic functions are compared.

    Returns
    -------
    Mean over directions of the statistic of Epps and Pulley; 1.06 on average for what is normal.

    Notes
    -----
    *Method.* For the projections x on a direction,
    ``n * integral |mean(exp(itx)) - exp(-t^2 / 2)|^2 exp(-t^2 / 2) dt`` by the trapezoidal rule
    from ``-furthest`` to ``furthest``; a distribution that is standard normal in all directions is
    standard normal. Time and memory grow with the number of embeddings, not with its square.

    References
    ----------
    Balestriero R, LeCun Y. LeJEPA, section 4. arXiv:2511.08544
    Epps TW, Pulley LB. Biometrika 1983;70:723-726. doi:10.1093/biomet/70.3.723

    Examples
    --------
    >>> drawn = torch.Generator().manual_seed(0)
    >>> normal = torch.randn(256, 8, generator=drawn)
    >>> bool(sigreg(normal, drawn) < 2 < sigreg(3 * normal, drawn))
    True
    """
    if n_directions < 1 or n_points < 2 or furthest <= 0:
        raise OptionError(
            f"{n_directions} directions and {n_points} points up to {furthest} arrived; at least "
            "one direction and two points up to a number above 0 are needed."
        )
    seed = torch.randint(2**62, (1,), generator=generator, device=generator.device)
    first = int(gathered(seed.to(embeddings.device))[0])
    ours = torch.Generator().manual_seed(first)
    directions = torch.randn(int(embeddings.shape[-1]), n_directions, generator=ours)
    directions = functional.normalize(directions, dim=0).to(embeddings)
    rows = gathered(embeddings.movedim(-2, 0).contiguous()).movedim(0, -2)
    return _EppsPulley.apply(rows @ directions, furthest / (n_points - 1), n_points)


class _EppsPulley(torch.autograd.Function):
    """The statistic of each column, as a mean over columns and views.

    Points are multiples of a step, so that sines and cosines at one follow from those at the last
    by four products, forward and backward: no table of all points is kept.
    """

    @staticmethod
    def forward(ctx, x: Float[Tensor, "*view batch direction"], step: float, n_points: int):
        points = torch.arange(n_points, device=x.device, dtype=x.dtype) * step
        normal = (-points.square() / 2).exp()
        area = 2 * step * normal
        area[0], area[-1] = area[0] / 2, area[-1] / 2
        turn = (x * step).cos(), (x * step).sin()
        means = [(c.mean(dim=-2), s.mean(dim=-2)) for c, s in _turned(*turn, n_points)]
        cosines, sines = (torch.stack(part, dim=-1) for part in zip(*means, strict=True))
        cosines = cosines - normal
        n_columns = cosines.numel() // n_points
        # what each point adds, for a change of the mean cosine and sine there
        slope = 2 * area * points / n_columns
        ctx.save_for_backward(*turn, cosines * slope, sines * slope)
        off = (cosines.square() + sines.square()) @ area
        return off.mean() * x.shape[-2]

    @staticmethod
    def backward(ctx, upstream: Tensor):
        cosine, sine, by_cosine, by_sine = ctx.saved_tensors
        total = torch.zeros_like(cosine)
        for k, (c, s) in enumerate(_turned(cosine, sine, by_cosine.shape[-1])):
            total.addcmul_(c, by_sine[..., None, :, k]).addcmul_(
                s, by_cosine[..., None, :, k], value=-1
            )
        return total * upstream, None, None


def _turned(cosine: Tensor, sine: Tensor, n: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Give cosine and sine of 0, 1, 2, ... times an angle."""
    c, s = torch.ones_like(cosine), torch.zeros_like(sine)
    yield c, s
    for _ in range(n - 1):
        c, s = (c * cosine).addcmul_(s, sine, value=-1), (s * cosine).addcmul_(c, sine)
        yield c, s


@full_precision
def coding_rate(
    embeddings: Float[Tensor, "*view batch dim"], *, distortion: float = 0.05
) -> Float[Tensor, "*view"]:
    """Return how many nats it takes to tell embeddings up to some distortion.

    Parameters
    ----------
    embeddings
        Of this process, of length 1 where lengths should not count; axes before the last two are
        taken one by one.
    distortion
        Mean square error that is allowed.

    Returns
    -------
    ``1/2 log det(I + dim / (batch * distortion) Z' Z)``: 0 for zeros, largest where the embeddings
    fill all directions evenly.

    Notes
    -----
    The determinant is that of the smaller of the two products of the embeddings with themselves,
    which is the same (Sylvester).

    References
    ----------
    Ma Y, Derksen H, Hong W, Wright J. IEEE TPAMI 2007;29:1546-1562. doi:10.1109/TPAMI.2007.1085
    Wu Z, et al. Simplifying DINO via coding rate regularization. ICML 2025. arXiv:2502.10385

    Examples
    --------
    >>> round(float(coding_rate(torch.eye(2), distortion=1.0)), 4)
    0.6931
    """
    if distortion <= 0:
        raise OptionError(f"distortion is {distortion}; a number above 0 is needed.")
    rows = gathered(embeddings.movedim(-2, 0).contiguous()).movedim(0, -2).float()
    n, dim = int(rows.shape[-2]), int(rows.shape[-1])
    turned = rows.transpose(-1, -2)
    product = turned @ rows if dim <= n else rows @ turned
    identity = torch.eye(min(n, dim), device=rows.device)
    factor = torch.linalg.cholesky(identity + dim / (n * distortion) * product)
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(dim=-1)
