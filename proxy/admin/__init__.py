"""The console's pages over backends, routes, services, prices, revisions, usage and the ledger."""

from proxy.admin.backends import BackendAdmin
from proxy.admin.ledger import LedgerEntryAdmin
from proxy.admin.prices import PriceAdmin
from proxy.admin.revisions import ConfigurationRevisionAdmin
from proxy.admin.routes import RouteAdmin
from proxy.admin.services import ServiceAdmin
from proxy.admin.usage import UsageRecordAdmin

__all__ = ["BackendAdmin", "ConfigurationRevisionAdmin", "LedgerEntryAdmin", "PriceAdmin", "RouteAdmin", "ServiceAdmin", "UsageRecordAdmin"]
