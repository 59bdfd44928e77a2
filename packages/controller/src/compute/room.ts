import type { Identity } from '../identity/identity.ts';
import type { Store } from '../store/store.ts';
import type { ServerNetworking } from './networking-port.ts';

/** What Compute works with. */
export interface ComputeRoom {
  readonly identity: Identity;
  readonly store: Store;
  readonly networking: ServerNetworking;
}
