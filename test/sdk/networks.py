"""Networks, subnets, ports, and what all lists can do."""

from openstack import exceptions, resource

from crud import Crud
from step import has, ids, refused, same, step


def networks(connection, other):
    network = connection.network
    calls = Crud(network, "network", "networks")
    net = calls.create(
        name="net", description="a net", mtu=1400, is_admin_state_up=False, is_port_security_enabled=False
    )
    has(net, status="ACTIVE", mtu=1400, is_admin_state_up=False, is_shared=False, is_router_external=False)
    has(net, subnet_ids=[], availability_zone_hints=[], project_id=connection.current_project_id)
    net = calls.update(net, name="renamed", description="changed", mtu=1500, is_admin_state_up=True, is_shared=True)
    with step("network: another project sees what is shared, without the provider's part"):
        seen = other.network.get_network(net.id)
        has(seen, is_shared=True, provider_network_type=None)
        with refused(exceptions.HttpException, status=403):
            other.network.update_network(seen, name="mine")
    with step("network: if_revision of another revision is refused"):
        with refused(exceptions.HttpException, status=412):
            network.update_network(net, if_revision=net.revision_number + 7, name="never")
        with refused(exceptions.HttpException, status=412):
            network.delete_network(net, if_revision=net.revision_number + 7)
        net = network.update_network(net, if_revision=net.revision_number, name="net")
    with step("network: tags"):
        network.set_tags(net, ["red", "blue"])
        same("tags", sorted(network.get_network(net.id).tags), ["blue", "red"])
        net.add_tag(network, "green")
        net.remove_tag(network, "red")
        net.check_tag(network, "green")
        net.fetch_tags(network)
        same("tags", sorted(net.tags), ["blue", "green"])
        for query, found in (
            ({"tags": "blue,green"}, True),
            ({"tags": "blue,red"}, False),
            ({"any_tags": "blue,red"}, True),
            ({"not_tags": "blue,green"}, False),
            ({"not_any_tags": "red"}, True),
        ):
            same(f"{query}", net.id in ids(network.networks(**query)), found)
        net.remove_all_tags(network)
        same("tags", network.get_network(net.id).tags, [])
    with step("network: filters"):
        for query, found in (
            ({"is_shared": True}, True),
            ({"is_admin_state_up": False}, False),
            ({"is_router_external": True}, False),
            ({"status": "ACTIVE"}, True),
            ({"description": "changed"}, True),
            ({"project_id": connection.current_project_id}, True),
        ):
            same(f"{query}", net.id in ids(network.networks(**query)), found)
        with refused(exceptions.BadRequestException, status=400):
            list(network.networks(is_admin_state_up="perhaps"))
    with step("network: pages follow each other"):
        made = [network.create_network(name=f"page{number}") for number in range(5)]
        listed = list(network.networks(limit=2))
        same("what is listed in pages of two", ids(listed), ids(network.networks()))
        same("the first page alone", len(list(network.networks(limit=2, paginated=False))), 2)
        marker = listed[1].id
        same("what follows a marker", ids(network.networks(limit=2, marker=marker)), ids(listed[2:]))
        for net_of_page in made:
            network.delete_network(net_of_page)
    calls.delete(net)


def subnets(connection, other):
    network = connection.network
    net = network.create_network(name="net")
    calls = Crud(network, "subnet", "subnets")
    subnet = calls.create(
        name="sub",
        network_id=net.id,
        ip_version=4,
        cidr="10.1.0.0/24",
        gateway_ip="10.1.0.254",
        allocation_pools=[{"start": "10.1.0.10", "end": "10.1.0.20"}],
        dns_nameservers=["10.1.0.2"],
        host_routes=[{"destination": "10.9.0.0/24", "nexthop": "10.1.0.9"}],
        is_dhcp_enabled=False,
        service_types=["compute:nova"],
    )
    has(subnet, cidr="10.1.0.0/24", ip_version=4, is_dhcp_enabled=False, network_id=net.id, subnet_pool_id=None)
    subnet = calls.update(
        subnet,
        name="changed",
        gateway_ip="10.1.0.253",
        allocation_pools=[{"start": "10.1.0.30", "end": "10.1.0.40"}],
        dns_nameservers=["10.1.0.3", "10.1.0.4"],
        host_routes=[],
        is_dhcp_enabled=True,
        service_types=[],
    )
    with step("subnet: the network names its subnets, and has grown a revision"):
        seen = network.get_network(net.id)
        has(seen, subnet_ids=[subnet.id])
        assert seen.revision_number > net.revision_number, "no new revision"
    with step("subnet: IPv6"):
        six = network.create_subnet(
            network_id=net.id, ip_version=6, cidr="2001:db8::/64", ipv6_ra_mode="slaac", ipv6_address_mode="slaac"
        )
        has(six, gateway_ip="2001:db8::1", ipv6_ra_mode="slaac", ipv6_address_mode="slaac")
    with step("subnet: filters and tags"):
        same("by version", ids(network.subnets(ip_version=6, network_id=net.id)), [six.id])
        same("by CIDR", ids(network.subnets(cidr="10.1.0.0/24")), [subnet.id])
        same("by gateway", ids(network.subnets(gateway_ip="10.1.0.253", is_dhcp_enabled=True)), [subnet.id])
        network.set_tags(six, ["v6"])
        same("by tag", ids(network.subnets(tags="v6")), [six.id])
    with step("subnet: another project neither sees it nor may use it"):
        with refused(exceptions.ResourceNotFound, status=404):
            other.network.get_subnet(subnet.id)
        with refused(exceptions.ResourceNotFound, status=404):
            other.network.create_port(network_id=net.id)
    with step("subnet: overlap is refused"):
        with refused(exceptions.BadRequestException, status=400):
            network.create_subnet(network_id=net.id, ip_version=4, cidr="10.1.0.128/25")
    network.delete_subnet(six)
    calls.delete(subnet)
    network.delete_network(net)


