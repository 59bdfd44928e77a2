import { ApiError } from '@portward/model/api-error.ts';

/**
 * The refusals of the Networking API: Neutron's class names, statuses and texts, so that clients that look at them find
 * what they know.
 */
const error = <A extends unknown[]>(status: number, type: string, message: (...args: A) => string) =>
  Object.assign((...args: A): ApiError => new ApiError(status, type, message(...args)), { status, type, message });

/** 400 `Bad <resource> request: …`. */
export const badResource = error(
  400,
  'BadRequest',
  (resource: string, reason: string) => `Bad ${resource} request: ${reason}`,
);
/** 400 of an argument that makes no sense. */
export const invalidArgument = error(
  400,
  'InvalidInput',
  (reason: string) => `Invalid input for operation: ${reason}.`,
);

export const networkInUse = error(
  409,
  'NetworkInUse',
  (network: string, ports: string[]) =>
    `Unable to complete operation on network ${network}. There are one or more ports still in use on the network, id for these ports is: ${ports.join(',')}.`,
);
export const externalNetworkInUse = error(
  409,
  'ExternalNetworkInUse',
  (name: string) =>
    `External network ${name} cannot be updated to be made non-external, since it has existing gateway ports.`,
);
export const defaultNetworkExists = error(
  409,
  'DefaultExternalNetworkExists',
  (id: string) => `A default external network already exists: ${id}.`,
);
export const sharedNetworkInUse = error(
  409,
  'InvalidSharedSetting',
  (name: string) => `Unable to reconfigure sharing settings for network ${name}. Multiple tenants are using it.`,
);
export const foreignNetwork = error(
  403,
  'HTTPForbidden',
  (project: string, what: 'subnet' | 'port') => `Tenant ${project} not allowed to create ${what} on this network`,
);
export const flatNetworkInUse = error(
  409,
  'FlatNetworkInUse',
  (physical: string) => `Unable to create the flat network. Physical network ${physical} is in use.`,
);
export const subnetInUse = error(
  409,
  'SubnetInUse',
  (subnet: string) =>
    `Unable to complete operation on subnet ${subnet}: One or more ports have an IP allocation from this subnet.`,
);
export const gatewayConflict = error(
  409,
  'GatewayConflictWithAllocationPools',
  (gateway: string, pool: string) => `Gateway ip ${gateway} conflicts with allocation pool ${pool}.`,
);
export const gatewayInUse = error(
  409,
  'GatewayIpInUse',
  (gateway: string, port: string) => `Current gateway ip ${gateway} already in use by port ${port}. Unable to update.`,
);
export const poolOutOfBounds = error(
  400,
  'OutOfBoundsAllocationPool',
  (pool: string, cidr: string) => `The allocation pool ${pool} spans beyond the subnet cidr ${cidr}.`,
);
export const poolInvalid = error(
  400,
  'InvalidAllocationPool',
  (pool: string) => `The allocation pool ${pool} is not valid.`,
);
export const poolsOverlap = error(
  409,
  'OverlappingAllocationPools',
  (a: string, b: string, cidr: string) => `Found overlapping allocation pools: ${a} ${b} for subnet ${cidr}.`,
);
export const tooManyNameservers = error(
  400,
  'DNSNameServersExhausted',
  (subnet: string) => `Unable to complete operation for ${subnet}. The number of DNS nameservers exceeds the limit 5.`,
);
export const tooManyHostRoutes = error(
  400,
  'HostRoutesExhausted',
  (subnet: string) => `Unable to complete operation for ${subnet}. The number of host routes exceeds the limit 20.`,
);

