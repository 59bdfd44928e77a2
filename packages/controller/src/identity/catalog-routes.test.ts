import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { messageOf, namesOf, openAdmin } from './admin-fixture.ts';

const { cloud, api } = await openAdmin();
after(() => cloud.close());

describe('the catalog and what there is none of', () => {
  test('services, endpoints and regions are shown and cannot be changed', async () => {
    const services = (await api('GET', 'services')).body.services;
    assert.deepEqual(namesOf(services), ['keystone', 'neutron', 'nova', 'glance']);
    assert.deepEqual(namesOf((await api('GET', 'services?type=network')).body.services), ['neutron']);
    const [service] = services;
    assert.equal((await api('GET', `services/${service.id}`)).body.service.type, 'identity');
    const endpoints = (await api('GET', `endpoints?service_id=${service.id}&interface=public`)).body.endpoints;
    assert.deepEqual(
      endpoints.map((endpoint: { url: string }) => endpoint.url),
      ['http://cloud.example:9696/identity/v3/'],
    );
    assert.equal((await api('GET', 'endpoints')).body.endpoints.length, 12);
    assert.equal((await api('GET', `endpoints/${endpoints[0].id}`)).body.endpoint.region_id, 'RegionOne');
    assert.deepEqual((await api('GET', 'endpoints?region_id=nope')).body.endpoints, []);
    assert.equal((await api('GET', 'regions')).body.regions[0].id, 'RegionOne');
    assert.equal((await api('GET', 'regions/RegionOne')).body.region.id, 'RegionOne');
    for (const path of ['services/x', 'endpoints/x', 'regions/x']) messageOf(await api('GET', path), 404);
    messageOf(await api('POST', 'services', { service: {} }), 403);
    messageOf(await api('DELETE', `endpoints/${endpoints[0].id}`), 403);
  });

  test('empty lists of the rest', async () => {
    for (const name of ['groups', 'credentials', 'policies', 'limits', 'registered_limits']) {
      const { status, body } = await api('GET', name);
      assert.equal(status, 200);
      assert.deepEqual(body[name], []);
      messageOf(await api('GET', `${name}/x`), 404);
    }
    assert.equal(messageOf(await api('GET', 'nothing/of/the/kind'), 404), 'The resource could not be found.');
  });
});
