import type { Store } from '../store/store.ts';
import type { ServerNetworking } from './networking-port.ts';

/** What Compute works with. */
export interface ComputeRoom {
  readonly store: Store;
  readonly networking: ServerNetworking;
  readonly now: () => Date;
}
