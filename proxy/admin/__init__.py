"""The console's pages over backends, routes, prices, revisions and usage."""

from proxy.admin.backends import BackendAdmin
from proxy.admin.prices import PriceAdmin
from proxy.admin.revisions import ConfigurationRevisionAdmin
from proxy.admin.routes import RouteAdmin
from proxy.admin.usage import UsageRecordAdmin

__all__ = ["BackendAdmin", "ConfigurationRevisionAdmin", "PriceAdmin", "RouteAdmin", "UsageRecordAdmin"]
