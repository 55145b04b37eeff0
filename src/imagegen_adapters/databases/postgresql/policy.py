"""How connections are opened, and how long anything may keep one."""

import math

import attrs


@attrs.frozen(kw_only=True)
class ConnectionPolicy:
    """Bounds of a pool of connections; none of the time-outs can be switched off.

    A client that is frozen inside a transaction would otherwise keep its row locks, and with them the task
    that another node is to rescue, for as long as the kernel keeps the connection.

    Args:
        max_connections: the largest number of connections that one node opens.
        connect_seconds: the longest wait for a new connection, and for a free one of the pool.
        command_timeout_seconds: after which a statement is cancelled by the client and by the server.
        idle_in_transaction_seconds: after which the server ends a transaction whose client is silent.
    """

    max_connections: int = attrs.field(default=8, validator=attrs.validators.ge(1))
    connect_seconds: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))
    command_timeout_seconds: float = attrs.field(default=10.0, validator=attrs.validators.gt(0))
    idle_in_transaction_seconds: float = attrs.field(default=5.0, validator=attrs.validators.gt(0))

    @property
    def server_settings(self) -> dict[str, str]:
        """The settings of each session.

        The server has time-outs of its own, since a client's request to cancel is lost if it arrives before
        the statement, which would then keep its locks although nobody waits for it. Times travel as text,
        which two of the settings make ISO 8601 in UTC. Compiling a statement would take longer than any of
        ours does.
        """
        return {
            "application_name": "imagegen",
            "client_connection_check_interval": "1000",
            "DateStyle": "ISO",
            "TimeZone": "UTC",
            "idle_in_transaction_session_timeout": _milliseconds(self.idle_in_transaction_seconds),
            "jit": "off",
            "statement_timeout": _milliseconds(self.command_timeout_seconds),
        }


def _milliseconds(seconds: float) -> str:
    return str(math.ceil(seconds * 1000))


DEFAULT_POLICY = ConnectionPolicy()
