"""Identity, Compute and Image as clients of the network use them, and the cloud layer on top of all."""

from openstack import exceptions

from routers import external_network, inner_network
from step import has, ids, refused, same, step


def identity(connection, other):
    identity_api = connection.identity
    with step("identity: projects"):
        project = identity_api.create_project(name="team", domain_id="default", description="a team")
        same("found", identity_api.find_project("team").id, project.id)
        has(identity_api.get_project(project.id), name="team", is_enabled=True, domain_id="default")
        assert project.id in ids(identity_api.projects(domain_id="default")), "it is not listed"
        has(identity_api.update_project(project, description="changed", is_enabled=False), description="changed")
        identity_api.update_project(project, is_enabled=True)
    with step("identity: users"):
        user = identity_api.create_user(
            name="mate", domain_id="default", password="secret", email="m@example.org", default_project_id=project.id
        )
        same("found", identity_api.find_user("mate").id, user.id)
        has(identity_api.update_user(user, email="n@example.org"), email="n@example.org")
        same("by name", ids(identity_api.users(name="mate")), [user.id])
    with step("identity: roles and assignments"):
        role = identity_api.find_role("member")
        assert {"admin", "member", "reader"} <= {item.name for item in identity_api.roles()}, "a role is missing"
        identity_api.assign_project_role_to_user(project, user, role)
        granted = identity_api.role_assignments_filter(project=project, user=user)
        same("granted", [item["id"] for item in granted], [role.id])
        assigned = list(identity_api.role_assignments(user_id=user.id))
        same("assigned", [(item.role["id"], item.scope["project"]["id"]) for item in assigned], [(role.id, project.id)])
    with step("identity: the new user signs in"):
        mate = connection.connect_as(username="mate", password="secret", project_id=project.id)
        same("project", mate.current_project_id, project.id)
        same("own networks", list(mate.network.networks(project_id=project.id)), [])
        credential = mate.identity.create_application_credential(user.id, "robot", roles=[{"name": "member"}])
        assert credential.secret, "it has no secret"
        same("listed", ids(mate.identity.application_credentials(user.id)), [credential.id])
        mate.identity.delete_application_credential(user.id, credential)
        with refused(exceptions.HttpException, status=403):
            list(mate.identity.users())
        mate.close()
    with step("identity: the rest of what clients look at"):
        same("domain", identity_api.find_domain("Default").id, "default")
        assert {"identity", "network", "compute", "image"} <= {item.type for item in identity_api.services()}
        assert len(list(identity_api.endpoints())) >= 12, "endpoints are missing"
        same("regions", [item.id for item in identity_api.regions()], ["RegionOne"])
    with step("identity: delete"):
        identity_api.unassign_project_role_from_user(project, user, role)
        identity_api.delete_user(user, ignore_missing=False)
        identity_api.delete_project(project, ignore_missing=False)
        with refused(exceptions.ResourceNotFound, status=404):
            identity_api.get_project(project.id)


def compute(connection, other):
    with step("compute: flavors, images, zones"):
        flavor = connection.compute.find_flavor("m1.tiny")
        image = connection.image.find_image("namespace")
        has(image, status="active", visibility="public")
        same("zones", [zone.name for zone in connection.compute.availability_zones()], ["nova"])
        same("flavors", flavor.id in ids(connection.compute.flavors()), True)
        connection.compute.get_limits()
    net, _subnet = inner_network(connection.network, "10.4.0.0/24")
    with step("compute: a server"):
        server = connection.compute.create_server(
            name="vm", flavor_id=flavor.id, image_id=image.id, networks=[{"uuid": net.id}], metadata={"role": "web"}
        )
        same("found", connection.compute.find_server("vm").id, server.id)
        shown = connection.compute.get_server(server.id)
        has(shown, name="vm", metadata={"role": "web"}, availability_zone="nova")
        same("listed", ids(connection.compute.servers(name="vm")), [server.id])
        ports = list(connection.network.ports(device_id=server.id))
        same("owner", [port.device_owner for port in ports], ["compute:nova"])
    with step("compute: interfaces"):
        extra = connection.network.create_port(network_id=net.id)
        connection.compute.create_server_interface(server, port_id=extra.id)
        interfaces = connection.compute.server_interfaces(server)
        same("interfaces", sorted(item.port_id for item in interfaces), ids([*ports, extra]))
        connection.compute.delete_server_interface(extra.id, server=server)
        has(connection.network.get_port(extra.id), device_id="", device_owner="")
        connection.network.delete_port(extra, ignore_missing=False)
    with step("compute: delete"):
        connection.compute.delete_server(server, ignore_missing=False)
        connection.compute.wait_for_delete(server, interval=0.05, wait=10)
        same("its port", list(connection.network.ports(device_id=server.id)), [])
    connection.network.delete_network(net)


