"""What a host on an IPv6 network asks, and what it is told, as one line of JSON.

    ipv6-client.py DEVICE router            the router advertisement that answers a solicitation, or null
    ipv6-client.py DEVICE solicit           an address by DHCPv6: SOLICIT, REQUEST
    ipv6-client.py DEVICE renew ADDRESS SERVER   as a client that has had the address for a while (SERVER: hex)
    ipv6-client.py DEVICE inform            options without an address: INFORMATION-REQUEST

RFC 4861 (router discovery), RFC 8106 (name servers in it), RFC 8415 (DHCPv6).
"""

import ipaddress
import json
import os
import socket
import struct
import sys
import time

SOLICIT, ADVERTISE, REQUEST, RENEW, REPLY, INFORM = 1, 2, 3, 5, 7, 11
CLIENT_ID, SERVER_ID, IA_NA, IA_ADDRESS, ASKED, STATUS, NAME_SERVERS, SEARCH = 1, 2, 3, 5, 6, 13, 23, 24
WAIT = 1.0
TRIES = 4

device = sys.argv[1]
index = socket.if_nametoindex(device)
# Neither name nor identity tells the server who this is: it has to know by the MAC address.
client = b"\0\4" + device.encode().ljust(16, b"-")


def option(number, data):
    return struct.pack("!HH", number, len(data)) + data


def options(data):
    found = []
    while len(data) >= 4:
        number, length = struct.unpack("!HH", data[:4])
        found.append((number, data[4 : 4 + length]))
        data = data[4 + length :]
    return found


def addresses(data):
    return [str(ipaddress.IPv6Address(data[i : i + 16])) for i in range(0, len(data), 16)]


def link_local():
    for _ in range(100):
        for line in open("/proc/net/if_inet6"):
            digits, _, _, scope, flags, name = line.split()
            # 0x40: tentative
            if name == device and scope == "20" and not int(flags, 16) & 0x40:
                return str(ipaddress.IPv6Address(bytes.fromhex(digits)))
        time.sleep(0.05)
    raise SystemExit("no link-local address")


def exchange(sock, kind, body, wanted):
    identity = os.urandom(3)
    for _ in range(TRIES):
        message = bytes([kind]) + identity + option(CLIENT_ID, client) + body
        sock.sendto(message, ("ff02::1:2", 547, 0, index))
        deadline = time.monotonic() + WAIT
        while (left := deadline - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                answer = sock.recv(4096)
            except TimeoutError:
                break
            if answer[0] in wanted and answer[1:4] == identity:
                return options(answer[4:])
    return None


def told(answer):
    if answer is None:
        return None
    result = {"addresses": {}, "options": {}}
    for number, data in answer:
        if number == SERVER_ID:
            result["server"] = data.hex()
        elif number == IA_NA:
            for inner, content in options(data[12:]):
                if inner == IA_ADDRESS:
                    valid = struct.unpack("!I", content[20:24])[0]
                    result["addresses"][addresses(content[:16])[0]] = valid
                elif inner == STATUS:
                    result["status"] = struct.unpack("!H", content[:2])[0]
        elif number == NAME_SERVERS:
            result["options"][number] = addresses(data)
        elif number == STATUS:
            result["status"] = struct.unpack("!H", data[:2])[0]
        elif number != CLIENT_ID:
            result["options"][number] = data.hex()
    return result


def association(address=None):
    inner = b"" if address is None else option(IA_ADDRESS, ipaddress.IPv6Address(address).packed + bytes(8))
    return option(IA_NA, struct.pack("!III", index, 0, 0) + inner)


def dhcp(what, *rest):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.bind((link_local(), 546, 0, index))
    asked = option(ASKED, struct.pack("!HHHH", NAME_SERVERS, SEARCH, 59, 31)) + option(8, b"\0\0")
    if what == "inform":
        return told(exchange(sock, INFORM, asked, [REPLY]))
    if what == "renew":
        body = option(SERVER_ID, bytes.fromhex(rest[1])) + association(rest[0]) + asked
        return told(exchange(sock, RENEW, body, [REPLY]))
    offer = told(exchange(sock, SOLICIT, association() + asked, [ADVERTISE]))
    if offer is None or not offer["addresses"]:
        return offer
    body = option(SERVER_ID, bytes.fromhex(offer["server"])) + association(next(iter(offer["addresses"]))) + asked
    return told(exchange(sock, REQUEST, body, [REPLY]))


def router():
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    # Of ICMPv6 let nothing through but router advertisements (ICMPV6_FILTER, RFC 3542).
    sock.setsockopt(socket.IPPROTO_ICMPV6, 1, struct.pack("=8I", *[~(1 << 6) & 0xFFFFFFFF if i == 4 else 0xFFFFFFFF for i in range(8)]))
    sock.bind((link_local(), 0, 0, index))
    for _ in range(TRIES):
        sock.sendto(struct.pack("!BBHI", 133, 0, 0, 0), ("ff02::2", 0, 0, index))
        sock.settimeout(WAIT)
        try:
            data, sender = sock.recvfrom(4096)
        except TimeoutError:
            continue
        flags, lifetime = struct.unpack("!BH", data[5:8])
        result = {
            "from": sender[0].split("%")[0],
            "managed": bool(flags & 0x80),
            "other": bool(flags & 0x40),
            "lifetime": lifetime,
            "prefixes": {},
            "servers": [],
        }
        data = data[16:]
        while len(data) >= 8:
            number, length = data[0], data[1] * 8
            if number == 3:
                prefix = f"{addresses(data[16:32])[0]}/{data[2]}"
                result["prefixes"][prefix] = ["on-link"] * bool(data[3] & 0x80) + ["autonomous"] * bool(data[3] & 0x40)
            elif number == 5:
                result["mtu"] = struct.unpack("!I", data[4:8])[0]
            elif number == 25:
                result["servers"] += addresses(data[8:length])
            data = data[length:]
        return result
    return None


print(json.dumps(router() if sys.argv[2] == "router" else dhcp(*sys.argv[2:])))
