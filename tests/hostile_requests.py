"""Requests that servers read differently, and what ours makes of each.

An outcome is what a client sees of one connection on which the request is followed by a ``GET /second``: the
status of each answer, with the field that it complains about. So ``400:request`` alone is a refusal after
which the connection is closed, and a ``404`` at the end is the second request, which was seen as such.
"""

LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"
GENERATE = b"POST /api/v1/tasks/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_OLD_GENERATE = GENERATE.replace(b"1.1", b"1.0")
SECOND = b"GET /second HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

SERVED, EMPTY_BODY, UNKNOWN = "200 404", "400:body 404", "404 404"
WITH_BODY = "400:params.prompt 404"
"""Its body, ``{}``, was read and lacks a prompt."""

REFUSED = "400:request"


def _request_line(text):
    return text.encode("latin-1") + b"\r\nHost: localhost\r\n\r\n"


def _header(text):
    return LIVE + text.encode("latin-1") + b"\r\n\r\n"


def _body(*lines, body=b"{}"):
    return GENERATE + "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body


def _chunks(body):
    return _body("Transfer-Encoding: chunked", body=body)


def _coding(*lines):
    return _body(*lines, body=b"2\r\n{}\r\n0\r\n\r\n")


def _many(number):
    return LIVE + b"".join(b"X-%d: y\r\n" % n for n in range(number)) + b"\r\n"


_LIVE = LIVE + b"\r\n"


