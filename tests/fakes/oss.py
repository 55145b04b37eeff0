"""A loopback Aliyun OSS: it checks signatures, digests and parts like the real one, and fails on demand.

Its ledger records the requests, so that a test can see that nothing was sent twice.
"""

import base64
import hashlib
import hmac
import itertools
import re
import socket
import struct
import threading
import urllib.parse
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

import attrs

from imagegen_adapters.archives.oss import Crc64

_MIN_PART_BYTES = 100 * 1024
_MAX_URL_SECONDS = 604_800
_SKEW = timedelta(minutes=15)
_AUTHORIZATION = re.compile(
    r"OSS4-HMAC-SHA256 Credential=([^,]+), Signature=([0-9a-f]{64})(?:, AdditionalHeaders=(.*))?"
)
_uploads = itertools.count(1)


@attrs.define
class StoredObject:
    data: bytes
    etag: str
    content_type: str
    kind: str = "Normal"
    headers: dict = attrs.field(factory=dict)
    modified: datetime = attrs.field(factory=lambda: datetime.now(UTC))
    unseen: int = 0


@attrs.define
class Upload:
    key: str
    content_type: str
    parts: dict = attrs.field(factory=dict)


@attrs.frozen
class Call:
    """One request: put, get, head, delete, list, init, part, parts, complete or abort, with its outcome."""

    operation: str
    key: str
    status: int
    size: int = 0
    headers: dict = attrs.field(factory=dict, repr=False, eq=False)
    query: dict = attrs.field(factory=dict, repr=False, eq=False)


@attrs.define
class Fault:
    """``unavailable``, ``skew``, ``denied``, ``html``, ``reset``: instead of acting.

    ``swallow``: act, then reset. ``truncate``, ``stall``: half of the body. ``wrong_crc``: a wrong
    header. ``corrupt``: other bytes are stored; ``shorten``: fewer. ``redirect``: to ``target``.
    ``delay``: no response until `FakeOss.release`.
    """

    kind: str
    operation: str | None = None
    times: int = 1
    target: str = ""


class Refused(Exception):
    def __init__(self, status, code, message="no"):
        super().__init__(code)
        self.status, self.code, self.message = status, code, message


def crc64(data):
    crc = Crc64()
    crc.update(data)
    return crc.value


def md5(data):
    return hashlib.md5(data).digest()  # noqa: S324 - the protocol's own


def signature_v4(method, resource, params, headers, secret, *, in_url):
    """Return the given and the right V4 signature. [facts of the protocol: help.aliyun.com, V4 signatures]"""

    def enc(text, safe=""):
        return urllib.parse.quote(text, safe="-_.~" + safe)

    params = dict(params)
    if in_url:
        credential, sent_signature, moment = (
            params["x-oss-credential"],
            params.pop("x-oss-signature"),
            params["x-oss-date"],
        )
        additional = [h for h in params.get("x-oss-additional-headers", "").split(";") if h]
    else:
        match = _AUTHORIZATION.fullmatch(headers["authorization"])
        if not match:
            raise Refused(400, "InvalidAuthorization")
        credential, sent_signature, moment = match[1], match[2], headers["x-oss-date"]
        additional = match[3].split(";") if match[3] else []
    _, day, region, product, end = credential.split("/")
    signed = "".join(
        f"{name}:{value}\n"
        for name, value in sorted(headers.items())
        if name.startswith("x-oss-") or name in ("content-type", "content-md5") or name in additional
    )
    query = "&".join(
        k + ("=" + v if v else "") for k, v in sorted((enc(k), enc(v)) for k, v in params.items())
    )
    payload = headers.get("x-oss-content-sha256", "UNSIGNED-PAYLOAD")
    canonical = "\n".join([method, enc(resource, "/"), query, signed, ";".join(sorted(additional)), payload])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["OSS4-HMAC-SHA256", moment, f"{day}/{region}/{product}/{end}", digest])
    key = ("aliyun_v4" + secret).encode()
    for part in (day, region, product, end):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return sent_signature, hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


