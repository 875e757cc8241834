"""Student's t distribution, for any positive degrees of freedom, on whole arrays.

Numbers in brackets are equations of the NIST Digital Library of Mathematical Functions, https://dlmf.nist.gov.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_EPSILON = float(np.finfo(np.float64).eps)
# Far more than any need; what is NaN ends a sum at once.
_MOST_TERMS = 10_000
_MOST_ITERATIONS = 200
# From here on the series for the ratio of gamma functions is exact to the last digit.
_SERIES_FROM = 16


def two_sided(t: ArrayLike, degrees: ArrayLike) -> NDArray[np.float64]:
    """How often |T| is at least |t|; small values are as exact as large ones.

    Args:
        t: any number; NaN gives NaN.
        degrees: degrees of freedom, above 0, broadcast against `t`; NaN gives NaN.
    """
    t, degrees = np.broadcast_arrays(np.asarray(t, np.float64), np.asarray(degrees, np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_probability, _ = _log_two_sided(np.log(np.abs(t)), degrees)
        return np.exp(log_probability)


def cdf(t: ArrayLike, degrees: ArrayLike) -> NDArray[np.float64]:
    """How often T is at most t; arguments as for `two_sided`."""
    half = two_sided(t, degrees) / 2
    return np.where(np.asarray(t) < 0, half, 1 - half)


def quantile(probability: ArrayLike, degrees: ArrayLike) -> NDArray[np.float64]:
    """The t that T exceeds with a probability of 1 - `probability`; the inverse of `cdf`.

    Newton's method on the logarithm of the tail over the logarithm of t. That function is concave, so from the second
    step on it comes to the solution from above and cannot miss it.

    Args:
        probability: 0 to 1; anything else gives NaN.
        degrees: degrees of freedom, above 0, broadcast against `probability`; NaN gives NaN.
    """
    probability, degrees = np.broadcast_arrays(np.asarray(probability, np.float64), np.asarray(degrees, np.float64))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        target = np.log(2 * np.minimum(probability, 1 - probability))
        solvable = np.isfinite(target) & (target < 0) & (degrees > 0)
        log_t = np.where(target < 0, np.inf, np.where(target == 0, -np.inf, np.nan))
        log_t[solvable] = _solve(target[solvable], degrees[solvable])
        return np.sign(probability - 0.5) * np.exp(np.where(degrees > 0, log_t, np.nan))


def mean_deviation(degrees: ArrayLike) -> NDArray[np.float64]:
    """The mean of a sample's standard deviation over the true one, for normal values: 0.80 with 1 degree, 0.94 with 4.

    It is (2 / n)^(1/2) gamma((n + 1) / 2) / gamma(n / 2) with n degrees of freedom (Gurland and Tripathi, The American
    Statistician 25, 1971).

    Args:
        degrees: degrees of freedom, above 0; anything else gives NaN.
    """
    degrees = np.asarray(degrees, np.float64)
    half = np.where(degrees > 0, degrees / 2, np.nan)
    return np.exp(_log_gamma_ratio(half)) / np.sqrt(half)


def _solve(target: NDArray[np.float64], degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of the t at which the logarithm of the two-sided probability is `target`."""
    log_t = np.zeros(len(target))
    for _ in range(_MOST_ITERATIONS):
        log_probability, log_slope = _log_two_sided(log_t, degrees)
        excess = log_probability - target
        # Of log P over log t the slope is -2 t f(t) / P, with f the density.
        step = excess * np.exp(log_probability - log_slope)
        log_t = log_t + step
        if bool(((np.abs(step) <= 8 * _EPSILON) | (np.abs(excess) <= 8 * _EPSILON * (1 + np.abs(target)))).all()):
            break
    return log_t


def _log_two_sided(
    log_t: NDArray[np.float64], degrees: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logarithms of the probability that |T| exceeds t, I_x(a, 1/2) with a = degrees / 2, and of 2 t f(t).

    x = degrees / (degrees + t^2) (Abramowitz and Stegun 26.5.27). Where its continued fraction converges slowly,
    1 - I_{1-x}(1/2, a) is computed instead [8.17.4].
    """
    a = degrees / 2
    ratio = 2 * log_t - np.log(degrees)
    log_x, log_y = -np.logaddexp(0, ratio), -np.logaddexp(0, -ratio)
    # t f(t) = x^a (1 - x)^(1/2) / B(a, 1/2)
    log_front = a * log_x + log_y / 2 + _log_gamma_ratio(a) - np.log(np.pi) / 2
    is_tail = np.exp(log_x) * (a + 2.5) < a + 1
    x, y = np.exp(np.where(is_tail, (log_x, log_y), (log_y, log_x)))
    log_part = log_front - np.log(_fraction(np.where(is_tail, a, 0.5), np.where(is_tail, 0.5, a), x, y))
    return np.where(is_tail, log_part, np.log1p(-np.exp(log_part))), log_front + np.log(2)


def _fraction(
    a: NDArray[np.float64], b: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The continued fraction under x^a y^b / B(a, b) that makes it I_x(a, b), with y = 1 - x.

    It is the even part of [8.17.22], multiplied by a, and written with y, for 1 + d1 has no digits left where x is
    almost 1 (as in Didonato and Morris, Algorithm 708, 1992). Summed forwards by Steed's algorithm [3.10(iii)].
    """
    excess = a * y - b * x + 1
    total, change, inverse = a * excess / (a + 1), np.zeros_like(x), np.zeros_like(x)
    for m in range(1, _MOST_TERMS):
        numerator = (a + m - 1) * (a + b + m - 1) * m * (b - m) * np.square(x / (a + 2 * m - 1))
        term = m + m * (b - m) * x / (a + 2 * m - 1) + (a + m) * (excess + m * (1 + y)) / (a + 2 * m + 1)
        inverse = 1 / (term + numerator * inverse)
        change = numerator * inverse if m == 1 else (term * inverse - 1) * change
        total = total + change
        if not bool((np.abs(change) > _EPSILON * total / 4).any()):
            break
    return total


def _log_gamma_ratio(a: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of gamma(a + 1/2) / gamma(a), without the difference of two large numbers.

    Stirling's series of both [5.11.8], subtracted term by term, from 16 on; below by gamma(z + 1) = z gamma(z).
    """
    steps = np.arange(_SERIES_FROM)
    below = a[..., None] + steps
    recurrence = np.log(below / (below + 0.5)).sum(axis=-1)
    shift = a < _SERIES_FROM
    z = np.where(shift, a + _SERIES_FROM, a)
    square = 1 / (z * z)
    series = -(1 / 8 - square * (1 / 192 - square * (1 / 640 - square * (17 / 14336 - square * 31 / 18432)))) / z
    return np.log(z) / 2 + series + np.where(shift, recurrence, 0)