export const macInUse = error(
  409,
  'MacAddressInUse',
  (network: string, mac: string) =>
    `Unable to complete operation for network ${network}. The mac address ${mac} is in use.`,
);
export const notOnNetwork = error(
  400,
  'InvalidIpForNetwork',
  (address: string) => `IP address ${address} is not a valid IP for any of the subnets on the specified network.`,
);
export const notOnSubnet = error(
  400,
  'InvalidIpForSubnet',
  (address: string) => `IP address ${address} is not a valid IP for the specified subnet.`,
);
export const addressTaken = error(
  409,
  'IpAddressAlreadyAllocated',
  (address: string, subnet: string) => `IP address ${address} already allocated in subnet ${subnet}`,
);
export const noAddressLeft = error(
  409,
  'IpAddressGenerationFailure',
  (network: string) => `No more IP addresses available on network ${network}.`,
);
export const groupsNeedSecurity = error(
  400,
  'PortSecurityAndIPRequiredForSecurityGroups',
  () => 'Port security must be enabled and port must have an IP address in order to use security groups.',
);
export const portHasGroups = error(
  409,
  'PortSecurityPortHasSecurityGroup',
  () =>
    'Port has security group associated. Cannot disable port security or IP address until security group is removed.',
);
export const pairsNeedSecurity = error(
  409,
  'AddressPairAndPortSecurityRequired',
  () => 'Port Security must be enabled in order to have allowed address pairs on a port.',
);
export const duplicatePair = error(
  400,
  'DuplicateAddressPairInRequest',
  (mac: string, address: string) =>
    `Request contains duplicate address pair: mac_address ${mac} ip_address ${address}.`,
);
export const servicePortInUse = error(
  409,
  'ServicePortInUse',
  (port: string, owner: string) =>
    `Port ${port} cannot be deleted directly via the port API: has device owner ${owner}.`,
);
export const portInUse = error(
  409,
  'PortInUse',
  (port: string, network: string, device: string) =>
    `Unable to complete operation on port ${port} for network ${network}. Port already has an attached device ${device}.`,
);

export const gatewayUnreachable = error(
  404,
  'ExternalGatewayForFloatingIPNotFound',
  (network: string, subnet: string, port: string) =>
    `External network ${network} is not reachable from subnet ${subnet}.  Therefore, cannot associate Port ${port} with a Floating IP.`,
);
export const alreadyAssociated = error(
  409,
  'FloatingIPPortAlreadyAssociated',
  (address: string, id: string, port: string, fixed: string, network: string) =>
    `Cannot associate floating IP ${address} (${id}) with port ${port} using fixed IP ${fixed}, as that fixed IP already has a floating IP on external network ${network}.`,
);
export const fipHasForwardings = error(
  409,
  'FipInUseByPortForwarding',
  (id: string) => `Floating IP ${id} in use by Port Forwarding resources.`,
);
export const portHasFloatingIp = error(
  409,
  'PortHasBindingFloatingIP',
  (address: string, id: string, port: string, fixed: string) =>
    `Cannot create port forwarding to floating IP ${address} (${id}) with port ${port} using fixed IP ${fixed}, as that port already has a binding floating IP.`,
);
export const portHasForwarding = error(
  400,
  'PortHasPortForwarding',
  (port: string) => `Cannot associate floating IP to port ${port} because it already has a Port Forwarding binding.`,
);
export const foreignFloatingIp = error(
  409,
  'FipAssociated',
  (port: string) =>
    `Unable to complete the operation on port "${port}" because the port still has an associated floating IP.`,
);

