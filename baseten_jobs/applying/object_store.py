"""An archive -> an object of S3, sent in parts. boto3 lives only here, and is imported where it is used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any, Protocol

from baseten_jobs.phrases import one_line
from baseten_jobs.provider.api.route import is_loopback_url
from baseten_jobs.secrecy import without_values

PART = 6 << 20
"""Bytes of a part; at most `_PARTS_AT_ONCE` parts of an archive are in memory."""
_PARTS_AT_ONCE = 4

_PASSING = frozenset(
    {
        "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired", "RequestTimeTooSkewed",
        "SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "Throttling", "NoSuchUpload",
    }
)  # fmt: skip
"""Error codes of S3 after which a repeated attempt, with new credentials, may succeed."""


class Stream(Protocol):
    """What is uploaded: read once, from its first byte to its last."""

    size: int

    def read(self, size: int = -1) -> bytes: ...


@dataclass(frozen=True)
class Destination:
    """Where an archive goes, and the short-lived credentials for it, as the API gives both."""

    bucket: str
    key: str
    credentials: Mapping[str, str]
    endpoint: str | None = None

    def __repr__(self) -> str:
        return f"Destination(s3://{self.bucket}/{self.key})"


class StoreFailed(Exception):
    """An upload failed, and left no object. `passing` is True if another attempt, with new credentials, may succeed."""

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(reason)
        self.passing = passing


class NoClient(Exception):
    """No S3 client is installed; the message says how to get one."""


def put(stream: Stream, place: Destination, sent: Callable[[int], None]) -> None:
    """Upload in parts, each retried on its own; `sent` is called with the number of bytes sent since its last call.

    Raises StoreFailed, NoClient, and whatever `stream` raises; an upload that ends so leaves no object.
    """
    try:
        client, exceptions = _client(place)
    except ValueError as error:
        raise StoreFailed(_words(error, place)) from None
    from boto3.s3.transfer import TransferConfig

    config: Any = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, max_concurrency=_PARTS_AT_ONCE)
    config.max_in_memory_upload_chunks = _PARTS_AT_ONCE
    try:
        client.upload_fileobj(stream, place.bucket, place.key, Config=config, Callback=sent)
    except exceptions.ClientError as error:
        raise _failure(error, place) from None
    except (exceptions.BotoCoreError, exceptions.HTTPClientError) as error:
        raise StoreFailed(_words(error, place), passing=True) from None
    finally:
        client.close()


def require() -> None:
    """Raises NoClient where no S3 client is installed, before anything depends on one."""
    if any(find_spec(name) is None for name in ("boto3", "botocore", "s3transfer")):
        raise NoClient("code is uploaded with boto3, which this installation lacks: pip install boto3")


def _client(place: Destination) -> tuple[Any, Any]:
    require()
    import boto3
    import botocore.session
    from botocore import exceptions
    from botocore.config import Config

    session = botocore.session.Session(session_vars=_defaults(botocore.session.Session.SESSION_VARIABLES))
    session.register_component("data_loader", _descriptions())
    credentials = place.credentials
    client = boto3.session.Session(botocore_session=session).client(
        "s3",
        region_name="us-east-1",  # S3 tells the bucket's own region, and the client follows
        aws_access_key_id=credentials.get("aws_access_key_id"),
        aws_secret_access_key=credentials.get("aws_secret_access_key"),
        aws_session_token=credentials.get("aws_session_token"),
        endpoint_url=place.endpoint,
        verify=True,
        config=Config(
            connect_timeout=10, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 5},
            max_pool_connections=_PARTS_AT_ONCE, ignore_configured_endpoint_urls=True,
            request_checksum_calculation="when_required", response_checksum_validation="when_required",
            proxies={} if place.endpoint and is_loopback_url(place.endpoint) else None,
            s3={"addressing_style": "path" if place.endpoint else "auto", **_OF_S3},
        ),
    )  # fmt: skip
    return client, exceptions


@cache
def _descriptions() -> Any:
    """Loads botocore's own description of S3, once for all clients."""
    from botocore.loaders import create_loader

    return create_loader()


_OF_S3 = {
    "use_arn_region": False,
    "us_east_1_regional_endpoint": "legacy",
    "s3_disable_multiregion_access_points": False,
}
"""Settings that botocore would read from the environment, whatever its session knows."""


def _defaults(variables: Mapping[str, Any]) -> dict[str, Any]:
    """Session variables that heed only defaults: AWS settings in files and environment are for another account."""
    files = ("config_file", "credentials_file")
    return {name: (None, None, None if name in files else rule[2], rule[3]) for name, rule in variables.items()}


def _failure(error: Any, place: Destination) -> StoreFailed:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    return StoreFailed(_words(error, place), passing=code in _PASSING or status >= 500)


def _words(error: Exception, place: Destination) -> str:
    """The error as one line without the credentials, which a store may echo; they are taken out before it is cut."""
    secrets = (place.credentials.get(name, "") for name in ("aws_secret_access_key", "aws_session_token"))
    return one_line(without_values(str(error), secrets, "[credentials]"), 300)
