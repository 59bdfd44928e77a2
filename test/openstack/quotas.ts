import { AGENT, IP_AVAILABILITY, NETWORK, PORT, ROUTER, SERVICE_PROVIDER, SUBNET } from './columns.ts';
import type { Step } from './step.ts';

const KINDS = [
  'Floating IPs',
  'Networks',
  'Ports',
  'RBAC Policies',
  'Routers',
  'Security Groups',
  'Security Group Rules',
  'Subnets',
  'Subnet Pools',
];
const USE = ['Resource', 'In Use', 'Reserved', 'Limit'];

/** Quotas, how full networks are, and which agent carries what. */
export const QUOTA_STEPS: readonly Step[] = [
  {
    run: 'quota show demo -f value -c networks -c subnets -c ports -c routers -c floating-ips -c rbac_policies -c secgroups -c secgroup-rules -c subnet_pools -c project_name',
    says: '50\n100\n500\ndemo\n10\n10\n100\n10\n-1\n100',
  },
  {
    run: 'quota set --floating-ips 1 --networks 2 --subnets 3 --ports 4 --routers 5 --secgroups 6 --secgroup-rules 70 --rbac-policies 8 --subnetpools 9 demo',
  },
  {
    run: 'quota show demo -f value -c networks -c subnets -c ports -c routers -c floating-ips -c rbac_policies -c secgroups -c secgroup-rules -c subnet_pools -c project_name',
    says: '1\n2\n4\ndemo\n8\n5\n70\n6\n9\n3',
  },
  { run: 'quota show --default demo -f value -c networks -c floating-ips', says: '50\n100' },
  {
    run: 'quota list --network',
    columns: ['Project ID', ...KINDS],
    has: [{ 'Floating IPs': 1, Networks: 2, Ports: 4, Routers: 5, Subnets: 3 }],
  },
  { run: 'network create one', by: 'portward-demo', rows: NETWORK.show },
  { run: 'network create two', by: 'portward-demo', rows: NETWORK.show },
  {
    run: 'network create three',
    by: 'portward-demo',
    says: /^Error while executing command: ConflictException: 409, Quota exceeded for resources: \['network'\]\.$/,
  },
  {
    run: 'quota list --network --detail --project demo',
    columns: USE,
    has: [
      { Resource: 'networks', 'In Use': 2, Reserved: 0, Limit: 2 },
      { Resource: 'floating_ips', Limit: 1 },
      { Resource: 'rbac_policies' },
      { Resource: 'routers' },
      { Resource: 'ports' },
      { Resource: 'security_group_rules' },
      { Resource: 'security_groups' },
      { Resource: 'subnet_pools' },
      { Resource: 'subnets' },
    ],
  },
  {
    run: 'quota set --check-limit --networks 1 demo',
    says: /^BadRequestException: 400: Client Error for url: \S+, Quota limit 1 for network must be greater than or equal to already used 2\.?$/,
  },
  { run: 'quota set --force --networks 1 demo' },
  { run: 'quota show demo', says: /networks +\| 1 / },

  { run: 'network create net', rows: NETWORK.show, as: 'net' },
  { run: 'subnet create --network net --subnet-range 10.1.0.0/28 sub', rows: SUBNET.show },
  { run: 'port create --network net port', rows: PORT.show },
  { run: 'ip availability list', columns: IP_AVAILABILITY.list },
  { run: 'ip availability list --ip-version 6', says: '' },
  { run: 'network create six', rows: NETWORK.show },
  { run: 'subnet create --network six --ip-version 6 --subnet-range 2001:db8::/64 sub6', rows: SUBNET.show },
  { run: 'ip availability list --ip-version 6', columns: IP_AVAILABILITY.list, has: [{ 'Network Name': 'six' }] },
  {
    run: 'ip availability list --project admin',
    columns: IP_AVAILABILITY.list,
    has: [{ 'Network Name': 'net', 'Total IPs': 13 }],
  },
  {
    run: 'ip availability show net',
    rows: IP_AVAILABILITY.show,
    has: { total_ips: 13, network_id: '{net.id}', subnet_ip_availability: /10\.1\.0\.0\/28/ },
  },

  {
    run: 'network service provider list',
    columns: SERVICE_PROVIDER.list,
    has: [{ 'Service Type': 'L3_ROUTER_NAT', Default: true }],
  },

  { run: 'router create router', rows: ROUTER.create, as: 'router' },
  { run: 'network agent list --agent-type l3', columns: AGENT.list, as: 'l3' },
  { run: 'network agent list --agent-type dhcp', columns: AGENT.list, as: 'dhcp' },
  { run: 'network agent list --router router', columns: AGENT.list, has: [{ ID: '{l3.ID}' }] },
  { run: 'network agent list --router router --long', columns: [...AGENT.list, 'HA State'] },
  { run: 'network agent list --network net', columns: AGENT.list, has: [{ ID: '{dhcp.ID}' }] },
  { run: 'network list --agent {dhcp.ID}', columns: NETWORK.list },
  { run: 'router list --agent {l3.ID}', columns: ROUTER.admin, has: [{ ID: '{router.id}' }] },
  { run: 'network agent remove router --l3 {l3.ID} router' },
  { run: 'network agent list --router router', says: '' },
  { run: 'network agent add router --l3 {l3.ID} router' },
  { run: 'network agent list --router router', columns: AGENT.list, has: [{ ID: '{l3.ID}' }] },
  { run: 'network agent remove network --dhcp {dhcp.ID} net' },
  { run: 'network agent list --network net', says: '' },
  { run: 'network agent add network --dhcp {dhcp.ID} net' },
  { run: 'network agent list --network net', columns: AGENT.list, has: [{ ID: '{dhcp.ID}' }] },
];
