"""The site that we ship forwards the scheme of the login, and the service trusts it."""

import ssl

import httpx

from tests.clients.nginx import Nginx
from tests.integration.api.live_server import LiveServer

TOKEN = "a-token-of-some-length-0123456789"


def test_the_logins_cookie_is_secure(tmp_path):
    """With nothing but the proxy's address in the settings."""
    server = LiveServer(tmp_path, {"server": {"auth_token": TOKEN, "trusted_proxies": ["127.0.0.1"]}}).start()
    (tmp_path / "nginx").mkdir()
    nginx = Nginx(tmp_path / "nginx", server.url)
    try:
        nginx.start()
        trust = ssl.create_default_context(cafile=nginx.certificate)
        with httpx.Client(verify=trust, trust_env=False) as client:
            answer = client.post(f"{nginx.documented}/login", data={"password": TOKEN})
    finally:
        nginx.end()
        server.end()

    assert (303, True) == (answer.status_code, answer.headers["set-cookie"].endswith("; Secure"))
