"""The home router's UPnP side in the lab: answers searches, and tells the counters of its line.

Runs as a program in the router's namespace: `igd.py LAN_ADDRESS LINE_DEVICE`. It serves what is
needed of an InternetGatewayDevice:1 with WANCommonInterfaceConfig:1: the kernel's byte counters of
LINE_DEVICE, as 32-bit numbers, as such routers do. Prints "serving" when it is ready.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

PORT = 5000
_GROUP, _SSDP_PORT = "239.255.255.250", 1900
_ROOT = "urn:schemas-upnp-org:device:InternetGatewayDevice:1"
_UDN = "uuid:6f2a7f0e-0000-4000-8000-000000000001"
_SERVICE = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1"
_COUNTERS = {"TotalBytesReceived": "rx_bytes", "TotalBytesSent": "tx_bytes"}

_DEVICE = f"""<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor>
</specVersion><device><deviceType>{_ROOT}</deviceType><friendlyName>Router</friendlyName>
<manufacturer>Lab</manufacturer><modelName>Router</modelName><UDN>{_UDN}</UDN><deviceList><device>
<deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType><friendlyName>Line</friendlyName>
<manufacturer>Lab</manufacturer><modelName>Line</modelName><UDN>{_UDN}-wan</UDN><serviceList>
<service><serviceType>{_SERVICE}</serviceType>
<serviceId>urn:upnp-org:serviceId:WANCommonIFC1</serviceId><SCPDURL>/wancic.xml</SCPDURL>
<controlURL>/ctl</controlURL><eventSubURL>/evt</eventSubURL></service>
</serviceList></device></deviceList></device></root>"""


def _scpd() -> str:
    actions = "".join(
        f"<action><name>Get{n}</name><argumentList><argument><name>New{n}</name>"
        f"<direction>out</direction><relatedStateVariable>{n}</relatedStateVariable>"
        "</argument></argumentList></action>"
        for n in _COUNTERS
    )
    table = "".join(
        f'<stateVariable sendEvents="no"><name>{n}</name><dataType>ui4</dataType></stateVariable>'
        for n in _COUNTERS
    )
    return (
        '<?xml version="1.0"?><scpd xmlns="urn:schemas-upnp-org:service-1-0"><specVersion>'
        "<major>1</major><minor>0</minor></specVersion>"
        f"<actionList>{actions}</actionList><serviceStateTable>{table}</serviceStateTable></scpd>"
    )


def _answer(name: str, value: int) -> str:
    return (
        '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
        's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        f'<u:Get{name}Response xmlns:u="{_SERVICE}"><New{name}>{value}</New{name}>'
        f"</u:Get{name}Response></s:Body></s:Envelope>"
    )


class _Search(asyncio.DatagramProtocol):
    def __init__(self, address: str) -> None:
        self._address = address
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, packet: bytes, client: Any) -> None:
        text = packet.decode("ascii", "replace")
        if not text.startswith("M-SEARCH") or not any(k in text for k in (_ROOT, "ssdp:all")):
            return
        said = (
            "HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nEXT:\r\n"
            f"LOCATION: http://{self._address}:{PORT}/root.xml\r\nSERVER: Lab/1 UPnP/1.1 igd/1\r\n"
            f"ST: {_ROOT}\r\nUSN: {_UDN}::{_ROOT}\r\n\r\n"
        )
        self._transport.sendto(said.encode(), client)


def make_app(counters: Path) -> web.Application:
    """The router's HTTP side; *counters* is a folder with the files rx_bytes and tx_bytes."""

    async def description(_: web.Request) -> web.Response:
        return web.Response(text=_DEVICE, content_type="text/xml")

    async def service(_: web.Request) -> web.Response:
        return web.Response(text=_scpd(), content_type="text/xml")

    async def control(request: web.Request) -> web.Response:
        action = request.headers.get("SOAPAction", "").strip('"').rpartition("#Get")[2]
        if action not in _COUNTERS:
            return web.Response(status=500)
        value = int((counters / _COUNTERS[action]).read_text()) % 2**32
        return web.Response(text=_answer(action, value), content_type="text/xml")

    app = web.Application()
    app.add_routes([web.get("/root.xml", description), web.get("/wancic.xml", service)])
    app.add_routes([web.post("/ctl", control)])
    return app


async def serve(address: str, device: str) -> None:
    app = make_app(Path("/sys/class/net") / device / "statistics")
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, address, PORT).start()
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.setblocking(False)
    heard.bind(("", _SSDP_PORT))
    for index, name in socket.if_nameindex():
        if name not in ("lo", device):  # several may carry the router's one address: by index
            group = struct.pack("=4s4si", socket.inet_aton(_GROUP), bytes(4), index)
            heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Search(address), sock=heard)
    print("serving", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], sys.argv[2]))
