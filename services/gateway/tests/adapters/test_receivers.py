"""Posting to clients' endpoints, whatever they do and wherever they lead."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest
from aiohttp import web

from chassis.clock import utc_now
from gateway.adapters.outbound.receivers import HttpReceivers
from gateway.application.sending import AddressRefused, Letter

SECRET = "whsec_" + "A" * 43 + "="
REDIRECTED = (
    "Answered 301, a redirect to https://elsewhere.example/hooks, which is not followed: "
    "register the address it leads to."
)


@pytest.fixture
async def receivers() -> AsyncIterator[HttpReceivers]:
    receivers = HttpReceivers((ip_network("127.0.0.0/8"),), patience=1)
    yield receivers
    await receivers.close()


async def slow(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(600)
    raise AssertionError


async def moved(_: web.Request) -> web.StreamResponse:
    raise web.HTTPMovedPermanently("https://elsewhere.example/hooks")


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b"x" * 65_536)


async def cut(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (slow, None, "No answer within 1 seconds."),
        (
            moved,
            301,
            REDIRECTED,
        ),
        (500, 500, "Answered 500."),
        (404, 404, "Answered 404."),
        (cut, None, "The connection broke: RemoteProtocolError."),
    ],
)
async def test_what_went_wrong_over_there_is_told_in_words(receivers, receiver, answer, status, error):
    receiver.answers["hook"] = answer
    letter = Letter("1", receiver.url(), "{}", (SECRET,), utc_now())
    found = await receivers.send(letter)
    assert (found.status, found.error, len(receiver.got)) == (status, error, 1)


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("https://127.0.0.1:{port}/hook", "TLS: "),
        ("http://127.0.0.1:1025/hook", "The connection was refused or could not be made."),
        ("https://no-such-name.invalid/hook", "The name no-such-name.invalid does not resolve."),
        ("http://10.1.2.3/hook", "10.1.2.3 leads to a private address, where nothing is sent."),
    ],
)
async def test_what_went_wrong_on_the_way_is_told_in_words(receivers, receiver, url, error):
    letter = Letter("1", url.format(port=receiver.port), "{}", (SECRET,), utc_now())
    found = await receivers.send(letter)
    assert found.status is None
    assert found.error.startswith(error), found.error
    assert receiver.got == []


async def test_an_endless_answer_is_read_no_further_than_it_is_shown(receivers, receiver):
    receiver.answers["hook"] = endless
    letter = Letter("1", receiver.url(), "{}", (SECRET,), utc_now())
    found = await receivers.send(letter)
    assert (found.status, found.error, found.excerpt) == (200, "", "x" * 500)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://10.0.0.1/hook", "private address"),
        ("http://169.254.169.254/latest/meta-data", "private address"),
        ("http://[::ffff:10.0.0.1]/hook", "private address"),
        ("http://[64:ff9b::a00:1]/hook", "private address"),
        ("http://100.64.0.1/hook", "private address"),
        ("http://2886729729/hook", "private address"),
        ("https://no-such-name.invalid/hook", "does not resolve"),
        ("http://a..b/hook", "does not resolve"),
        ("http://user@127.0.0.1:8080/hook", "user name"),
        ("http://127.0.0.1:25/hook", "port 25"),
        ("http://127.0.0.1:99999/hook", "no address"),
        ("http://[::1/hook", "no address"),
        ("gopher://127.0.0.1/hook", "https:// or http://"),
        ("https://:8080/hook", "name a host"),
    ],
)
async def test_an_address_where_nothing_may_be_sent_is_refused(receivers, url, words):
    with pytest.raises(AddressRefused, match=words):
        await receivers.check(url)


async def test_an_address_that_leads_to_a_trusted_network_is_taken(receivers, receiver):
    await receivers.check(receiver.url(host="localhost"))
