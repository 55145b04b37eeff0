"""All outgoing connections: pooled, limited, and only to addresses that passed a check."""

from imagegen_adapters.outbound.address_gate import AddressGate
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.connection_slots import PoolLimits
from imagegen_adapters.outbound.errors import map_transport_errors
from imagegen_adapters.outbound.transport import PAID

__all__ = ["PAID", "AddressGate", "Outbound", "PoolLimits", "map_transport_errors"]
