"""How likely places are that no gate was crossed for: less clearly than the filter holds.

Rules are not as independent as the filter's product takes them to be. A name that has crossed its
gate has stood a test of its own. What has not is told too surely, and temperature scaling mends
that (Guo, Pleiss, Sun, Weinberger, *On Calibration of Modern Neural Networks*, ICML 2017): to the
power of 1/T and normalised, with one T for all, fitted on runs that the likelihoods were not
counted on (`lab.fit.calibrate`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from streamnotice.decibans import log_sum


def calibrated(
    masses: Mapping[str, int], untested: Collection[str], temperature_permille: int
) -> dict[str, int]:
    """Log probabilities (mdb) by place, those of *untested* ones nearer to one another.

    What these hold together stays as it is, and no two of them change their order.

    Args:
        masses: the filter's, by place.
        untested: some of the places.
        temperature_permille: T in thousandths; 1000 changes nothing.
    """
    found = dict(masses)
    if not untested or temperature_permille == 1000:
        return found
    places = [place for place in masses if place in untested]
    together = log_sum([masses[place] for place in places])
    scaled = [masses[place] * 1000 // temperature_permille for place in places]
    by = together - log_sum(scaled)
    found.update(zip(places, [min(0, log + by) for log in scaled], strict=True))
    return found
