import { createHash } from 'node:crypto';

/** An image as the API shows it. */
export type Image = Readonly<Record<string, unknown>> & { readonly id: string; readonly name: string };

/** UUID of something built in, the same in every installation. */
function fixedUuid(name: string): string {
  const hex = createHash('sha256').update(`portward:${name}`).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

const id = fixedUuid('image namespace');
const BUILT_IN_SINCE = '2026-11-01T00:00:00Z';

/** The images there are: one, whose servers a network namespace plays. It has no data. */
export const IMAGES: readonly Image[] = [
  {
    id,
    name: 'namespace',
    status: 'active',
    visibility: 'public',
    disk_format: 'raw',
    container_format: 'bare',
    min_ram: 0,
    min_disk: 0,
    protected: true,
    tags: [],
    owner: null,
    size: 0,
    virtual_size: null,
    checksum: null,
    os_hash_algo: null,
    os_hash_value: null,
    os_hidden: false,
    description: 'Plays a VM: a network namespace with an SSH server',
    created_at: BUILT_IN_SINCE,
    updated_at: BUILT_IN_SINCE,
    file: `/v2/images/${id}/file`,
    self: `/v2/images/${id}`,
    schema: '/v2/schemas/image',
  },
];

/** An image by id. */
export const findImage = (wanted: string): Image | undefined => IMAGES.find((image) => image.id === wanted);
