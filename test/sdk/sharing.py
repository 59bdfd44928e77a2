"""Address groups and scopes, subnet pools, RBAC, quotas, agents, and how full networks are."""

from openstack import exceptions

from crud import Crud
from step import has, ids, refused, same, step


def address_groups(connection, other):
    network = connection.network
    calls = Crud(network, "address_group", "address_groups")
    group = calls.create(name="group", description="friends", addresses=["10.1.0.0/24", "10.2.0.1/32"])
    has(group, addresses=["10.1.0.0/24", "10.2.0.1/32"], project_id=connection.current_project_id)
    group = calls.update(group, name="changed", description="all")
    with step("address_group: addresses come and go"):
        more = network.add_addresses_to_address_group(group, ["10.3.0.0/24"])
        has(more, addresses=["10.1.0.0/24", "10.2.0.1/32", "10.3.0.0/24"])
        fewer = network.remove_addresses_from_address_group(group, ["10.1.0.0/24"])
        has(fewer, addresses=["10.2.0.1/32", "10.3.0.0/24"])
        with refused(exceptions.ResourceNotFound, status=404):
            network.remove_addresses_from_address_group(group, ["10.99.0.0/24"])
    with step("address_group: rules refer to it"):
        default = network.find_security_group("default", project_id=connection.current_project_id)
        rule = network.create_security_group_rule(
            security_group_id=default.id, direction="ingress", remote_address_group_id=group.id
        )
        with refused(exceptions.ConflictException, status=409):
            network.delete_address_group(group, ignore_missing=False)
        network.delete_security_group_rule(rule)
    calls.delete(group)


def subnet_pools(connection, other):
    network = connection.network
    scopes = Crud(network, "address_scope", "address_scopes")
    scope = scopes.create(name="scope", ip_version=4, is_shared=False)
    scope = scopes.update(scope, name="area")
    calls = Crud(network, "subnet_pool", "subnet_pools")
    pool = calls.create(
        name="pool",
        prefixes=["10.20.0.0/16"],
        default_prefix_length=26,
        minimum_prefix_length=24,
        maximum_prefix_length=28,
        address_scope_id=scope.id,
        description="a pool",
    )
    has(pool, ip_version=4, is_shared=False, is_default=False, address_scope_id=scope.id)
    pool = calls.update(pool, name="basin", description="changed", default_prefix_length=25)
    with step("subnet_pool: subnets come from it"):
        net = network.create_network(name="net")
        subnet = network.create_subnet(network_id=net.id, ip_version=4, subnet_pool_id=pool.id)
        same("prefix", subnet.cidr.split("/")[1], "25")
        has(subnet, subnet_pool_id=pool.id)
        chosen = network.create_subnet(network_id=net.id, ip_version=4, subnet_pool_id=pool.id, prefix_length=28)
        same("prefix", chosen.cidr.split("/")[1], "28")
        has(network.get_network(net.id), ipv4_address_scope_id=scope.id)
        same("by pool", ids(network.subnets(subnet_pool_id=pool.id)), ids([subnet, chosen]))
        network.delete_network(net)
    with step("subnet_pool: tags"):
        network.set_tags(pool, ["p"])
        same("by tag", ids(network.subnet_pools(tags="p")), [pool.id])
    calls.delete(pool)
    scopes.delete(scope)


def rbac_policies(connection, other):
    network = connection.network
    net = network.create_network(name="lent")
    calls = Crud(network, "rbac_policy", "rbac_policies")
    policy = calls.create(
        object_type="network",
        object_id=net.id,
        action="access_as_shared",
        target_project_id=other.current_project_id,
    )
    with step("rbac_policy: the other project sees the network"):
        has(other.network.get_network(net.id), is_shared=True)
    with step("rbac_policy: it is refused twice, and while it is needed"):
        with refused(exceptions.ConflictException, status=409):
            network.create_rbac_policy(
                object_type="network",
                object_id=net.id,
                action="access_as_shared",
                target_project_id=other.current_project_id,
            )
        port = other.network.create_port(network_id=net.id)
        with refused(exceptions.ConflictException, status=409):
            network.delete_rbac_policy(policy, ignore_missing=False)
        other.network.delete_port(port)
    policy = calls.update(policy, target_project_id="*")
    calls.delete(policy)
    network.delete_network(net)


