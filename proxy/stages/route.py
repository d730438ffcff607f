"""Choose where a request goes."""

from __future__ import annotations

import bisect
import random

from apikeys.hotpath import Principal
from proxy.errors import ModelNotAllowed, ModelNotFound, ModelUnpriced, NoHealthyBackend
from proxy.snapshot import Route, Snapshot, Target
from proxy.stages.settle import is_unpriced


def find_route(model: str, principal: Principal, snapshot: Snapshot) -> Route:
    """
    Return the route of a model, found by its name, an alias or the longest wildcard.

    Errors: ModelNotAllowed before ModelNotFound, so that a key learns nothing of models it may not use.
    """
    if not principal.may_use_model(model):
        raise ModelNotAllowed(f"This API key may not use the model {model!r}.", param="model")
    route = snapshot.find_route(model)
    if route is None:
        raise ModelNotFound(f"The model {model!r} does not exist. See GET /v1/models.", param="model")
    return route


def route(found: Route, now_s: float) -> tuple[Target, ...]:
    """
    Return the targets in the order to try them: one chosen by weight, then the others by falling weight.

    Errors: NoHealthyBackend when the route has no target that takes traffic; ModelUnpriced when it asks for a price and none has one.
    """
    ordered = _by_weight(found)
    if not found.is_unpriced_denied:
        return ordered
    priced = tuple(target for target in ordered if not is_unpriced(target, now_s))
    if not priced:
        raise ModelUnpriced
    return priced


def _by_weight(found: Route) -> tuple[Target, ...]:
    targets = found.targets
    if len(targets) == 1 and targets[0].weight:
        return targets
    cumulative = found.cumulative_weights
    if not cumulative or not cumulative[-1]:
        raise NoHealthyBackend
    chosen = bisect.bisect_right(cumulative, random.random() * cumulative[-1])  # noqa: S311  # spreading load, not a secret
    others = sorted((t for at, t in enumerate(targets) if at != chosen and t.weight), key=lambda t: -t.weight)
    return (targets[chosen], *others)
