"""Answers a request whose body is not read to its end, in a way that the answer arrives."""

from imagegen_http.asgi.types import App, Message, Receive, Scope, Send
from imagegen_http.guard.bodies import IncomingBody


async def respond_early(
    response: App, scope: Scope, receive: Receive, send: Send, *, unread: IncomingBody, seconds: float
) -> None:
    """Send the whole answer, drop what the client still sends for so many seconds, then close.

    A server that closes while bytes are unread makes the kernel reset the connection, and a reset drops
    what the client has not read yet: the answer (RFC 9112, section 9.6).
    """

    async def send_but_not_end(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", []), (b"connection", b"close")]
            await send({**message, "headers": headers})
        else:
            await send({**message, "more_body": True})

    await response(scope, receive, send_but_not_end)
    if unread.must_be_drained:
        await unread.drain(seconds)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
