"""Debian's nginx, with the site that the project ships or with a third party's."""

import datetime as dt
import ipaddress
import socket
import subprocess
import time
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SITE = Path(__file__).parents[2] / "deploy" / "nginx.conf"

STRANGER = """
server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/localhost.pem;
    ssl_certificate_key {folder}/localhost.key;
    location / {{
        proxy_pass {upstream};
        proxy_read_timeout {seconds}s;
    }}
}}
"""
MAIN = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{sites}
}}
"""


@attrs.define
class Nginx:
    """In front of ``upstream``: ``documented`` is our site's address, ``strangers`` are by their time-out."""

    folder: Path
    upstream: str
    strangers: dict[int, str] = attrs.field(factory=dict)
    documented: str = ""
    process: subprocess.Popen = None

    @property
    def certificate(self) -> Path:
        return self.folder / "localhost.pem"

    def start(self, *patience: int) -> "Nginx":
        """Start it and return once it responds."""
        make_certificate(self.certificate, self.folder / "localhost.key")
        port, *ports = free_ports(1 + len(patience))
        sites = [self._documented(port)]
        for seconds, other in zip(patience, ports, strict=True):
            values = {"port": other, "folder": self.folder, "upstream": self.upstream, "seconds": seconds}
            sites.append(STRANGER.format(**values))
            self.strangers[seconds] = f"https://localhost:{other}"
        self.documented = f"https://localhost:{port}"
        config = self.folder / "nginx.conf"
        config.write_text(MAIN.format(folder=self.folder, sites="\n".join(sites)))
        self.process = subprocess.Popen(["nginx", "-p", self.folder, "-c", config])
        for each in (port, *ports):
            self._await(each)
        return self

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    def _documented(self, port: int) -> str:
        """Return the site that we ship, with the names and paths of this machine."""
        site = SITE.read_text("utf-8")
        for shipped, local in (
            ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
            ("server_name pictures.example.com;", "server_name localhost;"),
            ("/etc/ssl/certs/pictures.example.com.pem", str(self.certificate)),
            ("/etc/ssl/private/pictures.example.com.key", str(self.folder / "localhost.key")),
            ("http://127.0.0.1:8080;", f"{self.upstream};"),
        ):
            assert site.count(shipped) == 1, shipped
            site = site.replace(shipped, local)
        return site

    def _await(self, port: int) -> None:
        deadline = time.monotonic() + 30
        while True:
            assert self.process.poll() is None, (self.folder / "error.log").read_text()
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return


def free_ports(count: int) -> list[int]:
    """Return unused ports of loopback."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def make_certificate(certificate: Path, key: Path) -> None:
    """Write a self-signed certificate of localhost, and its key."""
    secret = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    key.write_bytes(
        secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
