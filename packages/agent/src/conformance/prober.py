"""Sends and answers packets in all namespaces of a test host, from one process.

A line of standard input is a request as JSON: {"id", "do", "in", ...}; a line of standard output is its outcome:
{"id", "outcome"}. Requests run side by side, each in a thread of its own that enters the namespace `in`; a socket stays
in the namespace in which it was made. Written in Python for its raw sockets and error queues, which Node does not have.

Outcomes are what a client can tell of an attempt:
  ADDRESS:PORT sees PEER [text]     the server's answer
  refused                           a reset
  refused by ADDRESS                "port unreachable", and who said so; of a connected socket, so that the error
                                    quoted the very packet that was sent
  time exceeded at ADDRESS, too big at ADDRESS: MTU, unreachable by ADDRESS, silent, broken
"""

import ctypes
import errno
import json
import os
import socket
import struct
import sys
import threading
import time

CLONE_NEWNET = 0x40000000
IP_RECVERR = 11
IP_MTU_DISCOVER = 10
PMTUDISC_DONT, PMTUDISC_DO = 0, 2
SCTP, DCCP = 132, 33
SCTP_INIT, SCTP_INIT_ACK, SCTP_COOKIE = 1, 2, 7

libc = ctypes.CDLL(None, use_errno=True)
output = threading.Lock()
held = {}


def enter(namespace):
    descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    try:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {namespace}")
    finally:
        os.close(descriptor)


def thread(work, *arguments):
    threading.Thread(target=work, args=arguments, daemon=True).start()


# Servers: each answers with what it is and whom it sees.

def tell(address, port, peer, text=b""):
    return f"{address}:{port} sees {peer}".encode() + (b" " + text.strip() if text.strip() else b"")


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def serve_tcp(address, port):
    listener = socket.socket(family(address))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, port))
    listener.listen(64)

    def converse(connection, peer):
        try:
            connection.sendall(tell(address, port, peer) + b"\n")
            for line in connection.makefile("rb"):
                connection.sendall(tell(address, port, peer, line) + b"\n")
        except OSError:
            pass

    def accept():
        while True:
            connection, peer = listener.accept()
            thread(converse, connection, peer[0])

    thread(accept)


def serve_udp(address, port):
    server = socket.socket(family(address), socket.SOCK_DGRAM)
    server.bind((address, port))

    def answer():
        while True:
            text, peer = server.recvfrom(65535)
            try:
                server.sendto(tell(address, port, peer[0], text), peer)
            except OSError:
                pass  # No way to that one; others are answered.

    thread(answer)


def serve_raw(address, ports, protocol):
    server = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
    server.bind((address, 0))

    def answer():
        while True:
            packet = server.recv(65535)
            peer, body = socket.inet_ntoa(packet[12:16]), packet[(packet[0] & 15) * 4:]
            source, port = struct.unpack("!HH", body[:4])
            if port not in ports:
                continue
            if protocol != SCTP:
                server.sendto(struct.pack("!HH", port, source) + tell(address, port, peer), (peer, 0))
            elif sctp_is_intact(body) and body[12] == SCTP_INIT:
                tag = struct.unpack("!I", body[16:20])[0]
                server.sendto(sctp_packet(port, source, tag, SCTP_INIT_ACK, tell(address, port, peer)), (peer, 0))

    thread(answer)


# SCTP by hand (RFC 9260): the kernel may have no sockets for it.

def crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    value = 0xFFFFFFFF
    for octet in data:
        value = CRC_TABLE[(value ^ octet) & 255] ^ (value >> 8)
    return struct.pack("<I", value ^ 0xFFFFFFFF)


def sctp_packet(source, port, verification, chunk, cookie=b""):
    padded = cookie + b"\0" * (-len(cookie) % 4)
    parameter = struct.pack("!HH", SCTP_COOKIE, 4 + len(cookie)) + padded if cookie else b""
    # Initiate tag, window, streams out and in, first sequence number.
    body = struct.pack("!IIHHI", 0x12345678, 65536, 1, 1, 1) + parameter
    header = struct.pack("!HHI", source, port, verification)
    chunks = struct.pack("!BBH", chunk, 0, 4 + len(body)) + body
    return header + crc32c(header + b"\0\0\0\0" + chunks) + chunks


