"""A partner is called: what goes over the line, how long it may take, and to whom nobody talks."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from ill_workflow.errors import BadInput
from ill_workflow.iso18626 import addresses, calling
from ill_workflow.iso18626.calling import NoAnswer, call
from ill_workflow.wire_settings import WireSettings
from tests.plugins import far_partner
from tests.plugins.far_partner import FarPartner, says
from tests.plugins.not_run import wanting

PLAIN = WireSettings(plain_http=True, patience_seconds=120)
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<half"
#: For whoever never ends by itself.
HURRIED = WireSettings(plain_http=True, patience_seconds=1)


def calls(address: str, settings: WireSettings = PLAIN, **how):
    return call(address, b"<message/>", **{"settings": settings, "token": None, "may_be_private": True, **how})


def fails(address: str, settings: WireSettings = PLAIN, **how) -> NoAnswer:
    with pytest.raises(NoAnswer) as failed:
        calls(address, settings, **how)
    return failed.value


def test_a_message_goes_with_what_a_partner_has_to_know_and_its_answer_comes_back(far):
    far.then(says(200, b"<fine/>"))

    answer = calls(far.url, token="a-secret")

    assert (answer.status, answer.body, answer.content_type) == (200, b"<fine/>", "application/xml")
    head, body = far.calls[0]
    assert body == b"<message/>"
    assert head.startswith("POST /iso18626 HTTP/1.1\r\n")
    for line in (f"Host: localhost:{far.port}", "Authorization: Bearer a-secret",
                 "Content-Type: application/xml; charset=utf-8", "User-Agent: ill_workflow/"):  # fmt: skip
        assert line in head, line


def test_without_a_token_none_is_shown(far):
    far.then(says(200, b"<fine/>"))
    calls(far.url)
    assert "authorization" not in far.calls[0][0].lower()


def test_what_the_environment_says_of_proxies_is_not_obeyed(far, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    far.then(says(200, b"<fine/>"))
    assert calls(far.url).status == 200


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        (far_partner.hangs, "It took the message, and had not answered after 1 seconds."),
        (far_partner.hangs_in_the_middle, "It began to answer 200, and had not ended after 1 seconds."),
        (far_partner.drips(b"HTTP/1.1 200 OK\r\nX-Slow: "), "had not answered after 1 seconds."),
        (far_partner.drips(b""), "had not answered after 1 seconds."),
        (far_partner.hangs_up, "It hung up in the middle"),
        (lambda partner, line, body: line.sendall(HALF), "It hung up in the middle"),
        (far_partner.floods, "Its answer is larger than 1,000,000 bytes."),
        (says(301, b"", "Location: https://elsewhere.example/x"), "301: it is elsewhere now, at https://elsewhere.ex"),
        (says(307, b"", "Location: http://127.0.0.1:1/"), "307: it is elsewhere now, at http://127.0.0.1:1/"),
        (lambda partner, line, body: line.sendall(b"SSH-2.0-OpenSSH\r\n"), "It hung up in the middle"),
    ],
)  # fmt: skip
def test_whatever_it_does_the_call_ends_in_time_and_with_a_sentence(far, way, sentence):
    far.then(way)

    failed = fails(far.url, HURRIED if sentence.endswith("after 1 seconds.") else PLAIN)

    assert sentence in failed.message
    assert len(far.calls) == 1, "nobody is followed elsewhere, and nothing is said twice"


def test_a_slow_body_ends_as_well(far):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n"
    far.then(lambda partner, line, body: (line.sendall(head), far_partner.drips(b"")(partner, line, body))[0])
    assert "It began to answer 200, and had not ended" in fails(far.url, HURRIED).message


def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert "It does not take calls" in fails(f"http://127.0.0.1:{port}/").message


def test_a_name_that_nobody_has():
    assert "No address was found for nobody.invalid" in fails("http://nobody.invalid/").message


def test_a_name_server_that_says_nothing_is_not_waited_for(monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: (over.wait(120), [])[1])
    assert "No address was found for slow.example within " in fails("http://slow.example/", HURRIED).message
    over.set()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "no address to which messages go"),
        ("far.example/iso18626", "begins with https://"),
        ("ftp://far.example/", "begins with https://"),
        ("file:///etc/passwd", "begins with https://"),
        ("https://", "begins with https://"),
        ("https://ann:secret@far.example/", "no name and password in it"),
        ("http://far.example/", "is not encrypted"),
        ("https://far.example:99999999/", "begins with https://"),
        ("https://far.exa\nmple/", "no address on the web"),
    ],
)
def test_an_address_that_can_be_none_is_refused_before_anything_leaves(address, sentence):
    with pytest.raises(BadInput, match=sentence) as wrong:
        calls(address, WireSettings())
    assert wrong.value.field == "address"


def test_a_token_that_would_break_out_of_its_line_is_refused():
    with pytest.raises(BadInput, match="signs that no call can carry"):
        calls("http://127.0.0.1:1/", token="a\r\nX-Evil: 1")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "::1", "10.1.2.3", "192.168.0.1", "172.16.0.9", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.251", "240.0.0.1", "255.255.255.255", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "fec0::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1",
        "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::", "2001:db8::1", "198.51.100.7",
    ],
)  # fmt: skip
def test_addresses_inside_are_no_partners(address):
    assert addresses.why_not(address, may_be_private=False)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_addresses_of_the_world_are(address):
    assert not addresses.why_not(address, may_be_private=False)


def test_inside_is_allowed_by_a_setting_but_never_what_answers_for_a_cloud_or_for_everybody():
    for address in ("127.0.0.1", "::1", "10.1.2.3", "fd00::1", "100.64.0.1", "::ffff:127.0.0.1"):
        assert not addresses.why_not(address, may_be_private=True), address
    for address in ("169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "::", "::ffff:169.254.169.254"):
        assert addresses.why_not(address, may_be_private=True), address


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_called_whatever_it_is_called(far, host):
    failed = fails(f"http://{host}:{far.port}/", may_be_private=False)
    assert "this machine itself" in failed.message or "No address was found" in failed.message
    assert far.calls == []


def test_one_forbidden_address_among_good_ones_is_enough(monkeypatch):
    both = [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: both)
    assert (
        "far.example is 10.0.0.1, which is inside of a network"
        in fails("http://far.example/", may_be_private=False).message
    )


def test_a_name_that_leads_elsewhere_when_asked_again_is_not_asked_again(far, monkeypatch):
    """It was looked at, found good, and would lead to another machine by the time that one connects."""
    asked, real = [], socket.getaddrinfo

    def turncoat(host, *how, **more):
        if host != "turncoat.example":
            return real(host, *how, **more)  # an address is no name
        asked.append(host)
        return [(2, 1, 6, "", ("127.0.0.1" if len(asked) == 1 else "127.0.0.99", far.port))]

    monkeypatch.setattr(socket, "getaddrinfo", turncoat)
    far.then(says(200, b"<fine/>"))

    assert calls(f"http://turncoat.example:{far.port}/").status == 200
    assert len(asked) == 1
    assert f"Host: turncoat.example:{far.port}" in far.calls[0][0]


def test_the_first_address_is_dead_and_the_second_answers(far, monkeypatch):
    found = [(2, 1, 6, "", (address, far.port)) for address in ("127.0.0.77", "127.0.0.1")]
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda h, *a, **k: found if h == "two.example" else real(h, *a, **k))
    far.then(says(200, b"<fine/>"))
    assert calls(f"http://two.example:{far.port}/").status == 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """Made out to localhost, signed by itself."""
    openssl = shutil.which("openssl") or wanting("partners behind TLS", "openssl is not installed")
    folder = tmp_path_factory.mktemp("certificate")
    command = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([openssl, *command.split(), *names], cwd=folder, check=True, capture_output=True, timeout=120)
    return folder


@pytest.fixture
def encrypted(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    partner = FarPartner(context)
    yield partner
    partner.end()


def test_a_certificate_that_nobody_vouches_for_is_refused_and_nothing_is_said(encrypted):
    failed = fails(encrypted.url, WireSettings())
    assert "Its certificate can't be trusted: self-signed certificate" in failed.message
    assert encrypted.calls == []


def test_one_that_is_vouched_for_is_believed_for_its_own_name_alone(encrypted, certificate):
    trusted = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    encrypted.then(says(200, b"<fine/>"))
    assert calls(encrypted.url, WireSettings(), trusted=trusted).body == b"<fine/>"

    other = encrypted.url.replace("localhost", "127.0.0.1")
    assert (
        "Its certificate can't be trusted: IP address mismatch" in fails(other, WireSettings(), trusted=trusted).message
    )


def test_a_file_of_certificates_that_the_machine_trusts_counts(encrypted, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))
    calling._usual_trust.cache_clear()
    encrypted.then(says(200, b"<fine/>"))
    try:
        assert calls(encrypted.url, WireSettings()).status == 200
    finally:
        calling._usual_trust.cache_clear()


def test_plain_http_where_https_is_spoken(encrypted):
    failed = fails(encrypted.url.replace("https", "http"))
    assert "It hung up in the middle" in failed.message


def test_https_where_plain_http_is_spoken(far):
    failed = fails(far.url.replace("http", "https"), HURRIED)
    assert failed.http_status is None