REQUEST_LINES = {
    "a plain request": (LIVE + b"\r\n", SERVED),
    "an unknown method": (_request_line("BREW /health/live HTTP/1.1"), "405 404"),
    "a method in lower case": (_request_line("get /health/live HTTP/1.1"), "405 404"),
    "a method of WebDAV": (_request_line("PROPFIND /health/live HTTP/1.1"), "405 404"),
    "a method of RTSP": (_request_line("DESCRIBE /health/live HTTP/1.1"), "405 404"),
    "a tunnel": (_request_line("CONNECT localhost:443 HTTP/1.1"), UNKNOWN),
    "a long method": (_request_line("A" * 1000 + " /health/live HTTP/1.1"), "405 404"),
    "a method with a bracket": (_request_line("GE(T /health/live HTTP/1.1"), REFUSED),
    "a method with a colon": (_request_line("GET: /health/live HTTP/1.1"), REFUSED),
    "a method with NUL": (_request_line("GET\0 /health/live HTTP/1.1"), REFUSED),
    "a method beyond ASCII": (_request_line("G\xcbT /health/live HTTP/1.1"), REFUSED),
    "no method": (_request_line(" /health/live HTTP/1.1"), REFUSED),
    "a space first": (_request_line(" GET /health/live HTTP/1.1"), REFUSED),
    "two spaces": (_request_line("GET  /health/live HTTP/1.1"), REFUSED),
    "two spaces before the version": (_request_line("GET /health/live  HTTP/1.1"), REFUSED),
    "tabs": (_request_line("GET\t/health/live\tHTTP/1.1"), REFUSED),
    "a form feed": (_request_line("GET\x0c/health/live HTTP/1.1"), REFUSED),
    "a space last": (_request_line("GET /health/live HTTP/1.1 "), REFUSED),
    "no target": (_request_line("GET  HTTP/1.1"), REFUSED),
    "only a method": (_request_line("GET"), REFUSED),
    "HTTP/0.9": (_request_line("GET /health/live"), REFUSED),
    "HTTP/0.9 in words": (_request_line("GET /health/live HTTP/0.9"), REFUSED),
    "HTTP/1.0": (_request_line("GET /health/live HTTP/1.0"), "200"),
    "HTTP/1.2": (_request_line("GET /health/live HTTP/1.2"), REFUSED),
    "HTTP/1.10": (_request_line("GET /health/live HTTP/1.10"), REFUSED),
    "HTTP/01.1": (_request_line("GET /health/live HTTP/01.1"), REFUSED),
    "HTTP/1": (_request_line("GET /health/live HTTP/1"), REFUSED),
    "HTTP/1.": (_request_line("GET /health/live HTTP/1."), REFUSED),
    "HTTP/2.0": (_request_line("GET /health/live HTTP/2.0"), REFUSED),
    "HTTP/3.0": (_request_line("GET /health/live HTTP/3.0"), REFUSED),
    "HTTP/11": (_request_line("GET /health/live HTTP/11"), REFUSED),
    "HTTP/1,1": (_request_line("GET /health/live HTTP/1,1"), REFUSED),
    "http/1.1": (_request_line("GET /health/live http/1.1"), REFUSED),
    "HTTQ/1.1": (_request_line("GET /health/live HTTQ/1.1"), REFUSED),
    "RTSP/1.0": (_request_line("GET /health/live RTSP/1.0"), REFUSED),
    "ICE/1.0": (_request_line("SOURCE /health/live ICE/1.0"), REFUSED),
    "a space in the version": (_request_line("GET /health/live HTTP /1.1"), REFUSED),
    "a target with a space": (_request_line("GET /health/live x HTTP/1.1"), REFUSED),
    "a target with a tab": (_request_line("GET /health/\tlive HTTP/1.1"), REFUSED),
    "a target with NUL": (_request_line("GET /health/\0live HTTP/1.1"), REFUSED),
    "a target with DEL": (_request_line("GET /health/\x7flive HTTP/1.1"), REFUSED),
    "a target with a control character": (_request_line("GET /health/\x01live HTTP/1.1"), REFUSED),
    "a target beyond ASCII": (_request_line("GET /health/\xe9live HTTP/1.1"), REFUSED),
    "a target with odd characters": (_request_line('GET /health/"<>\\^`{|} HTTP/1.1'), UNKNOWN),
    "a target with a fragment": (_request_line("GET /health/live#x HTTP/1.1"), UNKNOWN),
    "a target without a path": (_request_line("GET ?x HTTP/1.1"), SERVED),
    "a target without a slash": (_request_line("GET health/live HTTP/1.1"), SERVED),
    "an asterisk": (_request_line("OPTIONS * HTTP/1.1"), UNKNOWN),
    "an absolute target": (_request_line("GET http://localhost/health/live HTTP/1.1"), UNKNOWN),
    "an absolute target of another host": (
        _request_line("GET http://evil.example/health/live HTTP/1.1"),
        UNKNOWN,
    ),
    "an absolute target of no scheme": (_request_line("GET ://localhost/health/live HTTP/1.1"), UNKNOWN),
    "an absolute target with a user": (_request_line("GET http://a@localhost/health/live HTTP/1.1"), UNKNOWN),
    "an absolute target with a bad port": (
        _request_line("GET http://localhost:x/health/live HTTP/1.1"),
        UNKNOWN,
    ),
    "two slashes": (_request_line("GET //health/live HTTP/1.1"), SERVED),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REFUSED),
    "a hello of TLS": (b"\x16\x03\x01\x00\xf4\x01\x00\x00\xf0\x03\x03" + b"\r\n\r\n", REFUSED),
    "an SSH client": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", REFUSED),
    "an answer instead of a request": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", REFUSED),
    "an empty line first": (b"\r\nGET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", REFUSED),
    "a line feed first": (b"\nGET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", REFUSED),
    "two empty lines first": (b"\r\n\r\nGET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", REFUSED),
    "a byte order mark first": (b"\xef\xbb\xbfGET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", REFUSED),
    "NUL first": (b"\0GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n", REFUSED),
}

