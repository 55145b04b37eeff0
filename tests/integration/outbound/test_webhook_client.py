"""One try of a webhook over real sockets: what arrives, what counts, and where it is not sent."""

import asyncio
import socket
import ssl
import struct
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address

import pytest
from standardwebhooks import Webhook

from imagegen_adapters.outbound.addresses import AddressGate, NameLookups, OutboundGuard
from imagegen_adapters.outbound.webhooks import WebhookClient, WebhookGate
from imagegen_adapters.system import new_webhook_secret
from imagegen_core.errors import UpstreamNotAllowed
from imagegen_core.ports.webhooks import Receipt
from imagegen_core.secrets import Secret
from tests.fakes.loopback import Answer, Loopback
from tests.fakes.raw_server import RawServer, http_response
from tests.fakes.receiver import Receiver

pytestmark = pytest.mark.anyio

NOW, BODY = datetime.now(UTC), '{"type":"task.completed","data":"好"}'


@pytest.fixture
async def client_of(anyio_backend):
    """Return a function that makes a client which may call these receivers."""
    clients = []

    def make(*hosts, **options):
        gate = WebhookGate(hosts, beside=AddressGate())
        clients.append(WebhookClient(gate, **options))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()


async def post(client, url, *, at=NOW, secrets=()):
    return await client.post(url, "evt_1", at, BODY, secrets)


async def test_what_is_sent_can_be_verified(client_of):
    """By the library, with each secret; the time of a try is the same in any zone."""
    secrets = [new_webhook_secret() for _ in range(2)]
    zone = timezone(timedelta(hours=8))
    with Receiver() as receiver:
        url = f"{receiver.url}/hook?key=1"
        receipt = await post(
            client_of(receiver.host), url, at=datetime.now(zone), secrets=tuple(map(Secret, secrets))
        )
        (request,) = receiver.requests

    for secret in secrets:
        assert "好" == Webhook(secret).verify(request.body, dict(request.headers))["data"]
    assert Receipt(status=204) == receipt
    assert ("POST", "/hook", {"key": "1"}, "evt_1", "application/json") == (
        request.method,
        request.path,
        request.query,
        request.headers["webhook-id"],
        request.headers["content-type"],
    )


async def test_without_a_secret_nothing_is_signed(client_of):
    """A task's own receiver may have none."""
    with Receiver() as receiver:
        await post(client_of(receiver.host), f"{receiver.url}/hook")

    assert "webhook-signature" not in receiver.requests[0].headers


@pytest.mark.parametrize(
    ("answer", "receipt"),
    [
        (Answer(status=200, body=b"thanks"), Receipt(status=200, answer="thanks")),
        (Answer(status=500, body=b"\xff\x00" + b"x" * 5000), Receipt(status=500, answer="��" + "x" * 1022)),
        (Answer(status=410), Receipt(status=410)),
        (Answer(status=429, headers={"Retry-After": "7"}), Receipt(status=429, retry_after=7)),
        (Answer(status=200, body=b"abcdef", fault="cut"), Receipt(status=200, answer="abc")),
    ],
    ids=["ok", "long", "gone", "later", "cut"],
)
async def test_an_answer_counts_by_its_status(client_of, answer, receipt):
    """A KiB of it is kept, as far as it came."""
    with Loopback(lambda _: answer) as server:
        assert receipt == await post(client_of(server.host), f"{server.url}/hook")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(client_of, status):
    """Wherever it leads."""
    with Receiver() as elsewhere:
        answer = Answer(status=status, headers={"Location": elsewhere.url})
        with Loopback(lambda _: answer) as server:
            receipt = await post(client_of(server.host, elsewhere.host), f"{server.url}/hook")

    assert (status, []) == (receipt.status, elsewhere.requests)


