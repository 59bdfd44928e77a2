import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FeedObjects, FeedPut } from '@portward/model/feed.ts';
import { network, router, routerPort, subnet, uuid } from '../testing/cloud.ts';
import { worldOf } from '../testing/world.ts';
import { type AdvertisementService, advertisementItems } from './router-advertisement.ts';

const [NET, FIRST, SECOND, ROUTER, PORT] = [0x10, 0x20, 0x21, 0x30, 0x40];

/** dnsmasq's arguments that differ from router to router; undefined when none runs. */
function told(...puts: FeedPut[]): string[] | undefined {
  const world = worldOf([network(NET, { mtu: 1450 }), router(ROUTER), ...puts], []);
  const [item] = advertisementItems(world, uuid(ROUTER));
  if (item?.type !== 'service') return undefined;
  assert.equal(item.namespace, `qrouter-${uuid(ROUTER)}`);
  return (item.settings as AdvertisementService).argv.slice(11);
}

const inside = (...subnets: number[]): FeedPut =>
  routerPort(
    PORT,
    NET,
    Object.fromEntries(subnets.map((number) => [`fd00:${number}::1`, number])),
    ROUTER,
    'router_interface',
  );

const ipv6 = (number: number, mode: FeedObjects['subnet']['ipv6_ra_mode'], more: Partial<FeedObjects['subnet']> = {}) =>
  subnet(number, NET, `fd00:${number}::/64`, `fd00:${number}::1`, { enable_dhcp: true, ipv6_ra_mode: mode, ...more });

test('each mode has its flags, all prefixes of a device are told together', () => {
  const servers = { dns_nameservers: ['2001:db8::53', '9.9.9.9'] };
  assert.deepEqual(
    told(ipv6(FIRST, 'slaac', servers), ipv6(SECOND, 'dhcpv6-stateful', servers), inside(FIRST, SECOND)),
    [
      '--interface=qr-00000040-00',
      '--ra-param=qr-00000040-00,mtu:1450,100,300',
      '--dhcp-option=tag:qr-00000040-00,option6:dns-server,[2001:db8::53]',
      '--dhcp-range=fd00:32::,ra-only,64,86400s',
      '--dhcp-range=fd00:33::,static,64,86400s',
    ],
  );
  assert.equal(
    told(ipv6(FIRST, 'dhcpv6-stateless'), inside(FIRST))?.at(-1),
    '--dhcp-range=fd00:32::,ra-stateless,64,86400s',
  );
});

test('without a gateway nobody is told a way out; an MTU that IPv6 does not know is not told', () => {
  assert.deepEqual(told(ipv6(FIRST, 'slaac', { gateway_ip: null }), network(NET, { mtu: 1000 }), inside(FIRST)), [
    '--interface=qr-00000040-00',
    '--ra-param=qr-00000040-00,mtu:off,100,0',
    '--dhcp-range=fd00:32::,ra-only,64,86400s',
  ]);
});

test('nothing is told where no subnet wants it, the port or router is off, or another host has the router', () => {
  assert.equal(told(ipv6(FIRST, null), inside(FIRST)), undefined);
  assert.equal(told(ipv6(FIRST, 'slaac')), undefined);
  const port = inside(FIRST);
  assert.equal(
    told(ipv6(FIRST, 'slaac'), { ...port, object: { ...port.object, admin_state_up: false } } as FeedPut),
    undefined,
  );
  assert.equal(told(ipv6(FIRST, 'slaac'), port, router(ROUTER, { admin_state_up: false })), undefined);
  assert.equal(told(ipv6(FIRST, 'slaac'), port, router(ROUTER, { agent_host: 'host-2' })), undefined);
  assert.equal(told(ipv6(FIRST, 'slaac'), port, network(NET, { agent_host: 'host-2' })), undefined);
});