def sctp_is_intact(body):
    return len(body) >= 32 and crc32c(body[:8] + b"\0\0\0\0" + body[12:]) == body[8:12]


# Clients.

def failure(error):
    if error.errno in (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE):
        return "refused"
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return "silent"
    return "unreachable"


def from_error_queue(client):
    """What the last ICMP error said, and who sent it."""
    try:
        ancillary = client.recvmsg(2048, 512, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)[1]
    except BlockingIOError:
        return None
    for _, kind, data in ancillary:
        if kind != IP_RECVERR:
            continue
        number, origin, icmp, code, _, info, _ = struct.unpack("=IBBBBII", data[:16])
        offender = socket.inet_ntoa(data[20:24]) if len(data) >= 24 else "?"
        if origin == 1:
            offender = "itself"
        if icmp == 11:
            return f"time exceeded at {offender}"
        if number == errno.EMSGSIZE:
            return f"too big at {offender}: {info}"
        return f"refused by {offender}" if (icmp, code) == (3, 3) else f"unreachable by {offender}"
    return None


def tcp_client(request):
    client = socket.socket(family(request["to"]))
    client.settimeout(request["timeout"])
    if "source" in request:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.bind((request["source"], request.get("sourcePort", 0)))
    client.connect((request["to"], request["port"]))
    return client


def udp_client(request):
    client = socket.socket(family(request["to"]), socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_IP, IP_RECVERR, 1)
    client.setsockopt(socket.SOL_IP, IP_MTU_DISCOVER, PMTUDISC_DO if request.get("whole") else PMTUDISC_DONT)
    if "ttl" in request:
        client.setsockopt(socket.SOL_IP, socket.IP_TTL, request["ttl"])
    if "source" in request:
        client.bind((request["source"], request.get("sourcePort", 0)))
    client.connect((request["to"], request["port"]))
    return client


def ask_udp(client, text, timeout):
    """Asks until something comes back; what comes first counts."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            client.settimeout(min(0.5, max(0.01, deadline - time.monotonic())))
            client.send(text)
            while True:
                answer = client.recv(65535)
                if answer.endswith(text):
                    return answer
        except TimeoutError:
            continue
        except OSError:
            outcome = from_error_queue(client)
            if outcome:
                return outcome.encode()
    return b"silent"


def ask_tcp(client, text):
    lines = client.makefile("rb")
    if text:
        lines.readline()
        client.sendall(text + b"\n")
    return lines.readline().strip() or b"refused"


def do_tcp(request):
    with tcp_client(request) as client:
        size = request.get("size", 0)
        return shortened(ask_tcp(client, b"x" * size), size).decode()


def do_udp(request):
    with udp_client(request) as client:
        size = request.get("size", 1)
        return shortened(ask_udp(client, b"x" * size, request["timeout"]), size).decode()


def shortened(answer, size):
    """Long texts as their length: `+4000`."""
    count = len(answer) - len(answer.rstrip(b"x"))
    if count == 0:
        return answer
    return answer.rstrip(b"x").strip() + (b"" if size == 1 else b" +%d" % count)


def do_raw(request, protocol, source=None):
    """SCTP, or any protocol whose packets begin with two ports."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol) as client:
        client.setsockopt(socket.SOL_IP, IP_RECVERR, 1)
        source = source or request.get("sourcePort") or 20000 + request["id"] % 20000
        # As the kernel's own clients do: from then on only what this peer sends, and errors about it, come in.
        client.connect((request["to"], 0))
        packet = struct.pack("!HH", source, request["port"]) + b"probe"
        if protocol == SCTP:
            packet = sctp_packet(source, request["port"], 0, SCTP_INIT)
        deadline = time.monotonic() + request["timeout"]
        while time.monotonic() < deadline:
            try:
                client.settimeout(min(0.5, max(0.01, deadline - time.monotonic())))
                client.send(packet)
                while True:
                    answer = client.recv(65535)
                    body = answer[(answer[0] & 15) * 4:]
                    if struct.unpack("!HH", body[:4]) != (request["port"], source):
                        continue
                    if protocol != SCTP:
                        return body[4:].decode()
                    if not sctp_is_intact(body):
                        return "broken"
                    if body[12] == SCTP_INIT_ACK and struct.unpack("!I", body[4:8])[0] == 0x12345678:
                        length = struct.unpack("!H", body[34:36])[0]
                        return body[36:32 + length].decode()
            except TimeoutError:
                continue
            except OSError:
                outcome = from_error_queue(client)
                if outcome:
                    return outcome
        return "silent"