class FakeOss:
    """One bucket. Tests may inspect ``objects``, ``uploads`` and ``ledger``; ``faults`` are consumed.

    Where it ``lists_late``, as OSS never does, no list shows anything; where it ``reads_late``, so many first
    requests for a new object are answered that there is none.
    """

    def __init__(
        self, bucket="my-pictures", region="cn-hangzhou", key_id="LTAI-test", secret="s3cret", token=""
    ):
        self.bucket, self.region, self.key_id, self.secret, self.token = bucket, region, key_id, secret, token
        self.objects: dict[str, StoredObject] = {}
        self.uploads: dict[str, Upload] = {}
        self.ledger: list[Call] = []
        self.faults: list[Fault] = []
        self.lists_late, self.reads_late = False, 0
        self.lock = threading.RLock()
        self.released = threading.Event()
        self.port = 0
        self._server = None
        self._thread = None

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, *_):
        self.down()

    def up(self):
        """Listen, on the same port as before."""
        self.released.clear()
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.oss = self
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def down(self):
        """Refuse connections and close the open ones."""
        if self._server is None:
            return
        server, self._server = self._server, None
        self.release()
        server.shutdown()
        server.cut()
        server.server_close()
        self._thread.join()

    def release(self):
        """End all delays and stalls."""
        self.released.set()

    def fail(self, kind, operation=None, times=1, target=""):
        self.faults.append(Fault(kind, operation, times, target))

    def fault(self, operation):
        """Take the first fault that matches."""
        with self.lock:
            for fault in self.faults:
                if fault.operation in (None, operation):
                    fault.times -= 1
                    if not fault.times:
                        self.faults.remove(fault)
                    return fault
        return None

    def calls(self, operation=None, status=None):
        """Return the keys of these calls, oldest first."""
        return [
            call.key
            for call in self.ledger
            if operation in (None, call.operation) and status in (None, call.status)
        ]

    def authenticate(self, method, resource, params, headers):
        in_url = "x-oss-signature" in params
        if not in_url and "authorization" not in headers:
            raise Refused(403, "AccessDenied", "Anonymous access is forbidden for this operation.")
        if in_url:
            credential, moment = params.get("x-oss-credential", ""), params.get("x-oss-date", "")
            token = params.get("x-oss-security-token", "")
        else:
            match = re.search(r"Credential=([^,]+)", headers["authorization"])
            credential, moment = match[1] if match else "", headers.get("x-oss-date", "")
            token = headers.get("x-oss-security-token", "")
        if credential.count("/") != 4:
            raise Refused(400, "InvalidArgument", "bad credential")
        key_id, day, region, product, end = credential.split("/")
        if key_id != self.key_id:
            raise Refused(403, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist.")
        if (day, region, product, end) != (moment[:8], self.region, "oss", "aliyun_v4_request"):
            raise Refused(400, "InvalidArgument", "bad credential scope")
        if token != self.token:
            raise Refused(403, "InvalidSecurityToken", "The security token you provided is invalid.")
        self._check_time(params, moment, in_url=in_url)
        sent_signature, expected = signature_v4(method, resource, params, headers, self.secret, in_url=in_url)
        if not hmac.compare_digest(sent_signature, expected):
            raise Refused(403, "SignatureDoesNotMatch", "The request signature does not match.")

    def _check_time(self, params, moment, *, in_url):
        signed = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        now = datetime.now(UTC)
        if not in_url:
            if abs(now - signed) > _SKEW:
                raise Refused(403, "RequestTimeTooSkewed", "The difference between the times is too large.")
            return
        life = int(params.get("x-oss-expires", "0"))
        if not 1 <= life <= _MAX_URL_SECONDS:
            raise Refused(403, "AccessDenied", "x-oss-expires is out of range")
        if not signed - _SKEW <= now <= signed + timedelta(seconds=life):
            raise Refused(403, "AccessDenied", "Request has expired.")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, *arguments):
        self.connections = set()
        super().__init__(*arguments)

    def get_request(self):
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.add(connection)
        return connection, address

    def shutdown_request(self, request):
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """A client that disconnects is not an error."""

    def cut(self):
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Cut(Exception):
    """The connection is closed; there is nothing to respond."""


