/** Version of the API that is spoken: Keystone's of release Zed. */
const VERSION = 'v3.14';

/** The version document of Identity v3, as a client at `origin` shall use it. */
export const versionDocument = (origin: string): Record<string, unknown> => ({
  id: VERSION,
  status: 'stable',
  updated: '2020-04-07T00:00:00Z',
  links: [{ rel: 'self', href: `${origin}/identity/v3/` }],
  'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
});