ENDS_OF_LINES = {
    "line feeds": (b"GET /health/live HTTP/1.1\nHost: localhost\n\n", SERVED),
    "line feeds among others": (b"GET /health/live HTTP/1.1\nHost: localhost\r\nX: y\n\r\n", SERVED),
    "a line feed at the end": (LIVE + b"\n", SERVED),
    "a line feed inside": (b"GET /health/live HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n", SERVED),
    "carriage returns": (b"GET /health/live HTTP/1.1\rHost: localhost\r\r", REFUSED),
    "two carriage returns": (b"GET /health/live HTTP/1.1\r\r\nHost: localhost\r\r\n\r\r\n", REFUSED),
    "a carriage return in the request line": (
        b"GET /health/live\r HTTP/1.1\r\nHost: localhost\r\n\r\n",
        REFUSED,
    ),
    "a carriage return for the end of the request line": (
        b"GET /health/live HTTP/1.1\rHost: localhost\r\n\r\n",
        REFUSED,
    ),
    "a carriage return for the end of a header": (
        b"GET /health/live HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n",
        REFUSED,
    ),
    "a carriage return before the end of a value": (LIVE + b"X: y\r\r\n\r\n", REFUSED),
    "a carriage return before the end of the head": (LIVE + b"\r\r\n", REFUSED),
    "a vertical tab for the end of a line": (
        b"GET /health/live HTTP/1.1\r\nHost: localhost\x0bX: y\r\n\r\n",
        REFUSED,
    ),
    "NEL for the end of a line": (LIVE + b"A: b\x85X: y\r\n\r\n", SERVED),
}

HEADERS = {
    "a space before the colon": (_header("X : y"), REFUSED),
    "a tab before the colon": (_header("X\t: y"), REFUSED),
    "a space in a name": (_header("X y: z"), REFUSED),
    "a name with a bracket": (_header("X(y): z"), REFUSED),
    "a name with NUL": (_header("X\0: y"), REFUSED),
    "a name with a control character": (_header("X\x01: y"), REFUSED),
    "a name beyond ASCII": (_header("X\xe9: y"), REFUSED),
    "a name with quotes": (_header('"X": y'), REFUSED),
    "a name with an underscore": (_header("X_y: z"), SERVED),
    "a name with odd characters": (_header("!#$%&'*+.^`|~: y"), SERVED),
    "no name": (_header(": y"), REFUSED),
    "no colon": (_header("X"), REFUSED),
    "no colon but a space": (_header("X y"), REFUSED),
    "a slash for a colon": (_header("X/ y"), REFUSED),
    "no value": (_header("X:"), SERVED),
    "only spaces for a value": (_header("X:   "), SERVED),
    "a tab in a value": (_header("X: a\tb"), SERVED),
    "spaces around a value": (_header("X: \t a \t "), SERVED),
    "NUL in a value": (_header("X: a\0b"), REFUSED),
    "NUL at the end of a value": (_header("X: a\0"), REFUSED),
    "a control character in a value": (_header("X: a\x01b"), REFUSED),
    "a bell in a value": (_header("X: \x07"), REFUSED),
    "a vertical tab in a value": (_header("X: a\x0bb"), REFUSED),
    "a form feed in a value": (_header("X: a\x0cb"), REFUSED),
    "an escape in a value": (_header("X: a\x1b[31mb"), REFUSED),
    "DEL in a value": (_header("X: a\x7fb"), REFUSED),
    "latin-1 in a value": (_header("X: caf\xe9"), SERVED),
    "UTF-8 in a value": (_header("X: \xe7\x8c\xab"), SERVED),
    "a folded value": (_header("X: a\r\n b"), REFUSED),
    "a folded value with a tab": (_header("X: a\r\n\tb"), REFUSED),
    "an empty folded value": (_header("X:\r\n b"), REFUSED),
    "a line of spaces": (_header("   "), REFUSED),
    "a colon in a value": (_header("X: a:b"), SERVED),
    "a second Host": (_header("Host: localhost"), REFUSED),
    "a second Host of another name": (_header("host: evil.example"), REFUSED),
    "a Host with a space before the colon": (_header("Host : evil.example"), REFUSED),
    "a keep-alive": (_header("Connection: keep-alive"), SERVED),
    "an unknown Connection": (_header("Connection: transfer-encoding, host"), SERVED),
    "a Proxy-Connection": (_header("Proxy-Connection: close"), SERVED),
    "a folded first header": (
        b"GET /health/live HTTP/1.1\r\n Host: localhost\r\nHost: localhost\r\n\r\n",
        REFUSED,
    ),
    "a folded Host": (LIVE + b" evil.example\r\n\r\n", REFUSED),
    "no Host": (b"GET /health/live HTTP/1.1\r\n\r\n", REFUSED),
    "no Host in HTTP/1.0": (b"GET /health/live HTTP/1.0\r\n\r\n", "403"),
    "an empty Host": (b"GET /health/live HTTP/1.1\r\nHost:\r\n\r\n", "403 404"),
    "a Host with a space": (b"GET /api/v1/tasks HTTP/1.1\r\nHost: localhost evil.example\r\n\r\n", "403 404"),
    "a Host with a comma": (
        b"GET /api/v1/tasks HTTP/1.1\r\nHost: localhost, evil.example\r\n\r\n",
        "403 404",
    ),
    "a Host with a path": (b"GET /api/v1/tasks HTTP/1.1\r\nHost: localhost/x\r\n\r\n", "403 404"),
    "a Host with a user": (b"GET /api/v1/tasks HTTP/1.1\r\nHost: a@localhost\r\n\r\n", "403 404"),
    "HTTP/1.0 kept alive": (
        b"GET /health/live HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
        "200",
    ),
    "a close": (LIVE + b"Connection: close\r\n\r\n", "200"),
    "a close among others": (LIVE + b"Connection: x, Close\r\n\r\n", "200"),
    "a close and a keep-alive": (LIVE + b"Connection: keep-alive, close\r\n\r\n", "200"),
    "a websocket": (
        LIVE
        + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        + b"Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        SERVED,
    ),
    "an upgrade to HTTP/2": (
        LIVE
        + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        SERVED,
    ),
    "a request in the body of an upgrade": (
        _body("Connection: Upgrade", "Upgrade: h2c", f"Content-Length: {len(_LIVE)}", body=_LIVE),
        EMPTY_BODY,
    ),
    "a request in the chunks of an upgrade": (
        _body(
            "Connection: Upgrade",
            "Upgrade: h2c",
            "Transfer-Encoding: chunked",
            body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(_LIVE), _LIVE),
        ),
        EMPTY_BODY,
    ),
    "99 more headers": (_many(98), SERVED),
    "a hundred more headers": (_many(100), REFUSED),
    "a thousand headers": (_many(1000), REFUSED),
    "a head of 31 KiB": (LIVE + b"X: " + b"a" * (31 * 1024) + b"\r\n\r\n", SERVED),
    "a head of 40 KiB": (LIVE + b"X: " + b"a" * (40 * 1024) + b"\r\n\r\n", REFUSED),
    "a name of 20 KiB": (LIVE + b"a" * (20 * 1024) + b": x\r\n\r\n", SERVED),
    "a target of 20 KiB": (
        b"GET /health/live?" + b"a" * (20 * 1024) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        SERVED,
    ),
    "a target of 40 KiB": (
        b"GET /health/live?" + b"a" * (40 * 1024) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        REFUSED,
    ),
}

