"""Routers, floating IPs, port forwardings, security groups."""

from openstack import exceptions, resource

from crud import Crud
from step import has, ids, refused, same, step


def external_network(network):
    """A network with floating IPs, and its subnet."""
    net = network.create_network(
        name="ext-net",
        is_router_external=True,
        provider_network_type="flat",
        provider_physical_network="public",
    )
    subnet = network.create_subnet(
        network_id=net.id, name="ext-sub", ip_version=4, cidr="203.0.113.0/24", is_dhcp_enabled=False
    )
    return net, subnet


def inner_network(network, cidr):
    """A network for VMs, and its subnet."""
    net = network.create_network(name=f"net {cidr}")
    return net, network.create_subnet(network_id=net.id, ip_version=4, cidr=cidr, is_dhcp_enabled=False)


def routers(connection, other):
    network = connection.network
    external, external_subnet = external_network(network)
    inner, subnet = inner_network(network, "10.1.0.0/24")
    calls = Crud(network, "router", "routers")
    router = calls.create(
        name="router",
        external_gateway_info={
            "network_id": external.id,
            "enable_snat": False,
            "external_fixed_ips": [{"subnet_id": external_subnet.id, "ip_address": "203.0.113.3"}],
        },
        is_distributed=True,
        is_ha=True,
    )
    has(router, is_distributed=True, is_ha=True, routes=[], is_admin_state_up=True, flavor_id=None)
    same("its gateway", router.external_gateway_info["external_fixed_ips"][0]["ip_address"], "203.0.113.3")
    router = calls.update(router, name="changed", description="new", is_admin_state_up=False)
    with step("router: interfaces"):
        added = network.add_interface_to_router(router, subnet_id=subnet.id)
        same("keys", {"id", "port_id", "subnet_id", "subnet_ids", "network_id"} <= set(added), True)
        same("router", added["id"], router.id)
        port = network.get_port(added["port_id"])
        has(port, device_owner="network:router_interface_distributed", device_id=router.id)
        with refused(exceptions.BadRequestException, status=400):
            network.add_interface_to_router(router, subnet_id=subnet.id)
        with refused(exceptions.ConflictException, status=409):
            network.delete_port(port, ignore_missing=False)
        with refused(exceptions.ConflictException, status=409):
            network.delete_router(router, ignore_missing=False)
    with step("router: extra routes"):
        routes = [
            {"destination": "10.8.0.0/24", "nexthop": "10.1.0.8"},
            {"destination": "10.9.0.0/24", "nexthop": "10.1.0.9"},
        ]
        router = network.add_extra_routes_to_router(router, {"router": {"routes": routes}})
        same("routes", sorted(router.routes, key=lambda route: route["destination"]), routes)
        router = network.remove_extra_routes_from_router(router, {"router": {"routes": routes[:1]}})
        same("routes", router.routes, routes[1:])
        same("routes", network.update_router(router, routes=[]).routes, [])
    with step("router: filters"):
        same("by admin state", ids(network.routers(is_admin_state_up=False)), [router.id])
        same("by name", ids(network.routers(name="changed")), [router.id])
        network.set_tags(router, ["edge"])
        same("by tag", ids(network.routers(tags="edge")), [router.id])
    with step("router: the interface by its port"):
        network.remove_interface_from_router(router, subnet_id=subnet.id)
        port = network.create_port(network_id=inner.id, fixed_ips=[{"ip_address": "10.1.0.77"}])
        network.add_interface_to_router(router, port_id=port.id)
        network.remove_interface_from_router(router, port_id=port.id)
        same("the port", network.find_port(port.id), None)
    with step("router: the gateway goes"):
        router = network.update_router(router, external_gateway_info={})
        has(router, external_gateway_info=None)
    calls.delete(router)
    network.delete_network(inner)
    network.delete_network(external)


def floating_ips(connection, other):
    network = connection.network
    external, external_subnet = external_network(network)
    inner, subnet = inner_network(network, "10.1.0.0/24")
    router = network.create_router(name="router", external_gateway_info={"network_id": external.id})
    network.add_interface_to_router(router, subnet_id=subnet.id)
    first = network.create_port(network_id=inner.id, fixed_ips=[{"ip_address": "10.1.0.10"}])
    second = network.create_port(network_id=inner.id, fixed_ips=[{"ip_address": "10.1.0.11"}])
    calls = Crud(network, "ip", "ips")
    with step("ip: create"):
        ip = network.create_ip(
            floating_network_id=external.id,
            floating_ip_address="203.0.113.10",
            subnet_id=external_subnet.id,
            port_id=first.id,
            description="for the first",
        )
        has(ip, name="203.0.113.10", port_id=first.id, fixed_ip_address="10.1.0.10", router_id=router.id, status="DOWN")
        same("details of the port", ip.port_details["mac_address"], first.mac_address)
    with step("ip: get, find, list"):
        same("shown", network.get_ip(ip.id).floating_ip_address, "203.0.113.10")
        same("found by id", network.find_ip(ip.id).id, ip.id)
        same("found by address", network.find_ip("203.0.113.10").id, ip.id)
        same("found for none", network.find_ip("203.0.113.77"), None)
        for query in (
            {"floating_ip_address": "203.0.113.10"},
            {"port_id": first.id},
            {"router_id": router.id, "status": "DOWN"},
            {"fixed_ip_address": "10.1.0.10"},
            {"floating_network_id": external.id, "description": "for the first"},
        ):
            same(f"{query}", ids(network.ips(**query)), [ip.id])
    ip = calls.update(ip, port_id=second.id, description="for the second")
    with step("ip: disassociate"):
        ip = network.update_ip(ip, port_id=None)
        has(network.get_ip(ip.id), port_id=None, router_id=None, fixed_ip_address=None, port_details=None)
        resource.wait_for_status(network, ip, "DOWN", [], 0.01, 5)
        same("a free one", network.find_available_ip().id, ip.id)
    forwardings(network, ip, first)
    calls.delete(ip)
    with step("ip: another project's port is not found"):
        theirs = other.network.create_ip(floating_network_id=external.id)
        with refused(exceptions.ResourceNotFound, status=404):
            other.network.update_ip(theirs, port_id=first.id)
        other.network.delete_ip(theirs, ignore_missing=False)
    network.remove_interface_from_router(router, subnet_id=subnet.id)
    network.delete_router(router)
    for port in (first, second):
        network.delete_port(port)
    network.delete_network(inner)
    network.delete_network(external)


