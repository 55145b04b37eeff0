"""Settings for the fake OSS on loopback."""

from imagegen_adapters.archives.oss import OssSettings
from imagegen_core.secrets import Secret


def settings_of(oss, **more):
    """Return settings for a `FakeOss`, with time-outs that no test waits for, and a prefix."""
    return OssSettings(
        **{
            "endpoint": oss.endpoint,
            "region": oss.region,
            "bucket": oss.bucket,
            "access_key_id": oss.key_id,
            "access_key_secret": Secret(oss.secret),
            "prefix": "team/a",
            "connect_timeout": 60,
            "idle_timeout": 60,
            **more,
        }
    )
