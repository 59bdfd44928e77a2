/** Ids, owners and times of the objects of the stand-in cloud, and what its token says. */
import type { JsonObject } from './cell.ts';

/** Ids that tests name. */
export const IDS = {
  project: '0a0a0a0a0a0a4a0a8a0a0a0a0a0a0a0a',
  user: '1b1b1b1b1b1b4b1b8b1b1b1b1b1b1b1b',
  domain: 'default',
  role: '2c2c2c2c2c2c4c2c8c2c2c2c2c2c2c2c',
  public: '11111111-1111-4111-8111-111111111111',
  private: '22222222-2222-4222-8222-222222222222',
  subnet: '33333333-3333-4333-8333-333333333333',
  port: '44444444-4444-4444-8444-444444444444',
  routerPort: '45454545-4545-4545-8545-454545454545',
  router: '55555555-5555-4555-8555-555555555555',
  floatingIp: '66666666-6666-4666-8666-666666666666',
  otherFloatingIp: '67676767-6767-4767-8767-676767676767',
  forwarding: '77777777-7777-4777-8777-777777777777',
  rangeForwarding: '78787878-7878-4878-8878-787878787878',
  group: '88888888-8888-4888-8888-888888888888',
  rule: '99999999-9999-4999-8999-999999999999',
  icmpRule: '9a9a9a9a-9a9a-4a9a-8a9a-9a9a9a9a9a9a',
  server: 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa',
  image: 'bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb',
  agent: 'cccccccc-cccc-4ccc-8ccc-cccccccccccc',
} as const;

export const owned = { project_id: IDS.project, tenant_id: IDS.project };
export const times = { created_at: '2026-11-23T20:19:31Z', updated_at: '2026-11-23T20:19:32Z', revision_number: 3 };

/** What the Identity service says of the token, the catalog's endpoints at `base`. */
export function tokenBody(base: string): JsonObject {
  const service = (type: string, name: string, url: string): JsonObject => ({
    id: `${type}-id`,
    type,
    name,
    endpoints: ['public', 'internal', 'admin'].map((kind) => ({
      id: `${type}-${kind}`,
      interface: kind,
      region: 'RegionOne',
      region_id: 'RegionOne',
      url,
    })),
  });
  return {
    methods: ['password'],
    user: { id: IDS.user, name: 'alice', domain: { id: 'default', name: 'Default' }, password_expires_at: null },
    audit_ids: ['a'],
    issued_at: '2026-11-23T20:40:32.000000Z',
    expires_at: '2099-11-23T21:40:32.000000Z',
    project: { id: IDS.project, name: 'shop', domain: { id: 'default', name: 'Default' } },
    is_domain: false,
    roles: [{ id: IDS.role, name: 'member' }],
    catalog: [
      service('identity', 'keystone', `${base}/v3/`),
      service('network', 'neutron', base),
      service('compute', 'nova', `${base}/v2.1`),
      service('image', 'glance', `${base}/image`),
    ],
  };
}
