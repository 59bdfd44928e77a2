/** Who makes a request, as its token says; what every rule decides on. */
export interface Caller {
  readonly userId: string;
  /** Project of the token's scope; empty when it has none. */
  readonly projectId: string;
  /** Role names, implied ones included: admin ⊇ member ⊇ reader. */
  readonly roles: readonly string[];
  /** Role `admin` on any project: everything, on all projects. */
  readonly isAdmin: boolean;
}

/** The system itself, for what happens without a request. */
export const SYSTEM: Caller = { userId: '', projectId: '', roles: ['admin'], isAdmin: true };
