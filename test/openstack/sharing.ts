import {
  ADDRESS_GROUP,
  ADDRESS_SCOPE,
  NETWORK,
  PROJECT,
  RBAC,
  SECURITY_GROUP_RULE,
  SUBNET,
  SUBNET_POOL,
} from './columns.ts';
import type { Step } from './step.ts';

/** What divides address space among subnets, and what shares objects among projects. */
export const SHARING_STEPS: readonly Step[] = [
  {
    run: 'address scope create --ip-version 4 --share scope',
    rows: ADDRESS_SCOPE.show,
    as: 'scope',
    has: { ip_version: 4, shared: true },
  },
  { run: 'address scope list', columns: ADDRESS_SCOPE.list, has: [{ Name: 'scope', 'IP Version': 4, Shared: true }] },
  { run: 'address scope list --ip-version 6', says: '' },
  { run: 'address scope list --name scope --share', columns: ADDRESS_SCOPE.list, has: [{ ID: '{scope.id}' }] },
  { run: 'address scope set --name area scope' },
  { run: 'address scope show area', rows: ADDRESS_SCOPE.show, has: { id: '{scope.id}' } },
  {
    run: "subnet pool create --pool-prefix 10.20.0.0/16 --pool-prefix 10.21.0.0/16 --default-prefix-length 26 --min-prefix-length 24 --max-prefix-length 28 --address-scope area --share --description 'a pool' --default-quota 1000 --tag p pool",
    rows: SUBNET_POOL.show,
    as: 'pool',
    has: {
      ...{ address_scope_id: '{scope.id}', description: 'a pool', ip_version: 4, shared: true, tags: ['p'] },
      ...{ default_quota: 1000, is_default: false },
      prefixes: /10\.20\.0\.0\/15|10\.20\.0\.0\/16/,
    },
  },
  { run: 'subnet pool list', columns: SUBNET_POOL.list, has: [{ Name: 'pool' }] },
  {
    run: 'subnet pool list --long',
    columns: SUBNET_POOL.long,
    has: [{ Shared: true, 'Default Subnet Pool': false, Tags: ['p'] }],
  },
  { run: 'subnet pool list --no-share', says: '' },
  { run: 'subnet pool list --address-scope area --name pool', columns: SUBNET_POOL.list, has: [{ ID: '{pool.id}' }] },
  { run: 'subnet pool set --name basin --description other --default --default-prefix-length 27 --tag q pool' },
  {
    run: 'subnet pool show basin',
    rows: SUBNET_POOL.show,
    has: { is_default: true, default_prefixlen: /^27$/, description: 'other', tags: ['p', 'q'] },
  },
  { run: 'subnet pool unset --tag p basin' },
  { run: 'network create pooled', rows: NETWORK.show },
  {
    run: 'subnet create --network pooled --subnet-pool basin --prefix-length 25 divided',
    rows: SUBNET.show,
    has: { subnetpool_id: '{pool.id}', cidr: /^10\.2[01]\.\d+\.\d+\/25$/ },
  },
  {
    run: 'subnet create --network pooled --use-default-subnet-pool defaulted',
    rows: SUBNET.show,
    has: { subnetpool_id: '{pool.id}', cidr: /\/27$/ },
  },
  { run: 'subnet list --subnet-pool basin', columns: SUBNET.list, has: [{ Name: 'divided' }, { Name: 'defaulted' }] },
  { run: 'subnet delete divided defaulted' },
  { run: 'subnet pool delete basin' },
  { run: 'address scope delete area' },

  { run: 'project show demo', rows: PROJECT.show, as: 'demo' },
  { run: 'network create uno', rows: NETWORK.show, as: 'one' },
  {
    run: 'network rbac create --type network --action access_as_shared --target-project demo uno',
    rows: RBAC.show,
    as: 'policy',
    has: { action: 'access_as_shared', object_id: '{one.id}', object_type: 'network', target_project_id: '{demo.id}' },
  },
  { run: 'network show uno', by: 'portward-demo', rows: NETWORK.show, has: { shared: true } },
  { run: 'network rbac list --type network --action access_as_shared', columns: RBAC.list },
  { run: 'network rbac list --long', columns: RBAC.long },
  { run: 'network rbac show {policy.id}', rows: RBAC.show, has: { object_id: '{one.id}' } },
  { run: 'network rbac set --target-project admin {policy.id}' },
  { run: 'network rbac delete {policy.id}' },

  {
    run: 'address group create --description friends --address 10.3.0.0/24 --address 2001:db8::/64 group',
    rows: ADDRESS_GROUP.show,
    as: 'group',
    has: { description: 'friends', addresses: ['10.3.0.0/24', '2001:db8::/64'] },
  },
  {
    run: 'address group list',
    columns: ADDRESS_GROUP.list,
    has: [{ Name: 'group', Description: 'friends', Addresses: ['10.3.0.0/24', '2001:db8::/64'] }],
  },
  { run: 'address group list --name other', says: '' },
  { run: 'address group list --project admin', columns: ADDRESS_GROUP.list, has: [{ ID: '{group.id}' }] },
  { run: 'address group set --name friends --description all --address 10.4.0.0/24 --address 10.5.0.1 group' },
  {
    run: 'address group show friends',
    rows: ADDRESS_GROUP.show,
    has: { description: 'all', addresses: ['10.3.0.0/24', '10.4.0.0/24', '10.5.0.1/32', '2001:db8::/64'] },
  },
  { run: 'address group unset --address 10.3.0.0/24 friends' },
  {
    run: 'address group show friends',
    rows: ADDRESS_GROUP.show,
    has: { addresses: ['10.4.0.0/24', '10.5.0.1/32', '2001:db8::/64'] },
  },
  {
    run: 'security group rule create --protocol tcp --dst-port 22 --remote-address-group friends default',
    rows: SECURITY_GROUP_RULE.show,
    as: 'rule',
    has: { remote_address_group_id: '{group.id}', remote_ip_prefix: null },
  },
  {
    run: 'security group rule list --ingress --protocol tcp default',
    columns: SECURITY_GROUP_RULE.list,
    has: [{ 'Remote Address Group': '{group.id}' }],
  },
  {
    run: 'address group delete friends',
    says: /^Failed to delete address group with name or ID 'friends': ConflictException: 409: Client Error for url: \S+, Address group {group.id} is in use on one or more security group rules\.\n1 of 1 address groups failed to delete\.$/,
  },
  { run: 'security group rule delete {rule.id}' },
  {
    run: 'address group delete friends nothing',
    says: "Failed to delete address group with name or ID 'nothing': No AddressGroup found for nothing\n1 of 2 address groups failed to delete.",
  },
];