async def test_a_retry_after_may_be_a_date(client_of):
    """Seen from this try."""
    date = (NOW + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with Loopback(lambda _: Answer(status=503, headers={"Retry-After": date})) as server:
        receipt = await post(client_of(server.host), f"{server.url}/hook")

    assert 88 < receipt.retry_after <= 90


async def test_an_endless_answer_is_cut(client_of):
    """After its first KiB."""
    with Loopback(lambda _: Answer(fault="flood")) as server:
        receipt = await post(client_of(server.host), f"{server.url}/hook")
        outcome = await asyncio.to_thread(server.floods.get, timeout=60)

    assert (200, 1024, "refused") == (receipt.status, len(receipt.answer), outcome)


async def test_endless_interim_answers_are_cut(client_of):
    """To parse them would take the processor from everybody else."""

    async def answer(writer):
        while not writer.is_closing():
            writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
            await writer.drain()

    async with RawServer({"/": answer}) as server:
        receipt = await asyncio.wait_for(post(client_of(server.authority), f"{server.url}/"), 30)

    assert (None, "broke off its response" in str(receipt.error)) == (receipt.status, True)


async def test_an_answer_that_stops_counts_by_its_status(client_of):
    """After two seconds it is not waited for any more."""
    with Loopback(lambda _: Answer(body=b"much", fault="stall")) as server:
        assert Receipt(status=200) == await post(client_of(server.host), f"{server.url}/hook")


async def test_a_reset_after_the_head_changes_nothing(client_of):
    """The status was received; what comes after it is only shown."""

    async def answer(writer):
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 9\r\n\r\nbro")
        reset = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        writer.close()

    async with RawServer({"/": answer}) as server:
        receipt = await post(client_of(server.authority), f"{server.url}/")

    assert Receipt(status=202, answer="bro") == receipt


@pytest.mark.parametrize(
    "reply",
    [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", "closed"],
    ids=["nothing", "no HTTP", "a huge head", "no server"],
)
async def test_no_answer_has_a_reason(client_of, reply):
    """Which names the host and nothing else of the URL."""

    async def close(writer):
        writer.write(reply)
        writer.close()

    async with RawServer({"/secret?key=1": close}) as server:
        url = f"{server.url}/secret?key=1"
        client = client_of(server.authority)
        if reply == "closed":
            await server.__aexit__()
        receipt = await post(client, url)

    assert receipt.status is None
    assert "127.0.0.1" in str(receipt.error)
    assert "secret" not in str(receipt.error)


@pytest.mark.parametrize("host", ["xn--a", "xn--zzzzzz99999.example", "☃.example"])
async def test_a_host_that_is_no_name_has_a_reason(client_of, host):
    """It is no defect of ours."""
    receipt = await post(client_of(), f"http://{host}/secret")

    assert (None, "could not be built") == (receipt.status, str(receipt.error)[-18:])


async def test_what_is_not_listed_gets_no_connection(client_of):
    """The reason names the setting."""
    async with RawServer() as server:
        receipt = await post(client_of(), f"{server.url}/hook")

        assert 0 == server.opened
    assert f'add "{server.authority}" to security.allow_webhooks' in str(receipt.error)


async def test_a_name_that_changes_its_address_is_refused(client_of):
    """Public when it was checked, loopback when it is called: what is connected to was checked."""
    answers = iter([ip_address("93.184.216.34"), ip_address("127.0.0.1"), ip_address("169.254.169.254")])
    lookups = NameLookups(4, query=lambda *_: (next(answers),))
    async with RawServer() as server:
        client = client_of(lookups=lookups)
        url = f"http://flips.example:{server.port}/"
        await OutboundGuard(client.gate, lookups=lookups).check(url)
        receipts = [await post(client, url) for _ in range(2)]

        assert 0 == server.opened
    assert ["loopback", "metadata"] == [
        next(kind for kind in ("loopback", "metadata") if kind in str(receipt.error)) for receipt in receipts
    ]


async def test_a_listed_name_gets_its_own_name(client_of):
    """The address replaces it on the socket alone."""
    lookups = NameLookups(4, query=lambda *_: (ip_address("127.0.0.1"),))
    async with RawServer({"/": http_response("204 No Content")}) as server:
        client = client_of(f"n8n.lan:{server.port}", lookups=lookups)
        receipt = await post(client, f"http://n8n.lan:{server.port}/")

        assert f"Host: n8n.lan:{server.port}" in server.heads[0]
    assert 204 == receipt.status


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pw@127.0.0.1/",
        "file:///etc/passwd",
        "http://[::ffff:127.0.0.1]:1/",
        "http://2130706433:1/",
        "http://xn--a/",
        "http://☃.example/",
        "http://a..b/",
        "http://.example/",
        f"http://{'a' * 64}.example/",
    ],
)
async def test_the_check_on_saving_takes_no_other_spelling(client_of, url):
    """The check that comes before all tries."""
    with pytest.raises(UpstreamNotAllowed):
        await OutboundGuard(client_of().gate).check(url)