export const routerInUse = error(
  409,
  'RouterInUse',
  (router: string, ports: string[]) => `Router ${router} has ports still attached: ${ports.join(', ')}`,
);
export const gatewayNeeded = error(
  409,
  'RouterExternalGatewayInUseByFloatingIp',
  (router: string, network: string) =>
    `Gateway cannot be updated for router ${router}, since a gateway to external network ${network} is required by one or more floating IPs.`,
);
export const interfaceNeeded = error(
  409,
  'RouterInterfaceInUseByFloatingIP',
  (subnet: string, router: string) =>
    `Router interface for subnet ${subnet} on router ${router} cannot be deleted, as it is required by one or more floating IPs.`,
);
export const interfaceRouted = error(
  409,
  'RouterInterfaceInUseByRoute',
  (subnet: string, router: string) =>
    `Router interface for subnet ${subnet} on router ${router} cannot be deleted, as it is required by one or more routes.`,
);
export const noInterfaceOnSubnet = error(
  404,
  'RouterInterfaceNotFoundForSubnet',
  (router: string, subnet: string) => `Router ${router} has no interface on subnet ${subnet}`,
);
export const noInterface = error(
  404,
  'RouterInterfaceNotFound',
  (router: string, port: string) => `Router ${router} does not have an interface with id ${port}`,
);
export const subnetMismatch = error(
  400,
  'SubnetMismatchForPort',
  (port: string, subnet: string) => `Subnet on port ${port} does not match the requested subnet ${subnet}.`,
);
export const invalidRoutes = error(
  400,
  'InvalidRoutes',
  (routes: string, reason: string) => `Invalid format for routes: ${routes}, ${reason}`,
);
export const tooManyRoutes = error(
  400,
  'RoutesExhausted',
  (router: string) => `Unable to complete operation for ${router}. The number of routes exceeds the maximum 30.`,
);

export const groupInUse = error(409, 'SecurityGroupInUse', (id: string) => `Security Group ${id} in use.`);
export const groupsOfBothKinds = error(
  409,
  'SecurityGroupConflict',
  () =>
    'Error Cannot apply both stateful and stateless security groups on the same port at the same time while attempting the operation.',
);
export const defaultGroupExists = error(
  409,
  'SecurityGroupDefaultAlreadyExists',
  () => 'Default security group already exists.',
);
export const defaultGroupFixed = error(
  409,
  'SecurityGroupCannotUpdateDefault',
  () => 'Updating default security group not allowed.',
);
export const ruleExists = error(
  409,
  'SecurityGroupRuleExists',
  (id: string) => `Security group rule already exists. Rule id is ${id}.`,
);
export const ruleTwice = error(409, 'DuplicateSecurityGroupRuleInPost', () => 'Duplicate Security Group Rule in POST.');
export const rulesOfSeveralGroups = error(
  400,
  'SecurityGroupNotSingleGroupRules',
  () => 'Only allowed to update rules for one security profile at a time',
);
/** 400s of a rule's values; `type` is Neutron's class name. */
export const badRule = (type: string, message: string): ApiError => new ApiError(400, type, message);
export const addressGroupInUse = error(
  409,
  'AddressGroupInUse',
  (id: string) => `Address group ${id} is in use on one or more security group rules.`,
);
export const addressesNotFound = error(
  404,
  'AddressesNotFound',
  (addresses: string, id: string) => `Addresses ${addresses} not found in the address group ${id}.`,
);
export const addressesExist = error(
  400,
  'AddressesAlreadyExist',
  (addresses: string, id: string) => `Addresses ${addresses} already exist in the address group ${id}.`,
);

export const wildcardForbidden = error(
  403,
  'PolicyNotAuthorized',
  (verb: 'create' | 'update') =>
    `(rule:${verb}_rbac_policy and rule:${verb}_rbac_policy:target_tenant) is disallowed by policy`,
);
export const invalidAction = error(
  400,
  'InvalidActionForType',
  (action: string, type: string, valid: string) =>
    `Invalid action '${action}' for object type '${type}'. Valid actions: ${valid}`,
);
export const duplicatePolicy = error(
  409,
  'DuplicateRbacPolicy',
  () => 'An RBAC policy already exists with those values.',
);
export const policyInUse = error(
  409,
  'RbacPolicyInUse',
  (object: string, details: string) =>
    `RBAC policy on object ${object} cannot be removed because other objects depend on it.\nDetails: ${details}`,
);
/** Neutron answers 500 here. */
export const policyNotPossible = error(
  400,
  'RbacPolicyInitError',
  (object: string, reason: string) => `Failed to create RBAC policy on object ${object} because ${reason}.`,
);