def forwardings(network, ip, port):
    """Both sets of calls that the SDK has for port forwardings of a floating IP."""
    with step("port forwarding: create"):
        ssh = network.create_floating_ip_port_forwarding(
            ip,
            internal_port_id=port.id,
            internal_ip_address="10.1.0.10",
            internal_port=22,
            external_port=2222,
            protocol="tcp",
            description="ssh",
        )
        has(ssh, internal_port=22, external_port=2222, protocol="tcp", description="ssh", internal_port_id=port.id)
        dns = network.create_port_forwarding(
            floatingip_id=ip.id,
            internal_port_id=port.id,
            internal_ip_address="10.1.0.10",
            internal_port=53,
            external_port=2222,
            protocol="udp",
        )
    with step("port forwarding: get, find, list"):
        has(network.get_floating_ip_port_forwarding(ip, ssh.id), id=ssh.id, external_port=2222)
        has(network.get_port_forwarding(dns.id, ip.id), id=dns.id, protocol="udp")
        same("found", network.find_floating_ip_port_forwarding(ip, ssh.id).id, ssh.id)
        same("found", network.find_port_forwarding(dns.id, ip.id).id, dns.id)
        same("listed", ids(network.floating_ip_port_forwardings(ip)), ids([ssh, dns]))
        same("listed", ids(network.port_forwardings(ip.id, protocol="udp")), [dns.id])
        same("listed in pages", ids(network.port_forwardings(ip.id, limit=1)), ids([ssh, dns]))
    with step("port forwarding: update"):
        changed = network.update_floating_ip_port_forwarding(ip, ssh, external_port=2022, description="moved")
        has(changed, external_port=2022, description="moved", internal_port=22)
        has(network.update_port_forwarding(dns, ip.id, internal_port=54), internal_port=54)
        with refused(exceptions.BadRequestException, status=400):
            network.update_port_forwarding(dns, ip.id, protocol="tcp", external_port=2022)
    with step("port forwarding: its floating IP is in use"):
        with refused(exceptions.ConflictException, status=409):
            network.update_ip(ip, port_id=port.id)
        with refused(exceptions.ConflictException, status=409):
            network.delete_ip(ip, ignore_missing=False)
    with step("port forwarding: delete"):
        network.delete_floating_ip_port_forwarding(ip, ssh, ignore_missing=False)
        network.delete_port_forwarding(dns, ip.id, ignore_missing=False)
        same("listed", list(network.port_forwardings(ip.id)), [])
        with refused(exceptions.ResourceNotFound, status=404):
            network.delete_port_forwarding(dns.id, ip.id, ignore_missing=False)


def security_groups(connection, other):
    network = connection.network
    calls = Crud(network, "security_group", "security_groups")
    group = calls.create(name="web", description="a group", stateful=False)
    same("rules of a new group", sorted(rule["ethertype"] for rule in group.security_group_rules), ["IPv4", "IPv6"])
    group = calls.update(group, name="www", description="changed", stateful=True)
    with step("security group: tags and filters"):
        network.set_tags(group, ["web"])
        same("by tag", ids(network.security_groups(tags="web")), [group.id])
        same("by description", ids(network.security_groups(description="changed")), [group.id])
    with step("security group: the default one"):
        default = network.find_security_group("default", project_id=connection.current_project_id)
        same("rules", len(default.security_group_rules), 4)
        with refused(exceptions.ConflictException, status=409):
            network.update_security_group(default, name="special")
    rules = Crud(network, "security_group_rule", "security_group_rules")
    rule = rules.create(
        security_group_id=group.id,
        direction="ingress",
        ether_type="IPv4",
        protocol="tcp",
        port_range_min=80,
        port_range_max=81,
        remote_ip_prefix="10.1.0.0/16",
        description="http",
    )
    has(rule, port_range_min=80, port_range_max=81, remote_ip_prefix="10.1.0.0/16", remote_group_id=None)
    with step("security_group_rule: many at once, duplicates, filters"):
        udp = {"security_group_id": group.id, "direction": "ingress", "protocol": "udp"}
        wanted = [{**udp, "port_range_min": number, "port_range_max": number} for number in (53, 67)]
        made = list(network.create_security_group_rules(wanted))
        of_group = {"security_group_id": group.id}
        same("by protocol", ids(network.security_group_rules(**of_group, protocol="udp")), ids(made))
        paged = network.security_group_rules(**of_group, limit=2)
        same("in pages", ids(paged), ids(network.security_group_rules(**of_group)))
        with refused(exceptions.ConflictException, status=409):
            network.create_security_group_rule(**wanted[0])
    rules.delete(rule)
    with step("security group: another project does not see it"):
        with refused(exceptions.ResourceNotFound, status=404):
            other.network.get_security_group(group.id)
    calls.delete(group)


GROUPS = [routers, floating_ips, security_groups]