def do_sctp(request):
    return do_raw(request, SCTP)


def do_dccp(request):
    return do_raw(request, DCCP)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def do_ping(request):
    """An echo request; who answers, or who says what became of it."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as client:
        if "ttl" in request:
            client.setsockopt(socket.SOL_IP, socket.IP_TTL, request["ttl"])
        identity = request["id"] & 0xFFFF
        body = struct.pack("!HH", identity, 1) + b"x" * request.get("size", 8)
        packet = b"\x08\0" + struct.pack("!H", checksum(b"\x08\0\0\0" + body)) + body
        deadline = time.monotonic() + request["timeout"]
        while time.monotonic() < deadline:
            try:
                client.settimeout(min(0.5, max(0.01, deadline - time.monotonic())))
                client.sendto(packet, (request["to"], 0))
                while True:
                    answer = client.recv(65535)
                    peer, icmp = socket.inet_ntoa(answer[12:16]), answer[(answer[0] & 15) * 4:]
                    if icmp[0] == 0 and icmp[4:] == body:
                        return f"answer from {peer}"
                    quoted = icmp[8:]
                    if icmp[0] not in (3, 11) or quoted[16:20] != socket.inet_aton(request["to"]):
                        continue
                    if quoted[(quoted[0] & 15) * 4:][4:6] == struct.pack("!H", identity):
                        return f"{'time exceeded at' if icmp[0] == 11 else 'unreachable by'} {peer}"
            except TimeoutError:
                continue
    return "silent"


# Flows that stay open under a name.

class Held:
    def __init__(self, request):
        self.request = request
        self.protocol = request["protocol"]
        self.client = None
        if self.protocol == "tcp":
            self.client = tcp_client(request)
            self.lines = self.client.makefile("rb")
            self.first = self.lines.readline().strip().decode()
        elif self.protocol == "udp":
            self.client = udp_client(request)
        self.pumped = 0

    def say(self, text, timeout):
        if self.protocol == "udp":
            return ask_udp(self.client, text.encode(), timeout).decode()
        if self.protocol != "tcp":
            enter(self.request["in"])
            return do_raw({**self.request, "timeout": timeout}, SCTP)
        self.client.settimeout(timeout)
        self.client.sendall(text.encode() + b"\n")
        return self.lines.readline().strip().decode() or "refused"


def do_open(request):
    flow = Held(request)
    held[request["name"]] = flow
    return flow.first if flow.protocol == "tcp" else flow.say("hello", request["timeout"])


def do_say(request):
    return held[request["name"]].say(request["text"], request["timeout"])


def do_pump(request):
    """Talks without pause until told to stop; how it ended: the number of answers, or what went wrong."""
    flow = held[request["name"]]
    flow.stop = threading.Event()
    count = 0
    while not flow.stop.is_set():
        outcome = flow.say(f"turn {count}", request["timeout"])
        if not outcome.endswith(f"turn {count}"):
            return f"{outcome} after {count}"
        count += 1
        # Some hundred turns a second catch a gap of milliseconds, and leave the machine to others.
        flow.stop.wait(0.002)
    return "unbroken" if count > 0 else "never ran"


def do_stop(request):
    held[request["name"]].stop.set()
    return "stopping"


def do_serve(request):
    address = request["address"]
    for port in request.get("tcp", []):
        serve_tcp(address, port)
    for port in request.get("udp", []):
        serve_udp(address, port)
    for name, protocol in (("sctp", SCTP), ("dccp", DCCP)):
        if name in request:
            serve_raw(address, request[name], protocol)
    return "serving"


WORK = {name[3:]: work for name, work in list(globals().items()) if name.startswith("do_")}


def handle(request):
    try:
        enter(request["in"])
        outcome = WORK[request["do"]](request)
    except OSError as error:
        outcome = failure(error)
    except Exception as error:  # A mistake in the request, or here: the test shall show it.
        outcome = f"{type(error).__name__}: {error}"
    with output:
        print(json.dumps({"id": request["id"], "outcome": outcome}), flush=True)


def main():
    for line in sys.stdin:
        thread(handle, json.loads(line))


# Servers go on in threads of their own; the process ends with its input.
main()