LENGTHS = {
    "a length": (_body("Content-Length: 2"), WITH_BODY),
    "a length with zeros": (_body("Content-Length: 0002"), WITH_BODY),
    "a length with spaces around": (_body("Content-Length:  \t2 \t"), WITH_BODY),
    "a signed length": (_body("Content-Length: +2"), REFUSED),
    "a negative length": (_body("Content-Length: -2"), REFUSED),
    "a hexadecimal length": (_body("Content-Length: 0x2"), REFUSED),
    "a length with an underscore": (_body("Content-Length: 0_2"), REFUSED),
    "a length with a fraction": (_body("Content-Length: 2.0"), REFUSED),
    "a length with an exponent": (_body("Content-Length: 2e0"), REFUSED),
    "a length with a parameter": (_body("Content-Length: 2; x"), REFUSED),
    "an empty length": (_body("Content-Length:"), REFUSED),
    "a length in words": (_body("Content-Length: two"), REFUSED),
    "a length in quotes": (_body('Content-Length: "2"'), REFUSED),
    "a length in other digits": (_body("Content-Length: \xef\xbc\x92"), REFUSED),
    "a length with superscript": (_body("Content-Length: \xb2"), REFUSED),
    "a length of two numbers": (_body("Content-Length: 2 2"), REFUSED),
    "a length with a vertical tab": (_body("Content-Length: \x0b2"), REFUSED),
    "a length with NUL": (_body("Content-Length: 2\0"), REFUSED),
    "a length beyond 64 bits": (_body("Content-Length: 18446744073709551618"), REFUSED),
    "a length beyond all bounds": (_body("Content-Length: " + "9" * 100), REFUSED),
    "a folded length": (_body("Content-Length:", " 2"), REFUSED),
    "a length with a space before the colon": (_body("Content-Length : 2"), REFUSED),
    "the same length twice": (_body("Content-Length: 2", "Content-Length: 2"), REFUSED),
    "the same length in a list": (_body("Content-Length: 2, 2"), REFUSED),
    "two lengths": (_body("Content-Length: 2", "Content-Length: 50"), REFUSED),
    "two lengths the other way round": (_body("Content-Length: 50", "Content-Length: 2"), REFUSED),
    "two spellings of a length": (_body("Content-Length: 2", "Content-Length: 02"), REFUSED),
    "two lengths in a list": (_body("Content-Length: 2, 50"), REFUSED),
    "a length and an empty one": (_body("Content-Length: 2", "Content-Length:"), REFUSED),
    "a length and an empty one in a list": (_body("Content-Length: 2,"), REFUSED),
    "a length with a hidden name": (_body("Content_Length: 50", "Content-Length: 2"), WITH_BODY),
    "no length": (_body(body=b""), EMPTY_BODY),
    "a length of nothing": (_body("Content-Length: 0", body=b""), EMPTY_BODY),
    "a GET with a body": (LIVE + b"Content-Length: 2\r\n\r\n{}", SERVED),
    "a HEAD with a body": (
        b"HEAD /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
        SERVED,
    ),
    "a chunked GET": (LIVE + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", SERVED),
    "an OPTIONS with a body": (
        b"OPTIONS /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}",
        "204 404",
    ),
}

TRANSFER_ENCODINGS = {
    "chunked": (_coding("Transfer-Encoding: chunked"), WITH_BODY),
    "chunked in capitals": (_coding("TRANSFER-ENCODING: CHUNKED"), WITH_BODY),
    "chunked with spaces around": (_coding("Transfer-Encoding: \t chunked \t"), REFUSED),
    "xchunked": (_coding("Transfer-Encoding: xchunked"), REFUSED),
    "chunkedx": (_coding("Transfer-Encoding: chunkedx"), REFUSED),
    "chunked and a comma": (_coding("Transfer-Encoding: chunked,"), REFUSED),
    "a comma and chunked": (_coding("Transfer-Encoding: ,chunked"), REFUSED),
    "chunked in a list of two": (_coding("Transfer-Encoding: chunked, chunked"), REFUSED),
    "chunked, identity": (_coding("Transfer-Encoding: chunked, identity"), REFUSED),
    "identity, chunked": (_coding("Transfer-Encoding: identity, chunked"), REFUSED),
    "gzip, chunked": (_coding("Transfer-Encoding: gzip, chunked"), REFUSED),
    "gzip": (_coding("Transfer-Encoding: gzip"), REFUSED),
    "identity": (_coding("Transfer-Encoding: identity"), REFUSED),
    "an empty encoding": (_coding("Transfer-Encoding:"), REFUSED),
    "chunked with a parameter": (_coding("Transfer-Encoding: chunked;q=1"), REFUSED),
    "chunked in quotes": (_coding('Transfer-Encoding: "chunked"'), REFUSED),
    "chunked with a vertical tab": (_coding("Transfer-Encoding: \x0bchunked"), REFUSED),
    "chunked with a form feed": (_coding("Transfer-Encoding: chunked\x0c"), REFUSED),
    "chunked with NUL": (_coding("Transfer-Encoding: chunked\0"), REFUSED),
    "chunked with a carriage return": (_coding("Transfer-Encoding: chunked\r"), REFUSED),
    "chunked with a no-break space": (_coding("Transfer-Encoding: \xa0chunked"), REFUSED),
    "folded chunked": (_coding("Transfer-Encoding:", " chunked"), REFUSED),
    "chunked twice": (_coding("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), REFUSED),
    "chunked and identity": (_coding("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), REFUSED),
    "identity and chunked": (_coding("Transfer-Encoding: identity", "Transfer-Encoding: chunked"), REFUSED),
    "chunked with a space before the colon": (_coding("Transfer-Encoding : chunked"), REFUSED),
    "chunked with an underscore": (_coding("Transfer_Encoding: chunked"), "400:body 400:request"),
    "chunked with a prefix": (_coding("X: y\nTransfer-Encoding: chunked"), WITH_BODY),
    "chunks and a length": (_coding("Transfer-Encoding: chunked", "Content-Length: 2"), REFUSED),
    "a length and chunks": (_coding("Content-Length: 2", "Transfer-Encoding: chunked"), REFUSED),
    "a length and xchunked": (_coding("Content-Length: 12", "Transfer-Encoding: xchunked"), REFUSED),
    "a length and identity": (_coding("Content-Length: 12", "Transfer-Encoding: identity"), REFUSED),
    "TE": (_coding("TE: trailers, chunked", "Content-Length: 12"), EMPTY_BODY),
    "chunked in HTTP/1.0": (
        _OLD_GENERATE + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        REFUSED,
    ),
    "chunked, kept alive, in HTTP/1.0": (
        _OLD_GENERATE + b"Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        REFUSED,
    ),
}

CHUNKS = {
    "no chunk but the last": (_chunks(b"0\r\n\r\n"), EMPTY_BODY),
    "two chunks": (_chunks(b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"), WITH_BODY),
    "a chunk in capitals": (_chunks(b"A\r\n{        }\r\n0\r\n\r\n"), WITH_BODY),
    "a size with zeros": (_chunks(b"0002\r\n{}\r\n0\r\n\r\n"), WITH_BODY),
    "a size with twenty zeros": (_chunks(b"0" * 19 + b"2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a size with a hundred zeros": (_chunks(b"0" * 100 + b"2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a last chunk of many zeros": (_chunks(b"2\r\n{}\r\n0000\r\n\r\n"), WITH_BODY),
    "a size with 0x": (_chunks(b"0x2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a size with an underscore": (_chunks(b"0_2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a signed size": (_chunks(b"+2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a negative size": (_chunks(b"-2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a space before the size": (_chunks(b" 2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a space after the size": (_chunks(b"2 \r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a tab after the size": (_chunks(b"2\t\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "no size": (_chunks(b"\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a size in words": (_chunks(b"two\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a size with g": (_chunks(b"2g\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a size with NUL": (_chunks(b"2\0\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a size in other digits": (_chunks(b"\xef\xbc\x92\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a size beyond 64 bits": (_chunks(b"10000000000000002\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a size beyond all bounds": (_chunks(b"f" * 30 + b"\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "an extension": (_chunks(b"2;x\r\n{}\r\n0\r\n\r\n"), WITH_BODY),
    "an extension with a value": (_chunks(b'2;x="y z"\r\n{}\r\n0;z\r\n\r\n'), WITH_BODY),
    "a space before an extension": (_chunks(b"2 ;x\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "an extension with a line feed": (_chunks(b"2;x\ny\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "an extension with a carriage return": (_chunks(b"2;x\ry\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "an extension with NUL": (_chunks(b"2;x\0\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "an extension beyond ASCII": (_chunks(b"2;\xe9\r\n{}\r\n0\r\n\r\n"), WITH_BODY),
    "an extension of 10 kB": (_chunks(b"2;" + b"x" * 10_000 + b"\r\n{}\r\n0\r\n\r\n"), WITH_BODY),
    "an extension of 100 kB": (_chunks(b"2;" + b"x" * 100_000 + b"\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "an extension that ends in quotes": (_chunks(b'2;x="\r\n{}\r\n0\r\n\r\n'), WITH_BODY),
    "sizes that end with line feeds": (_chunks(b"2\n{}\r\n0\n\r\n"), REFUSED),
    "data that end with a line feed": (_chunks(b"2\r\n{}\n0\r\n\r\n"), REFUSED),
    "chunks with line feeds": (_chunks(b"2\n{}\n0\n\n"), REFUSED),
    "a size that ends with a carriage return": (_chunks(b"2\r{}\r\n0\r\n\r\n"), REFUSED),
    "data without an end": (_chunks(b"2\r\n{}0\r\n\r\n"), REFUSED),
    "data with another end": (_chunks(b"2\r\n{}xx0\r\n\r\n"), REFUSED),
    "more data than the size": (_chunks(b"2\r\n{}{}\r\n0\r\n\r\n"), REFUSED),
    "less data than the size": (_chunks(b"3\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "a line feed at the end of all": (_chunks(b"2\r\n{}\r\n0\r\n\n"), REFUSED),
    "a carriage return at the end of all": (_chunks(b"2\r\n{}\r\n0\r\n\rX"), REFUSED),
    "a trailer": (_chunks(b"2\r\n{}\r\n0\r\nX: y\r\n\r\n"), WITH_BODY),
    "trailers of a length": (
        _chunks(b"2\r\n{}\r\n0\r\nContent-Length: 50\r\nTransfer-Encoding: x\r\n\r\n"),
        REFUSED,
    ),
    "trailers that would be refused as headers": (
        _chunks(b"2\r\n{}\r\n0\r\nContent-Encoding: gzip\r\nOrigin: http://evil.example\r\n\r\n"),
        WITH_BODY,
    ),
    "a trailer without a colon": (_chunks(b"2\r\n{}\r\n0\r\nX\r\n\r\n"), REFUSED),
    "a trailer with a space before the colon": (_chunks(b"2\r\n{}\r\n0\r\nX : y\r\n\r\n"), REFUSED),
    "a trailer with NUL": (_chunks(b"2\r\n{}\r\n0\r\nX: \0\r\n\r\n"), REFUSED),
    "a trailer with a carriage return": (_chunks(b"2\r\n{}\r\n0\r\nX: a\rb\r\n\r\n"), REFUSED),
    "a folded trailer": (_chunks(b"2\r\n{}\r\n0\r\nX: a\r\n b\r\n\r\n"), REFUSED),
    "trailers with line feeds": (_chunks(b"2\r\n{}\r\n0\r\nX: y\n\n"), REFUSED),
    "a hundred trailers": (_chunks(b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 99 + b"\r\n"), WITH_BODY),
    "a thousand trailers": (_chunks(b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 1000 + b"\r\n"), WITH_BODY),
    "40 KiB of trailers": (_chunks(b"2\r\n{}\r\n0\r\nX: " + b"y" * 40_960 + b"\r\n\r\n"), REFUSED),
    "200 tiny chunks": (_chunks(b"1\r\n \r\n" * 200 + b"2\r\n{}\r\n0\r\n\r\n"), WITH_BODY),
    "1,000 tiny chunks": (_chunks(b"1\r\n \r\n" * 1000 + b"2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "1,000 tiny chunks with zeros": (_chunks(b"0001\r\n \r\n" * 1000 + b"2\r\n{}\r\n0\r\n\r\n"), REFUSED),
    "1,000 tiny chunks with extensions": (_chunks(b"1;x\r\n \r\n" * 1000 + b"2\r\n{}\r\n0\r\n\r\n"), REFUSED),
}

WAITING_TO_CONTINUE = {
    "waiting to continue": (_body("Expect: 100-continue", "Content-Length: 2"), "100 400:params.prompt 404"),
    "waiting to continue in capitals": (
        _body("EXPECT: 100-CONTINUE", "Content-Length: 2"),
        "100 400:params.prompt 404",
    ),
    "waiting for something else": (_body("Expect: 200-ok", "Content-Length: 2"), WITH_BODY),
    "waiting twice": (
        _body("Expect: 100-continue", "Expect: 100-continue", "Content-Length: 2"),
        "100 400:params.prompt 404",
    ),
    "waiting in a list": (_body("Expect: 100-continue, x", "Content-Length: 2"), "100 400:params.prompt 404"),
    "waiting without a body": (_body("Expect: 100-continue", body=b""), "100 400:body 404"),
    "waiting in HTTP/1.0": (
        _OLD_GENERATE + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
        "400:params.prompt",
    ),
}

REQUESTS_IN_A_ROW = {
    "three requests": (_LIVE * 3, "200 200 200 404"),
    "300 requests": (_LIVE * 300, " ".join(["200"] * 300 + ["404"])),
    "a request after an empty line": (_LIVE + b"\r\n" + _LIVE, "200 400:request"),
    "a request after nonsense": (_LIVE + b"nonsense\r\n\r\n" + _LIVE, "200 400:request"),
    "a request after a close": (
        (LIVE + b"\r\n").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + _LIVE,
        "200",
    ),
    "a request after a body": (
        GENERATE + b"Content-Length: 2\r\n\r\n{}" + _LIVE,
        "400:params.prompt 200 404",
    ),
    "a request after a longer body": (
        GENERATE + b"Content-Length: 2\r\n\r\n{}\r\n" + _LIVE,
        "400:params.prompt 400:request",
    ),
    "a request after chunks": (
        GENERATE + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + _LIVE,
        "400:params.prompt 200 404",
    ),
    "chunks after chunks": (
        (GENERATE + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n") * 2 + _LIVE,
        "400:params.prompt 400:params.prompt 200 404",
    ),
    "a request after one that is too large": (
        GENERATE + b"Content-Length: 2000000\r\n\r\n" + b" " * 2_000_000 + _LIVE,
        "413",
    ),
    "101 headers in the second request": (_LIVE + _many(101), "200 400:request"),
    "a second head of 40 KiB": (
        _LIVE + b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 40960 + b"\r\n\r\n",
        "200 400:request",
    ),
}

REQUESTS = {
    **REQUEST_LINES,
    **ENDS_OF_LINES,
    **HEADERS,
    **LENGTHS,
    **TRANSFER_ENCODINGS,
    **CHUNKS,
    **WAITING_TO_CONTINUE,
    **REQUESTS_IN_A_ROW,
}

IN_TWO_PACKETS = frozenset(name for name in REQUESTS if "of an upgrade" in name or "trailers that" in name)
"""Their body comes in a packet of its own, when the server has read the head."""

STRICTER = {
    "HTTP/0.9 in words": "200",
    "HTTP/1.2": "200 404",
    "HTTP/2.0": "200 404",
    "HTTP/3.0": "200 404",
    "the preface of HTTP/2": "403 400:request",
    "a control character in a value": "200 404",
    "a bell in a value": "200 404",
    "an escape in a value": "200 404",
    "DEL in a value": "200 404",
    "a folded value": "200 404",
    "a folded value with a tab": "200 404",
    "an empty folded value": "200 404",
    "a line of spaces": "200 404",
    "a folded Host": "403 404",
    "a head of 40 KiB": "400:headers 404",
    "a target of 40 KiB": "400:headers 404",
    "a length beyond 64 bits": "400:body",
    "a folded length": "400:params.prompt 404",
    "the same length twice": "400:params.prompt 404",
    "the same length in a list": "400:params.prompt 404",
    "chunked with spaces around": "400:params.prompt 404",
    "folded chunked": "400:params.prompt 404",
    "chunks and a length": "400:body",
    "a length and chunks": "400:body",
    "chunked in HTTP/1.0": "400:params.prompt",
    "chunked, kept alive, in HTTP/1.0": "400:params.prompt",
    "a size with twenty zeros": "400:params.prompt 404",
    "a space after the size": "400:params.prompt 404",
    "a tab after the size": "400:params.prompt 404",
    "a size beyond 64 bits": "",
    "an extension with a carriage return": "400:params.prompt 404",
    "an extension with NUL": "400:params.prompt 404",
    "a line feed at the end of all": "400:params.prompt 404",
    "a folded trailer": "400:params.prompt 404",
    "trailers with line feeds": "400:params.prompt 404",
    "40 KiB of trailers": "400:params.prompt 404",
    "1,000 tiny chunks": "400:params.prompt 404",
    "1,000 tiny chunks with zeros": "400:params.prompt 404",
    "1,000 tiny chunks with extensions": "400:params.prompt 404",
    "a second head of 40 KiB": "200 400:headers 404",
}
"""What h11 0.16, the parser before this one, made of those that are refused now."""
