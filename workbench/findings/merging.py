"""What it saves to compute several products of one input as one.

Every product begins with loads that nothing hides, and ends with multiprocessors that have nothing left to do. Merged
products begin and end once. Where the program says what bytes they need, that shows as time beyond their floor; else
products of different sizes tell what each costs beside its work.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from workbench.analysis.idle import IdleKind
from workbench.analysis.roofline import RoleRoofline
from workbench.findings.chains import own_ns
from workbench.findings.finding import Gain
from workbench.findings.gain import LAUNCH_NS, gain_of_merging
from workbench.findings.selection import blocks_of, kernels_of_layers, layer_instances, matmuls
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray

# Of the busy time of the products that join another, a merged one saves at most this much, where nothing tells more.
SAVED_AT_MOST = 0.5
# And at least this part of that, as long as it is no more than a launch costs.
SURE_OF_MOST = 0.5
# The larger grid must be so many times the smaller one to tell what a launch costs from what a block costs.
TELLING_SIZES = 2
_GAPS = (IdleKind.GRAPH, IdleKind.QUEUED)


def merging_gain(view: PhaseView, products: IntArray, joining: IntArray, roles: Sequence[tuple[str, str]]) -> Gain:
    """The gain of computing products of one input as one.

    Args:
        view: the phase.
        products: all of the products.
        joining: those that join another one, which remains.
        roles: the layer types and roles that the products have.
    """
    lines = [view.roofline.of(*role) for role in roles] if view.roofline else []
    known = [line for line in lines if line and line.floor_ns is not None and not line.is_loose]
    if known and len(known) == len(roles):
        return _by_floors(view, products, joining, known)
    return _by_sizes(view, products, joining)


def _by_floors(view: PhaseView, products: IntArray, joining: IntArray, roles: Sequence[RoleRoofline]) -> Gain:
    """Between one product that is as far above its floor as each is now, and one that is as near to it as any."""
    count = len(products) / layer_instances(view, products)
    floor_ns = sum(role.floor_ns or 0.0 for role in roles)
    beyond_ns = max(0.0, float(np.median(view.added_of_step_ns(products))) - floor_ns)
    measured_ns, headroom_ns = sum(role.measured_ns for role in roles), sum(role.headroom_ns or 0.0 for role in roles)
    best, best_name = _best_share(view, roles)
    high_ns = max(0.0, min(measured_ns - floor_ns / best, headroom_ns))
    low_ns = min(beyond_ns * (count - 1) / count, high_ns)
    each = view.step_count / len(joining)
    near = f"{best:.0%} of their roofline, which {best_name} reaches" if best < 1 else "their floor"
    return gain_of_merging(
        view,
        joining,
        np.full(len(joining), low_ns * each),
        np.full(len(joining), high_ns * each),
        f"between {low_ns / 1000:.4g} µs, if the merged product is as far above its floor ({floor_ns / 1000:.4g} µs a "
        f"step) as each of them is now, and {high_ns / 1000:.4g} µs, if all that runs in their roles comes down to "
        f"{near}",
    )


def _best_share(view: PhaseView, roles: Iterable[RoleRoofline]) -> tuple[float, str]:
    """The largest share of their rooflines at which the phase's other products run, and whose it is."""
    own = {(role.layer_type, role.role) for role in roles}
    shares = [(1.0, "")]
    for role in view.roofline.roles if view.roofline else ():
        is_product = bool(matmuls(view, kernels_of_layers(view, role.layer_type, role.role)).any())
        if is_product and role.share and not role.is_loose and (role.layer_type, role.role) not in own:
            shares.append((min(1.0, role.share), f"{role.layer_type} {role.role}"))
    return max(shares[1:], default=shares[0])


def _by_sizes(view: PhaseView, products: IntArray, joining: IntArray) -> Gain:
    """Between what a launch costs at least, and what these products cost beside their blocks' work."""
    time_ns = own_ns(view, joining)
    gaps_ns = view.waits_of_ns(joining, *_GAPS)
    launch_ns = _launch_cost_ns(view, products)
    if launch_ns is None:
        high_ns, reason = SAVED_AT_MOST * time_ns, f"up to {SAVED_AT_MOST:.0%} of it (an estimate)"
    else:
        high_ns = np.minimum(launch_ns, time_ns)
        reason = f"up to {launch_ns / 1000:.3g} µs each, which is what they take beside what grows with their grids"
    return gain_of_merging(
        view,
        joining,
        np.minimum(np.maximum(0, LAUNCH_NS - gaps_ns), SURE_OF_MOST * high_ns),
        high_ns,
        f"{reason}, and at least {SURE_OF_MOST:.0%} of that, or so much that each costs {LAUNCH_NS / 1000:g} µs with "
        "its gap (measured on an H200)",
    )


def _launch_cost_ns(view: PhaseView, products: IntArray) -> float | None:
    """What each of some products takes beside what grows with its grid, if they are one kernel on unlike grids."""
    if len(np.unique(view.trace.kernels.demangled[products])) > 1:
        return None
    blocks, time_ns = blocks_of(view, products), own_ns(view, products)
    few, many = int(blocks.min()), int(blocks.max())
    if not few or many < TELLING_SIZES * few:
        return None
    short_ns, long_ns = (float(np.median(time_ns[blocks == size])) for size in (few, many))
    block_ns = max(0.0, (long_ns - short_ns) / (many - few))
    return max(0.0, short_ns - block_ns * few)