class _Answered(Exception):
    """The response has been sent; the connection stays open."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "AliyunOSS"
    sys_version = ""

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._serve()

    do_PUT = do_HEAD = do_POST = do_DELETE = do_GET  # noqa: N815 - the standard library's names

    def _serve(self):
        oss = self.server.oss
        try:
            path, _, query = self.path.partition("?")
            self.params = {
                urllib.parse.unquote_plus(k): urllib.parse.unquote_plus(v)
                for k, _, v in (pair.partition("=") for pair in query.split("&") if pair)
            }
            self.request_headers = {name.lower(): value for name, value in self.headers.items()}
            bucket, _, key = path[1:].partition("/")
            self.key = urllib.parse.unquote(key)
            self.operation = self._operation()
            self.body = b""
            self.fault = oss.fault(self.operation)
            kind = self.fault.kind if self.fault else ""
            if kind == "delay":
                oss.released.wait(120)
            if kind == "reset":
                self._reset()
            self.body = self._read_body()
            try:
                oss.authenticate(self.command, f"/{bucket}/{self.key}", self.params, self.request_headers)
                self._refuse(kind, bucket)
                with oss.lock:
                    status, headers, body = getattr(self, "_" + self.operation)()
            except Refused as refusal:
                self._answer_error(refusal)
                return
            if kind == "swallow":
                self._note(status)
                self._reset()
            self._answer(status, headers, body)
        except _Answered:
            return
        except (_Cut, ConnectionError):
            self.close_connection = True

    def _refuse(self, kind, bucket):
        if bucket != self.server.oss.bucket:
            raise Refused(404, "NoSuchBucket", "The specified bucket does not exist.")
        if kind == "unavailable":
            raise Refused(503, "ServiceUnavailable", "Please try again later.")
        if kind == "skew":
            raise Refused(403, "RequestTimeTooSkewed", "The difference between the times is too large.")
        if kind == "denied":
            raise Refused(403, "AccessDenied", "You have no right to access this object.")
        if kind == "html":
            body = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
            self._answer(502, {"Content-Type": "text/html"}, body)
            raise _Answered
        if kind == "redirect":
            self._answer(302, {"Location": self.fault.target}, b"")
            raise _Answered

    def _operation(self):
        p, method = self.params, self.command
        if not self.key:
            return "list"
        if "uploads" in p:
            return "init"
        if "uploadId" in p:
            return {"PUT": "part", "GET": "parts", "POST": "complete", "DELETE": "abort"}[method]
        return {"PUT": "put", "GET": "get", "HEAD": "head", "DELETE": "delete"}[method]

    def _read_body(self):
        if self.request_headers.get("transfer-encoding", "").lower() != "chunked":
            length = int(self.request_headers.get("content-length", 0))
            data = self.rfile.read(length)
            if len(data) != length:
                raise _Cut
            return data
        pieces = []
        while True:
            line = self.rfile.readline()
            if not line.endswith(b"\r\n"):
                raise _Cut
            size = int(line, 16)
            data = self.rfile.read(size)
            if len(data) != size or self.rfile.read(2) != b"\r\n":
                raise _Cut
            if not size:
                return b"".join(pieces)
            pieces.append(data)

    # ------------------------------------------------------------ operations

    def _stored_body(self):
        digest = self.request_headers.get("content-md5")
        if digest and digest != base64.b64encode(md5(self.body)).decode():
            raise Refused(400, "InvalidDigest", "The Content-MD5 you specified is not valid.")
        kind = self.fault.kind if self.fault else ""
        if kind == "shorten":
            return self.body[:-1]
        return b"\0" + self.body[1:] if kind == "corrupt" else self.body

    def _crc_header(self, data):
        lie = 1 if self.fault and self.fault.kind == "wrong_crc" else 0
        return {"x-oss-hash-crc64ecma": str(crc64(data) ^ lie)}

    def _put(self):
        if (
            self.request_headers.get("x-oss-forbid-overwrite") == "true"
            and self.key in self.server.oss.objects
        ):
            raise Refused(409, "FileAlreadyExists", "The object you specified already exists.")
        data = self._stored_body()
        etag = md5(data).hex().upper()
        self.server.oss.objects[self.key] = StoredObject(
            data, etag, self.request_headers.get("content-type", ""), unseen=self.server.oss.reads_late
        )
        return 200, {"ETag": f'"{etag}"', **self._crc_header(data)}, b""

    def _object(self):
        stored = self.server.oss.objects.get(self.key)
        if stored is not None and stored.unseen:
            stored.unseen -= 1
            stored = None
        if stored is None:
            raise Refused(404, "NoSuchKey", "The specified key does not exist.")
        match = self.request_headers.get("if-match", "").strip('"')
        if match and match != stored.etag:
            raise Refused(412, "PreconditionFailed", "At least one of the preconditions did not hold.")
        headers = {
            "ETag": f'"{stored.etag}"',
            "Last-Modified": format_datetime(stored.modified, usegmt=True),
            "Content-Type": stored.content_type,
            "x-oss-object-type": stored.kind,
            "x-oss-storage-class": "Standard",
            "Accept-Ranges": "bytes",
            **self._crc_header(stored.data),
        }
        for name, value in self.params.items():
            if name.startswith("response-"):
                headers[name.removeprefix("response-").title()] = value
        return stored, headers

    def _head(self):
        stored, headers = self._object()
        return 200, {**headers, "Content-Length": str(len(stored.data))}, b""

    def _get(self):
        stored, headers = self._object()
        total = len(stored.data)
        byte_range = re.fullmatch(r"bytes=(\d+)-(\d*)", self.request_headers.get("range", ""))
        if byte_range:
            start, end = int(byte_range[1]), min(int(byte_range[2] or total), total - 1)
            if start < total and start <= end:
                headers["Content-Range"] = f"bytes {start}-{end}/{total}"
                return 206, headers, stored.data[start : end + 1]
            if self.request_headers.get("x-oss-range-behavior") == "standard":
                raise Refused(416, "InvalidRange", "The requested range cannot be satisfied.")
        return 200, headers, stored.data

    def _delete(self):
        self.server.oss.objects.pop(self.key, None)
        return 204, {}, b""

    def _upload(self):
        upload = self.server.oss.uploads.get(self.params["uploadId"])
        if upload is None or upload.key != self.key:
            raise Refused(404, "NoSuchUpload", "The specified upload does not exist.")
        return upload

    def _init(self):
        upload_id = hashlib.sha256(f"{self.key} {next(_uploads)}".encode()).hexdigest()[:32].upper()
        self.server.oss.uploads[upload_id] = Upload(self.key, self.request_headers.get("content-type", ""))
        return _xml(
            "InitiateMultipartUploadResult",
            f"<Bucket>{self.server.oss.bucket}</Bucket><Key>{escape(self.key)}</Key><UploadId>{upload_id}</UploadId>",
        )

    def _part(self):
        number = int(self.params["partNumber"])
        if not 1 <= number <= 10_000:
            raise Refused(400, "InvalidArgument", "Part number must be an integer between 1 and 10000.")
        data = self._stored_body()
        etag = md5(data).hex().upper()
        self._upload().parts[number] = (etag, data, datetime.now(UTC))
        return 200, {"ETag": f'"{etag}"', **self._crc_header(data)}, b""

    def _parts(self):
        upload = self._upload()
        marker, limit = (
            int(self.params.get("part-number-marker") or 0),
            int(self.params.get("max-parts") or 1000),
        )
        numbers = sorted(number for number in upload.parts if number > marker)
        shown = numbers[:limit]
        parts = "".join(
            f"<Part><PartNumber>{n}</PartNumber><LastModified>{_iso(upload.parts[n][2])}</LastModified>"
            f'<ETag>"{upload.parts[n][0]}"</ETag><Size>{len(upload.parts[n][1])}</Size></Part>'
            for n in shown
        )
        return _xml(
            "ListPartsResult",
            f"<IsTruncated>{str(len(numbers) > limit).lower()}</IsTruncated>"
            f"<NextPartNumberMarker>{shown[-1] if shown else 0}</NextPartNumberMarker>{parts}",
        )

    def _complete(self):
        upload = self._upload()
        listed_parts = [
            (int(part.findtext("PartNumber")), part.findtext("ETag").strip('"'))
            for part in ET.fromstring(self.body).findall("Part")  # noqa: S314 - from our own client
        ]
        numbers = [number for number, _ in listed_parts]
        if numbers != sorted(set(numbers)):
            raise Refused(400, "InvalidPartOrder", "The list of parts was not in ascending order.")
        if not listed_parts or any(
            n not in upload.parts or upload.parts[n][0] != etag for n, etag in listed_parts
        ):
            raise Refused(400, "InvalidPart", "One or more of the specified parts could not be found.")
        pieces = [upload.parts[number][1] for number in numbers]
        if any(len(piece) < _MIN_PART_BYTES for piece in pieces[:-1]):
            raise Refused(400, "EntityTooSmall", "Your proposed upload is smaller than the minimum.")
        data = b"".join(pieces)
        etag = md5(b"".join(pieces)).hex().upper() + f"-{len(pieces)}"
        self.server.oss.objects[self.key] = StoredObject(
            data, etag, upload.content_type, "Multipart", unseen=self.server.oss.reads_late
        )
        del self.server.oss.uploads[self.params["uploadId"]]
        status, headers, body = _xml("CompleteMultipartUploadResult", f'<ETag>"{etag}"</ETag>')
        return status, {**headers, "ETag": f'"{etag}"', **self._crc_header(data)}, body

    def _abort(self):
        self._upload()
        del self.server.oss.uploads[self.params["uploadId"]]
        return 204, {}, b""

    def _list(self):
        if self.params.get("list-type") != "2":
            raise Refused(400, "InvalidArgument", "only version 2 here")
        after = self.params.get("continuation-token", "")
        limit = int(self.params.get("max-keys") or 100)
        keys = sorted(
            key
            for key in (() if self.server.oss.lists_late else self.server.oss.objects)
            if key.startswith(self.params.get("prefix", "")) and key > after
        )
        shown, more = keys[:limit], len(keys) > limit
        contents = "".join(
            f"<Contents><Key>{urllib.parse.quote(key)}</Key><LastModified>{_iso(stored.modified)}</LastModified>"
            f'<ETag>"{stored.etag}"</ETag><Type>{stored.kind}</Type><Size>{len(stored.data)}</Size>'
            "<StorageClass>Standard</StorageClass></Contents>"
            for key, stored in ((key, self.server.oss.objects[key]) for key in shown)
        )
        token = (
            f"<NextContinuationToken>{urllib.parse.quote(shown[-1])}</NextContinuationToken>" if more else ""
        )
        return _xml(
            "ListBucketResult",
            f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>{token}{contents}",
        )

    # ------------------------------------------------------------ responses

    def _note(self, status):
        oss = self.server.oss
        with oss.lock:
            oss.ledger.append(
                Call(self.operation, self.key, status, len(self.body), self.request_headers, self.params)
            )

    def _answer_error(self, refusal):
        xml = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{refusal.code}</Code>'
            f"<Message>{escape(refusal.message)}</Message><RequestId>5C1B138A109F4E405B2D8AEF</RequestId>"
            "<HostId>127.0.0.1</HostId><EC>0026-00000001</EC></Error>"
        ).encode()
        headers = {"Content-Type": "application/xml", "x-oss-ec": "0026-00000001"}
        if self.command == "HEAD":
            headers["x-oss-err"] = base64.b64encode(xml).decode()
            xml = b""
        self._answer(refusal.status, headers, xml)

    def _answer(self, status, headers, body):
        self._note(status)
        kind = self.fault.kind if self.fault else ""
        self.send_response(status)
        self.send_header("x-oss-request-id", "5C1B138A109F4E405B2D8AEF")
        self.send_header("x-oss-server-time", "1")
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers and status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if kind in ("truncate", "stall") and body:
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if kind == "stall":
                self.server.oss.released.wait(120)
            raise _Cut
        if self.command != "HEAD":  # the next response on this connection would start with it
            self.wfile.write(body)

    def _reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        raise _Cut


def _iso(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _xml(root, inner):
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{inner}</{root}>'.encode()
    return 200, {"Content-Type": "application/xml"}, body