async def test_a_connection_serves_the_next_event(client_of):
    """For a while, in which the address is checked again; then it is closed."""
    answers = [ip_address(each) for each in ("127.0.0.1", "127.0.0.1", "169.254.169.254")]
    lookups = NameLookups(4, query=lambda *_: (answers.pop(0),))
    async with RawServer({"/": http_response("204 No Content")}) as server:
        client = client_of(f"n8n.lan:{server.port}", lookups=lookups, keep_seconds=0.5)
        receipts = [await post(client, f"http://n8n.lan:{server.port}/") for _ in range(3)]
        await server.until(lambda: not server.open)

    assert [204, 204, None] == [receipt.status for receipt in receipts]
    assert "metadata" in str(receipts[-1].error)
    assert (1, 2) == (server.opened, len(server.heads))


@pytest.mark.parametrize(
    "reply",
    [
        http_response("204 No Content", Connection="close"),
        http_response(body=b"x" * 1_000_000),
        b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        http_response("204 No Content") + b"and more",
    ],
    ids=["closed", "long", "old", "more"],
)
async def test_a_connection_that_cannot_go_on_is_closed(client_of, reply):
    """The next event gets another."""
    async with RawServer({"/": reply}) as server:
        client = client_of(server.authority)
        receipts = [await post(client, f"{server.url}/") for _ in range(2)]
        await server.until(lambda: not server.open)

    assert {200, 204} >= {receipt.status for receipt in receipts}
    assert 2 == server.opened


async def test_a_kept_connection_that_was_closed_is_not_used(client_of):
    """One that breaks with the event is a failed try: nobody knows whether it arrived."""
    ends = iter([False, True, False, False])

    async def answer(writer):
        if len(server.heads) < 4:
            writer.write(http_response("204 No Content"))
            await writer.drain()
        if next(ends) or len(server.heads) == 4:
            writer.close()

    async with RawServer({"/": answer}) as server:
        client = client_of(server.authority)
        receipts = [await post(client, f"{server.url}/") for _ in range(2)]
        while not client._idle[0][1].get_extra_info("is_readable"):  # noqa: ASYNC110 - its end is on its way
            await asyncio.sleep(0)
        receipts += [await post(client, f"{server.url}/") for _ in range(2)]

    assert [204, 204, 204, None] == [receipt.status for receipt in receipts]
    assert "broke off its response" in str(receipts[-1].error)
    assert (2, 4) == (server.opened, len(server.heads))


async def test_tls_is_kept_too(client_of, certificate):
    """One handshake serves several events; a certificate that nobody signed is refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)
    lookups = NameLookups(4, query=lambda *_: (ip_address("127.0.0.1"),))
    async with RawServer({"/": http_response("204 No Content")}, ssl=context) as server:
        host = f"localhost:{server.port}"
        clients = [client_of(host, lookups=lookups, tls=tls) for tls in (trusting, None)]
        receipts = [await post(client, f"https://{host}/") for client in clients for _ in range(2)]
        await server.until(lambda: server.open == 1)

    assert [204, 204, None, None] == [receipt.status for receipt in receipts]
    assert (1, 2) == (server.most_open, len(server.heads))
    assert "certificate" in str(receipts[-1].error)