def quotas(connection, other):
    network = connection.network
    project = other.current_project_id
    with step("quota: defaults"):
        has(network.get_quota_default(project), networks=100, ports=500, floating_ips=50, routers=10, subnet_pools=-1)
        has(network.get_quota(project), networks=100, subnets=100, security_groups=10, security_group_rules=100)
        same("those that differ", list(network.quotas()), [])
    with step("quota: update"):
        has(network.update_quota(project, networks=1, floating_ips=-1), networks=1, floating_ips=-1, ports=500)
        same("those that differ", [quota.networks for quota in network.quotas()], [1])
        same("own", other.network.get_quota(project).networks, 1)
        with refused(exceptions.HttpException, status=403):
            other.network.update_quota(project, networks=5)
    with step("quota: it holds"):
        net = other.network.create_network(name="one")
        with refused(exceptions.ConflictException, status=409):
            other.network.create_network(name="two")
    with step("quota: details"):
        detail = network.get_quota(project, details=True)
        same("networks", detail.networks, {"used": 1, "reserved": 0, "limit": 1})
        other.network.delete_network(net)
    with step("quota: delete"):
        network.delete_quota(project, ignore_missing=False)
        has(network.get_quota(project), networks=100)
        with refused(exceptions.ResourceNotFound, status=404):
            network.delete_quota(project, ignore_missing=False)


def agents(connection, other):
    network = connection.network
    with step("agent: list, get, update"):
        kinds = {agent.agent_type: agent for agent in network.agents()}
        same("kinds", sorted(kinds), ["DHCP agent", "L3 agent", "Linux bridge agent"])
        router_agent, dhcp_agent = kinds["L3 agent"], kinds["DHCP agent"]
        has(network.get_agent(router_agent.id), host="host1", is_alive=True, is_admin_state_up=True)
        has(network.update_agent(router_agent, description="x", is_admin_state_up=False), description="x")
        network.update_agent(router_agent, is_admin_state_up=True)
        same("by type", ids(network.agents(agent_type="L3 agent", host="host1", is_alive=True)), [router_agent.id])
        same("of a kind that there is not", list(network.agents(binary="ovn-controller")), [])
        same("for another project", list(other.network.agents()), [])
    with step("availability zones"):
        zones = sorted(f"{zone.name} {zone.resource} {zone.state}" for zone in network.availability_zones())
        same("zones", zones, ["nova network available", "nova router available"])
    with step("extensions"):
        aliases = {extension.alias for extension in network.extensions()}
        for alias in ("router", "external-net", "floating-ip-port-forwarding", "security-group", "agent"):
            assert alias in aliases, f"{alias} is missing"
        same("found", network.find_extension("router").name, "Neutron L3 Router")
        same("found for none", network.find_extension("nothing"), None)
    with step("agent: scheduling of routers"):
        router = network.create_router(name="router")
        same("hosts", ids(network.routers_hosting_l3_agents(router)), [router_agent.id])
        assert router.id in ids(network.agent_hosted_routers(router_agent)), "it is not listed"
        network.remove_router_from_agent(router_agent, router)
        same("hosts", list(network.routers_hosting_l3_agents(router)), [])
        network.add_router_to_agent(router_agent, router)
        same("hosts", ids(network.routers_hosting_l3_agents(router)), [router_agent.id])
        network.delete_router(router)
    with step("agent: scheduling of networks"):
        net = network.create_network(name="net")
        network.create_subnet(network_id=net.id, ip_version=4, cidr="10.1.0.0/28")
        same("hosts", ids(network.network_hosting_dhcp_agents(net)), [dhcp_agent.id])
        assert net.id in ids(network.dhcp_agent_hosting_networks(dhcp_agent)), "it is not listed"
        network.remove_dhcp_agent_from_network(dhcp_agent, net)
        same("hosts", list(network.network_hosting_dhcp_agents(net)), [])
        network.add_dhcp_agent_to_network(dhcp_agent, net)
    with step("ip availability"):
        shown = network.get_network_ip_availability(net.id)
        has(shown, network_id=net.id, network_name="net", total_ips=13)
        same("found", network.find_network_ip_availability(net.id).network_id, net.id)
        assert net.id in [item.network_id for item in network.network_ip_availabilities()], "it is not listed"
        same("subnets", [item["cidr"] for item in shown.subnet_ip_availability], ["10.1.0.0/28"])
        network.delete_network(net)
    with step("service providers"):
        same("types", [item.service_type for item in network.service_providers()], ["L3_ROUTER_NAT"])


GROUPS = [address_groups, subnet_pools, rbac_policies, quotas, agents]