def cloud_layer(connection, other):
    external, _external_subnet = external_network(connection.network)
    with step("cloud: networks, subnets, routers"):
        net = connection.create_network("cloud-net", mtu_size=1400, port_security_enabled=True)
        subnet = connection.create_subnet(
            net.id, cidr="10.5.0.0/24", subnet_name="cloud-sub", dns_nameservers=["10.5.0.2"], enable_dhcp=False
        )
        same("network", connection.get_network("cloud-net").id, net.id)
        same("subnet", connection.get_subnet("cloud-sub").id, subnet.id)
        same("searched", ids(connection.search_networks(filters={"name": "cloud-net"})), [net.id])
        has(connection.update_subnet(subnet.id, subnet_name="renamed"), name="renamed")
        has(connection.update_network("cloud-net", admin_state_up=False), is_admin_state_up=False)
        connection.update_network("cloud-net", admin_state_up=True)
        router = connection.create_router(name="cloud-router", ext_gateway_net_id=external.id)
        connection.add_router_interface(router, subnet_id=subnet.id)
        same("interfaces", len(connection.list_router_interfaces(router, "internal")), 1)
        has(connection.update_router("cloud-router", name="cloud-router-2"), name="cloud-router-2")
        same("external", [item.id for item in connection.get_external_ipv4_floating_networks()], [external.id])
    with step("cloud: ports and security groups"):
        port = connection.create_port(net.id, name="cloud-port", fixed_ips=[{"ip_address": "10.5.0.50"}])
        has(connection.update_port("cloud-port", name="renamed-port"), name="renamed-port")
        searched = connection.search_ports(filters={"network_id": net.id, "name": "renamed-port"})
        same("searched", ids(searched), [port.id])
        group = connection.create_security_group("cloud-group", "a group")
        rule = connection.create_security_group_rule("cloud-group", 22, 22, "tcp", "0.0.0.0/0")
        same("rule's group", rule.security_group_id, group.id)
        same("deleted", connection.delete_security_group_rule(rule.id), True)
        has(connection.update_security_group("cloud-group", description="changed"), description="changed")
        same("deleted", connection.delete_security_group("cloud-group"), True)
    with step("cloud: a server with a floating IP of its own choice"):
        server = connection.create_server(
            "cloud-vm", image="namespace", flavor="m1.tiny", network="cloud-net", auto_ip=False, wait=False
        )
        server = connection.get_server(server.id)
        same("addresses", len(connection.list_ports(filters={"device_id": server.id})), 1)
        connection.add_ips_to_server(server, auto_ip=True, wait=False)
        attached = [ip for ip in connection.list_floating_ips() if ip.port_id]
        same("attached", len(attached), 1)
        address = attached[0].floating_ip_address
        assert address in str(connection.compute.get_server(server.id).addresses), "the server does not show it"
        same("detached", connection.detach_ip_from_server(server.id, attached[0].id), True)
        connection.add_ip_list(server, [address])
        same("attached again", connection.get_floating_ip(attached[0].id).port_id, attached[0].port_id)
        connection.delete_server(server.id, wait=True, timeout=20)
    with step("cloud: floating IPs"):
        made = connection.create_floating_ip(network="ext-net", port=port.id)
        same("its port", made.port_id, port.id)
        same("unattached ones deleted", connection.delete_unattached_floating_ips(), 1)
        same("deleted", connection.delete_floating_ip(made.id), True)
        same("available", connection.available_floating_ip("ext-net").port_id, None)
        connection.delete_unattached_floating_ips()
        same("left", connection.list_floating_ips(), [])
    with step("cloud: delete"):
        same("port", connection.delete_port(port.id), True)
        connection.remove_router_interface(router, subnet_id=subnet.id)
        same("router", connection.delete_router("cloud-router-2"), True)
        same("subnet", connection.delete_subnet("renamed"), True)
        same("network", connection.delete_network("cloud-net"), True)
        same("network once more", connection.delete_network("cloud-net"), False)
        connection.network.delete_network(external)


GROUPS = [identity, compute, cloud_layer]