export const addressScopeInUse = error(
  409,
  'AddressScopeInUse',
  (id: string) =>
    `Unable to complete operation on address scope ${id}. There are one or more subnet pools in use on the address scope.`,
);
export const addressScopeFixed = error(
  400,
  'AddressScopeUpdateError',
  (id: string, reason: string) => `Unable to update address scope ${id} : ${reason}.`,
);
export const scopesDiffer = error(
  400,
  'NetworkAddressScopeAffinityError',
  () => 'Subnets of the same address family hosted on the same network must all participate in the same address scope.',
);
export const poolsDiffer = error(
  400,
  'NetworkSubnetPoolAffinityError',
  () => 'Subnets hosted on the same network must be allocated from the same subnet pool.',
);
export const noPrefixes = error(400, 'EmptySubnetPoolPrefixList', () => 'Empty subnet pool prefix list.');
export const prefixesMixed = error(
  400,
  'PrefixVersionMismatch',
  () => 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.',
);
export const prefixBounds = error(
  400,
  'IllegalSubnetPoolPrefixBounds',
  (which: string, length: number, base: string, baseLength: number) =>
    `Illegal prefix bounds: ${which}=${length}, ${base}=${baseLength}.`,
);
export const prefixesFixed = error(
  400,
  'IllegalSubnetPoolPrefixUpdate',
  (reason: string) => `Illegal update to prefixes: ${reason}.`,
);
export const poolFixed = error(
  400,
  'IllegalSubnetPoolUpdate',
  (reason: string) => `Illegal subnetpool update : ${reason}.`,
);
export const poolOfOtherVersion = error(
  400,
  'IllegalSubnetPoolIpVersionAssociationToAddressScope',
  (pool: string, scope: string, version: number) =>
    `Illegal subnetpool association: subnetpool ${pool} cannot associate with address scope ${scope} because subnetpool ip_version is not ${version}.`,
);
export const scopePrefixConflict = error(
  409,
  'AddressScopePrefixConflict',
  () => 'Failed to associate address scope: subnetpools within an address scope must have unique prefixes.',
);
export const poolNotEmpty = error(
  400,
  'SubnetPoolDeleteError',
  () => 'Unable to delete subnet pool: Subnet pool has existing allocations.',
);
export const prefixTooLong = error(
  400,
  'MaxPrefixSubnetAllocationError',
  (length: number, max: number) =>
    `Unable to allocate subnet with prefix length ${length}, maximum allowed prefix is ${max}.`,
);
export const prefixTooShort = error(
  400,
  'MinPrefixSubnetAllocationError',
  (length: number, min: number) =>
    `Unable to allocate subnet with prefix length ${length}, minimum allowed prefix is ${min}.`,
);
/** The pool has no such block left. Neutron answers 500 here. */
export const noBlockLeft = error(
  409,
  'SubnetAllocationError',
  (reason: string) => `Failed to allocate subnet: ${reason}.`,
);
export const poolQuotaExceeded = error(
  409,
  'SubnetPoolQuotaExceeded',
  () => 'Per-project subnet pool prefix quota exceeded.',
);

/** 404: Neutron takes an agent that cannot do the task for one that is not there. */
export const invalidL3Agent = error(
  404,
  'InvalidL3Agent',
  (agent: string) => `Agent ${agent} is not a L3 Agent or has been disabled`,
);
export const invalidDhcpAgent = error(
  404,
  'InvalidDHCPAgent',
  (agent: string) => `Agent ${agent} is not a valid DHCP Agent or has been disabled`,
);
export const routerHosted = error(
  409,
  'RouterHostedByL3Agent',
  (router: string, agent: string) => `The router ${router} has been already hosted by the L3 Agent ${agent}.`,
);
export const routerNotHosted = error(
  409,
  'RouterNotHostedByL3Agent',
  (router: string, agent: string) => `The router ${router} is not hosted by L3 agent ${agent}.`,
);
export const networkHosted = error(
  409,
  'NetworkHostedByDHCPAgent',
  (network: string, agent: string) => `The network ${network} has been already hosted by the DHCP Agent ${agent}.`,
);
export const networkNotHosted = error(
  409,
  'NetworkNotHostedByDhcpAgent',
  (network: string, agent: string) => `The network ${network} is not hosted by the DHCP agent ${agent}.`,
);
