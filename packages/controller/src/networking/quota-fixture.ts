import type { Answer, TestApi } from '../http/test-api.ts';

/** Status, type and message of a refusal. */
export const asError = ({ status, body }: Answer) => [status, body.NeutronError.type, body.NeutronError.message];

/** Sets limits of a project; answers all of them. */
export const setQuota = (api: TestApi, project: string, limits: object) =>
  api.expect('admin', 'PUT', `/quotas/${project}`, { quota: limits });

/** Runs `work` with limits for a project that are gone afterwards. */
export async function withQuota(
  api: TestApi,
  project: string,
  limits: object,
  work: () => Promise<void>,
): Promise<void> {
  await setQuota(api, project, limits);
  try {
    await work();
  } finally {
    await api.send('admin', 'DELETE', `/quotas/${project}`);
  }
}