def ports(connection, other):
    network = connection.network
    net = network.create_network(name="net")
    subnet = network.create_subnet(network_id=net.id, ip_version=4, cidr="10.1.0.0/24", is_dhcp_enabled=False)
    group = network.create_security_group(name="group")
    calls = Crud(network, "port", "ports")
    port = calls.create(
        name="port",
        network_id=net.id,
        fixed_ips=[{"ip_address": "10.1.0.10"}, {"subnet_id": subnet.id}],
        mac_address="fa:16:3e:00:00:07",
        allowed_address_pairs=[{"ip_address": "10.1.0.99"}],
        extra_dhcp_opts=[{"opt_name": "bootfile-name", "opt_value": "x", "ip_version": 4}],
        security_group_ids=[group.id],
        device_id="device",
        device_owner="compute:nova",
        dns_name="host",
        binding_host_id="host9",
        binding_profile={"key": "value"},
        binding_vnic_type="direct",
    )
    has(port, status="DOWN", binding_host_id="host9", binding_profile={"key": "value"}, is_port_security_enabled=True)
    has(port, allowed_address_pairs=[{"ip_address": "10.1.0.99", "mac_address": "fa:16:3e:00:00:07"}])
    same("its first address", port.fixed_ips[0], {"ip_address": "10.1.0.10", "subnet_id": subnet.id})
    same("its name", port.dns_assignment[0]["fqdn"], "host.openstacklocal.")
    port = calls.update(
        port,
        name="changed",
        fixed_ips=[{"ip_address": "10.1.0.11", "subnet_id": subnet.id}],
        allowed_address_pairs=[],
        security_group_ids=[],
        device_id="other",
        binding_host_id="host8",
        is_admin_state_up=False,
    )
    with step("port: addresses come and go"):
        network.update_port(port, fixed_ips=port.fixed_ips + [{"ip_address": "10.1.0.12", "subnet_id": subnet.id}])
        same("addresses", len(network.get_port(port.id).fixed_ips), 2)
    with step("port: filters"):
        for query in (
            {"fixed_ips": "ip_address=10.1.0.12"},
            {"fixed_ips": ["ip_address=10.1.0.12", f"subnet_id={subnet.id}"]},
            {"fixed_ips": "ip_address_substr=10.1.0.1"},
            {"device_id": "other", "device_owner": "compute:nova"},
            {"mac_address": "fa:16:3e:00:00:07"},
            {"binding:host_id": "host8"},
            {"network_id": net.id, "is_admin_state_up": False},
        ):
            same(f"{query}", ids(network.ports(**query)), [port.id])
        same("ports of the subnet", set(ids(network.get_subnet_ports(subnet.id))), {port.id})
        (named,) = network.ports(fields=["id", "name"])
        same("named fields", (named.id, named.name, named.status), (port.id, "changed", None))
    with step("port: many at once, all or none"):
        wanted = [{"network_id": net.id, "name": f"bulk{number}", "tags": ["bulk"]} for number in range(3)]
        made = list(network.create_ports(wanted))
        same("names", [item.name for item in made], ["bulk0", "bulk1", "bulk2"])
        same("by tag", ids(network.ports(tags="bulk")), ids(made))
        with refused(exceptions.HttpException, status=409):
            network.create_ports(
                [{"network_id": net.id}, {"network_id": net.id, "fixed_ips": [{"ip_address": "10.1.0.12"}]}]
            )
        same("ports", len(list(network.ports(network_id=net.id))), 4)
        same("in pages", ids(network.ports(network_id=net.id, limit=2)), ids(network.ports(network_id=net.id)))
        for item in made:
            network.delete_port(item, if_revision=item.revision_number)
    with step("port: waiting for a status, and for the end"):
        resource.wait_for_status(network, port, "DOWN", ["ERROR"], 0.01, 5)
        spare = network.create_port(network_id=net.id)
        network.delete_port(spare)
        resource.wait_for_delete(network, spare, 0.01, 5)
    with step("port: another project does not see it"):
        with refused(exceptions.ResourceNotFound, status=404):
            other.network.get_port(port.id)
    calls.delete(port)
    network.delete_security_group(group)
    with step("network: deleting one with subnets takes them along"):
        network.delete_network(net, ignore_missing=False)
        same("the subnet", network.find_subnet(subnet.id), None)


GROUPS = [networks, subnets, ports]
