import { test } from 'node:test';
import { AREAS } from './openstack/areas.ts';
import { runSteps } from './openstack/step.ts';

for (const [area, steps] of Object.entries(AREAS)) {
  test(`the openstack client: ${area}`, (context) => runSteps(context, steps));
}
