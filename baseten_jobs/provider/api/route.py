"""A base URL, and what the environment says of proxies and certificates -> how the API is reached, or what is wrong."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import ip_address

import httpx

from baseten_jobs.phrases import one_line
from baseten_jobs.provider.api.errors import CannotConnect


@dataclass(frozen=True)
class Route:
    """`proxied` names the variable whose proxy every call goes through, if there is one."""

    address: str
    loopback: bool
    trusted: ssl.SSLContext | bool
    proxied: str = ""


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine, whatever a resolver says: `localhost`, or a literal such as 127.0.0.1."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_url(url: str) -> bool:
    try:
        return is_loopback(httpx.URL(url).host)
    except httpx.InvalidURL:
        return False


def is_open_to_all(url: str) -> bool:
    """Whether what is sent to this address can be read on its way: plain HTTP to another machine."""
    return not url.lower().startswith("https://") and not is_loopback_url(url)


def route_to(base_url: str, environment: Mapping[str, str], *, insecure_http: bool = False) -> Route:
    """Raises CannotConnect, with the name of the variable that is to be mended. Nothing is sent."""
    url = _address(base_url, insecure_http)
    if is_loopback(url.host):
        return Route(base_url.rstrip("/"), True, _trusted(url, environment))
    proxied = _proxied(url, environment)
    return Route(base_url.rstrip("/"), False, _trusted(url, environment), proxied)


def _proxied(url: httpx.URL, environment: Mapping[str, str]) -> str:
    """The variable whose proxy is used, as httpx reads them all; raises CannotConnect for each that it can't read."""
    variables = _variables(environment)
    name = variables.pop("no", "")
    hosts = [host for host in map(str.strip, environment.get(name, "").split(",")) if host]
    if "*" in hosts:
        return ""
    for host in hosts:
        _check_exception(name, host)
    for name in variables.values():
        _check_proxy(name, environment[name])
    used = variables.get(url.scheme) or variables.get("all", "")
    excepted = any(f".{url.host}".endswith(f".{host.lstrip('.')}") for host in hosts)
    return "" if excepted else used


def _address(base_url: str, insecure_http: bool) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        raise CannotConnect("connect", "BASETEN_BASE_URL is not an address") from None
    if url.scheme not in ("http", "https") or not _is_host(url.host):
        raise CannotConnect("connect", "BASETEN_BASE_URL is not an http:// or https:// address")
    if url.userinfo:
        raise CannotConnect("connect", "BASETEN_BASE_URL must not hold a user or a password")
    if "?" in base_url or "#" in base_url:
        raise CannotConnect("connect", "BASETEN_BASE_URL must not hold a query or a fragment: a path is added to it")
    if is_open_to_all(base_url) and not insecure_http:
        told = "BASETEN_BASE_URL is an http:// address, where anyone on the way can read the key"
        raise CannotConnect("connect", f"{told}; write https://, or permit it with --insecure-http")
    return url


def _is_host(host: str) -> bool:
    return bool(host) and not any(c in "%[]<>\\^`{|} " for c in host)


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    """The variable that counts for each scheme, and for `no`: one in lower case does, even where it is empty."""
    found = {}
    for scheme in ("http", "https", "all", "no"):
        names = sorted((n for n in environment if n.lower() == f"{scheme}_proxy"), key=lambda n: (n != n.lower(), n))
        if names and environment[names[0]]:
            found[scheme] = names[0]
    return found


def _check_proxy(name: str, value: str) -> None:
    """The value may hold a password, so no message shows it."""
    try:
        proxy = httpx.Proxy(value if "://" in value else f"http://{value}").url
    except (httpx.InvalidURL, ValueError):
        proxy = httpx.URL()
    if not _is_host(proxy.host) or not 0 < (proxy.port or 1) < 65536:
        raise CannotConnect("connect", f"{name} is not the address of a proxy, such as http://proxy.example:3128")
    if proxy.scheme.startswith("socks") and find_spec("socksio") is None:
        raise CannotConnect("connect", f"{name} names a SOCKS proxy, which needs an extra: pip install 'httpx[socks]'")


def _check_exception(name: str, host: str) -> None:
    """httpx can't read every host of NO_PROXY."""
    plain = host.partition("/")[0]
    pattern = f"all://[{host}]" if ":" in plain and _is_ip(plain) else f"all://*{host}"
    try:
        httpx.URL(host if "://" in host else pattern)
    except httpx.InvalidURL:
        meant = plain.strip("[]")
        hint = f"; write '{meant}'" if _is_ip(meant) else ""
        raise CannotConnect("connect", f"{name} holds '{one_line(host)}', which is not a host{hint}") from None


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _trusted(url: httpx.URL, environment: Mapping[str, str]) -> ssl.SSLContext | bool:
    """The certificates that TLS trusts: none for plain HTTP on this machine, as reading them is slower than a plan."""
    if url.scheme == "http" and is_loopback(url.host):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    keys = environment.get("SSLKEYLOGFILE")  # Python itself opens it for every connection
    if keys and not os.access(keys if os.path.exists(keys) else os.path.dirname(keys) or ".", os.W_OK):
        raise CannotConnect("connect", f"SSLKEYLOGFILE names '{one_line(keys, 300)}', which can't be written")
    file, folder = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    name, given = ("SSL_CERT_FILE", file) if file else ("SSL_CERT_DIR", folder)
    if not given:
        return True
    exists = os.path.isfile(given) if file else any(map(os.path.isdir, given.split(os.pathsep)))
    if not exists:
        what = "file" if file else "folder"
        raise CannotConnect("connect", f"{name} names '{one_line(given, 300)}', which is not a {what} here")
    try:
        return ssl.create_default_context(cafile=given) if file else ssl.create_default_context(capath=given)
    except OSError as error:
        if os.access(given, os.R_OK) and not isinstance(error, ssl.SSLError):
            raise
        why = "which holds no certificate" if isinstance(error, ssl.SSLError) else "which can't be read"
        raise CannotConnect("connect", f"{name} names '{one_line(given, 300)}', {why}") from None
